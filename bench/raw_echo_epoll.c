/* raw_echo_epoll: a TCP echo server that parses nothing: the floor under any server on epoll.
 *
 * Level-triggered; one recv into one hot buffer and one send for each event. What the kernel does not take is
 * copied, and nothing is read until it has left. */
#include "raw_listen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BUFFER_SIZE = 512 * 1024, EVENTS = 1024 };

struct connection {
    int fd;
    uint8_t *unsent; /* NULL, or what is still to be sent */
    size_t unsent_length;
    size_t unsent_offset;
};

static void connection_free(struct connection *connection) {
    close(connection->fd);
    free(connection->unsent);
    free(connection);
}

static void watch(int epoll, struct connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    must(epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event), "epoll_ctl");
}

static void accept_all(int epoll, int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct connection *connection = calloc(1, sizeof(*connection));
        if (connection == NULL) {
            close(fd);
            return;
        }
        connection->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): epoll has the pointer
        must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }
}

/* Sends on from what waits; false when the peer is gone. */
static bool send_unsent(int epoll, struct connection *connection) {
    ssize_t sent = send(connection->fd, connection->unsent + connection->unsent_offset,
        connection->unsent_length - connection->unsent_offset, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    connection->unsent_offset += (size_t)sent;
    if (connection->unsent_offset == connection->unsent_length) {
        free(connection->unsent);
        connection->unsent = NULL;
        watch(epoll, connection, EPOLLIN);
    }
    return true;
}

static bool keep_unsent(int epoll, struct connection *connection, const uint8_t *bytes, size_t length) {
    connection->unsent = malloc(length);
    if (connection->unsent == NULL)
        return false;
    memcpy(connection->unsent, bytes, length);
    connection->unsent_length = length;
    connection->unsent_offset = 0;
    watch(epoll, connection, EPOLLOUT);
    return true;
}

/* False when the connection is over. */
static bool echo(int epoll, struct connection *connection, uint8_t *buffer) {
    ssize_t received = recv(connection->fd, buffer, BUFFER_SIZE, 0);
    if (received <= 0)
        return received < 0 && errno == EAGAIN;
    ssize_t sent = send(connection->fd, buffer, (size_t)received, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent < 0)
        sent = 0;
    return sent == received || keep_unsent(epoll, connection, buffer + sent, (size_t)(received - sent));
}

int main(void) {
    static uint8_t buffer[BUFFER_SIZE];
    static struct epoll_event events[EVENTS];
    int listener = raw_listen(SOCK_NONBLOCK);
    int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL)
                accept_all(epoll, listener);
            else if (!(connection->unsent ? send_unsent(epoll, connection) : echo(epoll, connection, buffer)))
                connection_free(connection);
        }
    }
}
