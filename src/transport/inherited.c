#include "transport/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

#include "system_error.h"
#include "transport/loop.h"

enum { FIRST_PASSED = 3 /* SD_LISTEN_FDS_START */, COPIES_FROM = 3 };

static const char descriptor_prefix[] = "fd:";
static const char manager[] = "systemd";

/* Digits only, up to `most`; -1 for anything else. */
static int read_number(const char *text, int most) {
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && number <= most ? (int)number : -1;
}

static bool means_descriptor(const char *text) {
    return strncmp(text, descriptor_prefix, sizeof(descriptor_prefix) - 1) == 0;
}

static int descriptor_of(const char *text) {
    return read_number(text + sizeof(descriptor_prefix) - 1, INT_MAX);
}

/* The name behind "systemd:"; NULL: any. */
static const char *wanted_name(const char *text) {
    return text[sizeof(manager) - 1] == '\0' ? NULL : text + sizeof(manager);
}

static bool means_manager(const char *text) {
    size_t length = sizeof(manager) - 1;
    return strncmp(text, manager, length) == 0 && (text[length] == '\0' || text[length] == ':');
}

bool tow_is_inherited(const char *text) {
    return means_descriptor(text) || means_manager(text);
}

int tow_listen_text_check(const char *text) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    if (means_descriptor(text))
        return descriptor_of(text) < 0 ? TOW_ERROR_ADDRESS : 0;
    if (means_manager(text))
        return wanted_name(text) != NULL && wanted_name(text)[0] == '\0' ? TOW_ERROR_ADDRESS : 0;
    int count = tow_address_parse(text, addresses);
    return count < 0 ? count : 0;
}

/* What the service manager has handed over. */

static int complain(tow_complaint *complaint, const char *text) {
    tow_complain(complaint, "%s", text);
    return TOW_ERROR_ADDRESS;
}

/* How many descriptors there are from the first one on. */
static int passed_count(tow_complaint *complaint) {
    const char *process = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    if (process == NULL || count == NULL)
        return complain(complaint, "LISTEN_FDS is not set: no socket unit has started this process");
    if (read_number(process, INT_MAX) != getpid())
        return complain(complaint, "LISTEN_PID is another process: the sockets were for that one");
    int number = read_number(count, INT_MAX - FIRST_PASSED);
    return number > 0 ? number : complain(complaint, "LISTEN_FDS says that no socket was handed over");
}

/* Names stand between colons, in the order of the descriptors. */
static bool has_name(int index, const char *name) {
    const char *names = getenv("LISTEN_FDNAMES");
    for (; names != NULL && index > 0; index--) {
        names = strchr(names, ':');
        names = names == NULL ? NULL : names + 1;
    }
    size_t length = names == NULL ? 0 : strcspn(names, ":");
    return names != NULL && length == strlen(name) && strncmp(names, name, length) == 0;
}

/* The place of the `index`th descriptor of this name among those that were passed, or how many there are of
 * it in *found. */
static int find_passed(int passed, const char *name, int index, int *found) {
    *found = 0;
    for (int i = 0; i < passed; i++) {
        if (name != NULL && !has_name(i, name))
            continue;
        if ((*found)++ == index)
            return i;
    }
    return -1;
}

int tow_inherited_count(const char *text, tow_complaint *complaint) {
    if (means_descriptor(text))
        return 1;
    int passed = passed_count(complaint);
    if (passed < 0)
        return passed;
    int count;
    find_passed(passed, wanted_name(text), INT_MAX, &count);
    return count > 0 ? count : complain(complaint, "LISTEN_FDNAMES has no socket of this name");
}

static int original(const char *text, int index, tow_complaint *complaint) {
    if (means_descriptor(text))
        return descriptor_of(text);
    int passed = passed_count(complaint);
    int found;
    return passed < 0 ? passed : FIRST_PASSED + find_passed(passed, wanted_name(text), index, &found);
}

/* Opening. */

static int option_of(int fd, int name) {
    int value = -1;
    socklen_t length = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

static bool is_for_streams(int fd, int family) {
    return option_of(fd, SO_TYPE) == SOCK_STREAM &&
           (family == AF_UNIX || family == AF_INET || family == AF_INET6);
}

static int check(int fd, tow_complaint *complaint) {
    if (fcntl(fd, F_GETFD) < 0)
        return complain(complaint, "there is no descriptor of this number");
    int family = option_of(fd, SO_DOMAIN);
    if (family < 0)
        return complain(complaint, "the descriptor is not a socket");
    if (!is_for_streams(fd, family))
        return complain(complaint, "the socket is neither TCP nor a Unix socket for streams");
    if (option_of(fd, SO_ACCEPTCONN) != 1)
        return complain(complaint, "the socket does not listen");
    return 0;
}

int tow_inherited_check(const char *text, tow_complaint *complaint) {
    int count = tow_inherited_count(text, complaint);
    int error = count < 0 ? count : 0;
    for (int i = 0; error == 0 && i < count; i++) {
        int fd = original(text, i, complaint);
        error = fd < 0 ? fd : check(fd, complaint);
    }
    return error;
}

int tow_inherited_copy(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, COPIES_FROM);
    return copy < 0 ? tow_system_error(errno) : copy;
}

/* For TCP, as listeners of ours are made, whose accepted sockets inherit it: what is sent leaves at once, and
 * a close does not wait in the kernel (SO_LINGER) for a peer that takes nothing. Nothing fails without. */
static void set_up_tcp(int fd) {
    const int on = 1;
    const struct linger none = {0};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

int tow_inherited_open(
    tow_loop *loop, const char *text, int index, tow_address *address, tow_complaint *complaint) {
    if (!tow_loop_has_descriptors(loop))
        return TOW_ERROR_UNSUPPORTED;
    int fd = original(text, index, complaint);
    int error = fd < 0 ? fd : check(fd, complaint);
    if (error != 0)
        return error;
    tow_address name = {.length = sizeof(name.storage)};
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        getsockname(fd, (struct sockaddr *)&name.storage, &name.length) != 0)
        return tow_system_error(errno);
    if (!tow_address_is_unix(&name))
        set_up_tcp(fd);
    *address = name;
    return tow_inherited_copy(fd);
}

/* Connections. */

int tow_connection_check(const tow_loop *loop, int fd, bool *is_unix) {
    if (!tow_loop_has_descriptors(loop))
        return TOW_ERROR_UNSUPPORTED;
    tow_address peer = {.length = sizeof(peer.storage)};
    int family = option_of(fd, SO_DOMAIN);
    if (!is_for_streams(fd, family) || option_of(fd, SO_ACCEPTCONN) != 0 ||
        getpeername(fd, (struct sockaddr *)&peer.storage, &peer.length) != 0)
        return TOW_ERROR_ARGUMENT;
    *is_unix = family == AF_UNIX;
    return 0;
}

/* The flag O_NONBLOCK is that of all descriptors of the same socket. */
int tow_connection_inherit(int fd, bool is_unix) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return tow_system_error(errno);
    if (!is_unix)
        set_up_tcp(fd);
    return 0;
}
