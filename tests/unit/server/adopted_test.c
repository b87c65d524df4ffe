/* Connections that somebody else has accepted, and whatever he has done to them: none stalls the server, and
 * all end. */
#include "../transport/each_loop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <towline.h>
#include <unistd.h>

enum { LINGER_SECONDS = 20, MUCH = 200000 };

static int opens, closes;

static void opened(tow_websocket *socket) {
    opens++;
}

static void echo(tow_websocket *socket, const tow_message *message) {
    static const char much[MUCH];
    assert_true(tow_websocket_send(socket, TOW_BINARY, much, sizeof(much)) >= 0);
}

static void closed(tow_websocket *socket, const tow_close_event *event) {
    closes++;
}

static tow_server *begin(each_loop *each, const char *listen) {
    tow_server *server;
    opens = closes = 0;
    const tow_server_options options = {.listen = listen,
        .loop = each->loop,
        .drain_seconds = 1,
        .handshake_seconds = 2,
        .limits = {.idle_seconds = 2, .stall_seconds = 1}};
    assert_int_equal(tow_server_new(&server, &options), 0);
    assert_int_equal(tow_server_route(server, "/",
                         &(tow_handler){.on_open = opened, .on_message = echo, .on_close = closed}),
        0);
    assert_int_equal(tow_server_listen(server), 0);
    return server;
}

static bool is_done(void *server) {
    return tow_server_is_done(server);
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* However it was left, the drain comes to its end, and the loop is held up by nothing. */
static void end(each_loop *each, tow_server *server) {
    double begun = seconds_now();
    tow_server_stop(server);
    run_until(each, is_done, server);
    tow_server_free(server);
    assert_true(seconds_now() - begun < LINGER_SECONDS / 2.0);
}

static const struct linger long_one = {.l_onoff = 1, .l_linger = LINGER_SECONDS};

static int listen_anywhere(struct sockaddr_in *address) {
    socklen_t length = sizeof(*address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(listener, (struct sockaddr *)address, length), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)address, &length), 0);
    return listener;
}

/* Takes little. */
static int connect_to(const struct sockaddr_in *address) {
    const int small = 4096;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
    return fd;
}

/* pair[0] is accepted, pair[1] the client's. */
static void tcp_pair(int pair[2]) {
    struct sockaddr_in address;
    int listener = listen_anywhere(&address);
    pair[1] = connect_to(&address);
    pair[0] = accept(listener, NULL, NULL);
    assert_true(pair[0] >= 0);
    close(listener);
}

#define OPENING                                                                                              \
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                     \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void say(int fd, const void *bytes, size_t length) {
    (void)send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool is_closed(void *argument) {
    return closes > 0;
}

/* A close of ours behind data that the client does not take would wait for it, in the kernel. */
static void take_nothing_and_leave(each_loop *each, int client) {
    say(client, OPENING "\x81\x80\0\0\0\0\x88\x80\0\0\0\0", sizeof(OPENING) - 1 + 12);
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    double begun = seconds_now();
    run_until(each, is_closed, NULL);
    run_for(each, 50 * TOW_MILLISECOND);
    assert_true(seconds_now() - begun < LINGER_SECONDS / 2.0);
    close(client);
}

static void linger(int fd) {
    const int large = 4 * MUCH;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_one, sizeof(long_one)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large)), 0);
}

static void a_linger_that_was_set_holds_nothing_up(void **state) {
    each_loop *each = *state;
    int pair[2];
    tow_server *server = begin(each, "off");
    tcp_pair(pair);
    linger(pair[0]);
    assert_int_equal(tow_server_adopt(server, pair[0]), 0);
    take_nothing_and_leave(each, pair[1]);
    end(each, server);
}

static void nor_does_that_of_a_listener(void **state) {
    each_loop *each = *state;
    char text[20];
    struct sockaddr_in address;
    int listener = listen_anywhere(&address);
    linger(listener);
    snprintf(text, sizeof(text), "fd:%d", listener);
    tow_server *server = begin(each, text);
    take_nothing_and_leave(each, connect_to(&address));
    close(listener);
    end(each, server);
}

/* What somebody may have done. */

static void shut_for_writing(int pair[2]) {
    assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
}

static void shut_for_reading(int pair[2]) {
    assert_int_equal(shutdown(pair[0], SHUT_RD), 0);
}

static void shut(int pair[2]) {
    assert_int_equal(shutdown(pair[0], SHUT_RDWR), 0);
}

static void end_of_client(int pair[2]) {
    say(pair[1], OPENING, sizeof(OPENING) - 1);
    assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
}

static void reset_of_client(int pair[2]) {
    const struct linger at_once = {.l_onoff = 1};
    say(pair[1], OPENING, sizeof(OPENING) - 1);
    (void)setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(pair[1]);
    pair[1] = -1;
}

static void low_mark_of_megabytes(int pair[2]) {
    const int much = 1 << 20;
    (void)setsockopt(pair[0], SOL_SOCKET, SO_RCVLOWAT, &much, sizeof(much));
}

static void times_of_a_microsecond(int pair[2]) {
    const struct timeval short_one = {.tv_usec = 1};
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &short_one, sizeof(short_one)), 0);
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &short_one, sizeof(short_one)), 0);
}

static void urgent_data(int pair[2]) {
    (void)send(pair[1], "!", 1, MSG_OOB | MSG_NOSIGNAL);
}

static void small_buffers(int pair[2]) {
    const int small = 1;
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
}

static void held_back(int pair[2]) {
    const int on = 1;
    (void)setsockopt(pair[0], IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

static void not_blocking(int pair[2]) {
    assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
}

static void any_state_comes_to_an_end(void **state) {
    static void (*const done[])(int pair[2]) = {shut_for_writing, shut_for_reading, shut, end_of_client,
        reset_of_client, low_mark_of_megabytes, times_of_a_microsecond, urgent_data, small_buffers, held_back,
        not_blocking};
    enum { COUNT = 2 * sizeof(done) / sizeof(done[0]) };
    each_loop *each = *state;
    int pairs[COUNT][2];
    tow_server *server = begin(each, "off");
    for (size_t i = 0; i < COUNT; i++) {
        int *pair = pairs[i];
        if (i % 2 == 0)
            tcp_pair(pair);
        else
            assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        done[i / 2](pair);
        if (tow_server_adopt(server, pair[0]) != 0)
            close(pair[0]);
        if (pair[1] >= 0)
            say(pair[1], OPENING "\x81\x80\0\0\0\0", sizeof(OPENING) - 1 + 6);
    }
    run_for(each, 100 * TOW_MILLISECOND);
    assert_true(opens > COUNT / 2);
    end(each, server);
    assert_int_equal(opens, closes);
    for (size_t i = 0; i < COUNT; i++) {
        if (pairs[i][1] >= 0)
            close(pairs[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(a_linger_that_was_set_holds_nothing_up),
        ON_REAL_LOOPS(nor_does_that_of_a_listener),
        ON_REAL_LOOPS(any_state_comes_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
