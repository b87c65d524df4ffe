/* What a server that parses nearly nothing pays for a fan-out: what comes from any connection in a round is
 * one ready piece of frames, which is written to each. It takes text frames of up to 125 bytes, each whole in
 * one read, and lets no reader be slow. Usage: raw-fan-out [io_uring|epoll]. */
#include "raw_listen.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 20000, EVENTS = 1024, ROUND_MAX = 64 * 1024, ENTRIES = 4096 };

/* Answers any request: the loader does not look at the key. */
static const char accepted[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static int members[CONNECTIONS_MAX];
static int member_count;
static bool is_member[CONNECTIONS_MAX + 1024]; /* by descriptor */
static uint8_t said[ROUND_MAX];
static size_t said_length;

static void add_frames(const uint8_t *bytes, size_t length) {
    while (length >= 6) {
        size_t payload = bytes[1] & 127U;
        const uint8_t *key = bytes + 2;
        uint8_t *out = said + said_length;
        if (length < 6 + payload || said_length + 2 + payload > ROUND_MAX)
            return;
        out[0] = bytes[0];
        out[1] = (uint8_t)payload;
        for (size_t i = 0; i < payload; i++)
            out[2 + i] = bytes[6 + i] ^ key[i % 4];
        said_length += 2 + payload;
        bytes += 6 + payload;
        length -= 6 + payload;
    }
}

static void hear(int fd) {
    uint8_t bytes[64 * 1024];
    ssize_t length = recv(fd, bytes, sizeof(bytes), 0);
    if (length <= 0) {
        if (length == 0)
            exit(0); /* the loader has gone */
        return;
    }
    if (is_member[fd]) {
        add_frames(bytes, (size_t)length);
        return;
    }
    is_member[fd] = true;
    members[member_count++] = fd;
    must((int)send(fd, accepted, sizeof(accepted) - 1, MSG_NOSIGNAL), "send");
}

static void say_to(int fd, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t taken = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (taken < 0 && errno != EAGAIN)
            exit(0);
        if (taken < 0) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000);
            continue;
        }
        bytes += taken;
        length -= (size_t)taken;
    }
}

static void say_by_calls(void) {
    for (int i = 0; i < member_count; i++)
        say_to(members[i], said, said_length);
}

/* All of a round are submitted together, as many as the ring holds. What was sent short is finished by call.
 */
static void settle(struct io_uring *ring, unsigned count) {
    struct io_uring_cqe *cqe;
    must(io_uring_submit_and_wait(ring, count), "submit");
    for (unsigned i = 0; i < count; i++) {
        must(io_uring_wait_cqe(ring, &cqe), "wait");
        size_t taken = cqe->res > 0 ? (size_t)cqe->res : 0;
        if (taken < said_length)
            say_to((int)cqe->user_data, said + taken, said_length - taken);
        io_uring_cqe_seen(ring, cqe);
    }
}

static void say_by_ring(struct io_uring *ring) {
    unsigned count = 0;
    for (int i = 0; i < member_count; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
        io_uring_prep_send(sqe, members[i], said, said_length, MSG_NOSIGNAL | MSG_DONTWAIT);
        io_uring_sqe_set_data64(sqe, (__u64)members[i]);
        if (++count == ENTRIES || i + 1 == member_count) {
            settle(ring, count);
            count = 0;
        }
    }
}

static void add(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

int main(int argc, char **argv) {
    static struct epoll_event events[EVENTS];
    struct io_uring ring;
    bool by_ring = argc > 1 && strcmp(argv[1], "io_uring") == 0;
    if (by_ring)
        must(io_uring_queue_init(ENTRIES, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN),
            "ring");
    int listener = raw_listen(SOCK_NONBLOCK);
    int epoll = must(epoll_create1(0), "epoll_create1");
    add(epoll, listener);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        said_length = 0;
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listener)
                hear(fd);
            else if ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
                add(epoll, fd);
        }
        if (said_length > 0 && by_ring)
            say_by_ring(&ring);
        else if (said_length > 0)
            say_by_calls();
    }
}
