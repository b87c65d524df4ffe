#include "socket.h"

#include "system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <towline/error.h>
#include <unistd.h>

static void set_option(int fd, int level, int name, int value) {
    /* A socket that does not know an option does without it. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* Names for what connect(2) calls otherwise: no free port, no room in a Unix listener's queue. */
static int connect_error(int number) {
    return number == EADDRNOTAVAIL || number == EAGAIN ? TOW_ERROR_LIMIT : tow_system_error(number);
}

int tow_socket_connect(const tow_address *address, int *fd, int *refusal) {
    int made = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return tow_system_error(errno);
    if (!tow_address_is_unix(address))
        set_option(made, IPPROTO_TCP, TCP_NODELAY, 1);
    *fd = made;
    *refusal = 0;
    if (connect(made, (const struct sockaddr *)&address->storage, address->length) == 0 ||
        errno == EINPROGRESS)
        return 0;
    *refusal = connect_error(errno);
    *fd = -1;
    close(made);
    return 0;
}

int tow_socket_error(int fd) {
    int number = 0;
    socklen_t length = sizeof(number);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) != 0)
        number = errno;
    return number == 0 ? 0 : tow_system_error(number);
}

ssize_t tow_socket_send(tow_stream *stream, const struct iovec *pieces, int count) {
    tow_loop_counters *counters = &stream->loop->counters;
    tow_count(&counters->writes);
    tow_count(&counters->system_calls);
    ssize_t sent;
    if (count == 1) {
        sent = send(stream->fd, pieces->iov_base, pieces->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        struct msghdr message = {.msg_iovlen = (size_t)(count < IOV_MAX ? count : IOV_MAX)};
        memcpy(&message.msg_iov, &pieces, sizeof(void *)); /* it is not const, but is only read */
        sent = sendmsg(stream->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EINTR ? 0 : tow_system_error(errno);
}

void tow_socket_shutdown(tow_stream *stream) {
    tow_count(&stream->loop->counters.system_calls);
    if (shutdown(stream->fd, SHUT_WR) != 0) {
        /* The peer has reset: reading tells. */
    }
}

/* What cannot be asked is on its way to nobody. */
size_t tow_socket_untaken(const tow_stream *stream) {
    int bytes = 0;
    tow_count(&stream->loop->counters.system_calls);
    return ioctl(stream->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

bool tow_socket_is_quiet(tow_stream *stream) {
    char byte;
    tow_count(&stream->loop->counters.system_calls);
    if (recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
        return false;
    if (errno == EAGAIN)
        return true;
    tow_stream_fail(stream, tow_system_error(errno)); /* it is told once */
    return false;
}

static int ask_name(int (*ask)(int, struct sockaddr *, socklen_t *), int fd, tow_address *address) {
    *address = (tow_address){.length = sizeof(address->storage)};
    if (ask(fd, (struct sockaddr *)&address->storage, &address->length) != 0)
        return tow_system_error(errno);
    tow_address_unmap(address);
    return 0;
}

int tow_socket_peer(const tow_stream *stream, tow_address *address) {
    return ask_name(getpeername, stream->fd, address);
}

int tow_socket_local(const tow_stream *stream, tow_address *address) {
    return ask_name(getsockname, stream->fd, address);
}

void tow_socket_close(tow_stream *stream) {
    if (stream->fd < 0)
        return;
    if (stream->flags & STREAM_RESET) {
        struct linger at_once = {.l_onoff = 1};
        (void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        tow_count(&stream->loop->counters.system_calls);
    }
    close(stream->fd);
    stream->fd = -1;
    tow_count(&stream->loop->counters.system_calls);
    tow_loop_descriptor_closed(stream->loop);
}

/* Whether a Unix socket is left over from a process that is gone: a live one accepts, or its queue is full.
 */
static bool is_stale(const tow_address *address) {
    const struct sockaddr_un *name = (const struct sockaddr_un *)(const void *)&address->storage;
    struct stat status;
    if (lstat(name->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)name, address->length) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static void remove_file(const tow_address *address) {
    unlink(((const struct sockaddr_un *)(const void *)&address->storage)->sun_path);
}

void tow_listen_remove(const tow_address *address) {
    if (tow_address_is_unix(address) && is_stale(address))
        remove_file(address);
}

static int bind_socket(int fd, const tow_address *address) {
    const struct sockaddr *name = (const struct sockaddr *)&address->storage;
    if (bind(fd, name, address->length) == 0)
        return 0;
    int number = errno;
    if (number != EADDRINUSE || !tow_address_is_unix(address) || !is_stale(address))
        return tow_system_error(number);
    remove_file(address);
    return bind(fd, name, address->length) == 0 ? 0 : tow_system_error(errno);
}

/* TCP_NODELAY is inherited by accepted sockets. */
static void set_listen_options(int fd, const tow_address *address, const tow_listen_options *options) {
    if (tow_address_is_unix(address))
        return;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (address->storage.ss_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (options->reuse_port)
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static int bind_and_listen(
    int fd, const tow_address *address, const tow_listen_options *options, tow_address *bound) {
    set_listen_options(fd, address, options);
    int error = bind_socket(fd, address);
    if (error != 0)
        return error;
    if (listen(fd, options->backlog > 0 ? options->backlog : SOMAXCONN) != 0)
        return tow_system_error(errno);
    if (bound == NULL)
        return 0;
    tow_address name = {.length = sizeof(name.storage)};
    if (getsockname(fd, (struct sockaddr *)&name.storage, &name.length) != 0)
        return tow_system_error(errno);
    *bound = name;
    return 0;
}

int tow_socket_listen(
    tow_loop *loop, const tow_address *address, const tow_listen_options *options, tow_address *bound) {
    (void)loop;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return tow_system_error(errno);
    int error = bind_and_listen(fd, address, options, bound);
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

void tow_socket_discard(tow_loop *loop, int fd) {
    tow_count(&loop->counters.system_calls);
    close(fd);
}

int64_t tow_system_clock(const tow_loop *loop) {
    (void)loop;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * TOW_SECOND + now.tv_nsec;
}

int64_t tow_system_wall_milliseconds(const tow_loop *loop) {
    (void)loop;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / TOW_MILLISECOND;
}

void tow_system_random(tow_loop *loop, void *out, size_t length) {
    tow_random_take(&loop->random, out, length);
}
