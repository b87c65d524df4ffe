#include "../unit.h"

#include "bench/load.h"
#include "bench/process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <towline/error.h>
#include <unistd.h>

/* A raw echo server on one thread, for one connection after the other; it changes the byte at `spoil`. */
struct echo_server {
    pthread_t thread;
    int listener;
    int64_t spoil; /* -1: none */
    char url[64];
};

static void serve(struct echo_server *server, int fd) {
    char bytes[4096];
    int64_t offset = 0;
    for (ssize_t got = read(fd, bytes, sizeof(bytes)); got > 0; got = read(fd, bytes, sizeof(bytes))) {
        if (server->spoil >= offset && server->spoil < offset + got)
            bytes[server->spoil - offset] ^= 1;
        offset += got;
        if (send(fd, bytes, (size_t)got, MSG_NOSIGNAL) != got)
            break;
    }
    close(fd);
}

static void *accept_in_turn(void *argument) {
    struct echo_server *server = argument;
    for (int fd = accept(server->listener, NULL, NULL); fd >= 0; fd = accept(server->listener, NULL, NULL))
        serve(server, fd);
    return NULL;
}

/* A port of the kernel's choice, which refuses until somebody listens; the URL names it. */
static int take_a_port(char url[64]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(url, 64, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

static int listen_anywhere(char url[64]) {
    int fd = take_a_port(url);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static void start(struct echo_server *server, int64_t spoil) {
    server->spoil = spoil;
    server->listener = listen_anywhere(server->url);
    assert_int_equal(pthread_create(&server->thread, NULL, accept_in_turn, server), 0);
}

static void stop(struct echo_server *server) {
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static const int64_t millisecond = 1000000;

static tow_load_options options_for(const char *url) {
    return (tow_load_options){.url = url,
        .connections = 1,
        .in_flight = 4,
        .payload_length = 100,
        .duration = 30 * millisecond,
        .warm_up = 5 * millisecond,
        .pid = getpid()};
}

static tow_load_figures *figures;
static char text[TOW_LOAD_TEXT_MAX];

static int make_figures(void **state) {
    (void)state;
    figures = malloc(sizeof(*figures));
    return figures == NULL;
}

static int free_figures(void **state) {
    (void)state;
    free(figures);
    return 0;
}

/* A busy machine may give the server no turn for so long: then again for longer. */
static int run_load(tow_load_options *options) {
    int error;
    while ((error = tow_load_run(options, figures, text)) == TOW_ERROR_TIMED_OUT &&
           options->duration < 20000 * millisecond)
        options->duration *= 2;
    return error;
}

static void a_load_measures_what_an_echo_answers(void **state) {
    (void)state;
    struct echo_server server;
    start(&server, -1);
    tow_load_options options = options_for(server.url);
    assert_int_equal(run_load(&options), 0);
    stop(&server);
    assert_true(figures->messages > 0);
    assert_int_equal(figures->messages, figures->latency.count);
    assert_true(figures->messages_answered > (double)figures->messages - 8);
    assert_true(figures->messages_answered < (double)figures->messages + 8);
    assert_true(figures->elapsed >= 30 * millisecond);
    assert_true(figures->server_cpu > 0);
    assert_true(figures->server_memory_total > 0);
    assert_int_equal(figures->server_memory_first, options.connections / 9);
    assert_int_equal(figures->server_system_calls, -1);
}

/* How much of it came; on a busy machine that may be little. */
static double part_of_rate(double rate) {
    struct echo_server server;
    start(&server, -1);
    tow_load_options options = options_for(server.url);
    options.rate = rate;
    options.duration = 200 * millisecond;
    assert_int_equal(run_load(&options), 0);
    stop(&server);
    return (double)figures->messages / (rate * (double)figures->elapsed / 1e9);
}

static void a_rate_is_kept(void **state) {
    (void)state;
    double part = 0;
    for (int tries = 0; tries < 50 && part < 0.5; tries++)
        part = part_of_rate(2000);
    assert_true(part >= 0.5 && part <= 1.2);
}

static void silence_sends_nothing(void **state) {
    (void)state;
    struct echo_server server;
    start(&server, 0);
    tow_load_options options = options_for(server.url);
    options.in_flight = 0;
    assert_int_equal(tow_load_run(&options, figures, text), 0);
    stop(&server);
    assert_int_equal(figures->messages, 0);
}

static void a_spoilt_byte_ends_the_load(void **state) {
    (void)state;
    struct echo_server server;
    start(&server, 1234);
    tow_load_options options = options_for(server.url);
    assert_int_equal(run_load(&options), TOW_ERROR_STATE);
    stop(&server);
    assert_string_equal(text, "connection 1 of 1: an answer is not what was sent (message 13)");
}

static void a_server_that_never_answers_is_an_error(void **state) {
    (void)state;
    char url[64];
    int fd = listen_anywhere(url); /* the kernel accepts, nobody reads */
    tow_load_options options = options_for(url);
    options.warm_up = 0;
    assert_int_equal(tow_load_run(&options, figures, text), TOW_ERROR_TIMED_OUT);
    assert_string_equal(text, "nothing came back for 0.0 seconds");
    close(fd);
}

static void a_refused_connection_ends_the_load(void **state) {
    (void)state;
    char url[64];
    int fd = take_a_port(url);
    tow_load_options options = options_for(url);
    assert_int_equal(tow_load_run(&options, figures, text), TOW_ERROR_REFUSED);
    close(fd);
    assert_string_equal(text, "connection 1 of 1: connection refused");
}

static void assert_refused(const tow_load_options *options, int error) {
    text[0] = 0;
    assert_int_equal(tow_load_run(options, figures, text), error);
    assert_true(strlen(text) > 0);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    const char *const urls[] = {"", "http://localhost/", "ws://", "ws://localhost:0/",
        "ws://localhost:65536/", "ws://localhost:1x/", "tcp://localhost", "ws://localhost/a b",
        "ws://localhost/#a", "ws://localhost?a", "ws://[::1/", "https://localhost/", "wss://",
        "wss://localhost:0/", "tls://localhost", "wss:/localhost"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        tow_load_options options = options_for(urls[i]);
        assert_refused(&options, TOW_ERROR_URL);
    }
    tow_load_options options = options_for("tcp://127.0.0.1:1");
    options.connections = 0;
    assert_refused(&options, TOW_ERROR_ARGUMENT);
    options = options_for("tcp://127.0.0.1:1");
    options.in_flight = -1;
    assert_refused(&options, TOW_ERROR_ARGUMENT);
    options = options_for("tcp://127.0.0.1:1");
    options.payload_length = 0;
    assert_refused(&options, TOW_ERROR_ARGUMENT);
    options = options_for("tcp://127.0.0.1:1");
    options.pid = INT32_MAX; /* beyond any process number */
    assert_refused(&options, TOW_ERROR_ARGUMENT);
}

static void a_process_uses_time_and_memory(void **state) {
    (void)state;
    tow_process process;
    assert_int_equal(tow_process_open(&process, 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_process_open(&process, getpid()), 0);
    int64_t before = tow_process_cpu(&process);
    assert_true(before > 0);
    for (volatile int i = 0; i < 1000000; i++)
        continue;
    assert_true(tow_process_cpu(&process) > before);
    assert_true(tow_process_memory(&process) > 100000);
    assert_int_equal(tow_process_system_calls(&process), -1);
    tow_process_close(&process);
    tow_process_close(&process);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_measures_what_an_echo_answers),
        cmocka_unit_test(a_rate_is_kept),
        cmocka_unit_test(silence_sends_nothing),
        cmocka_unit_test(a_spoilt_byte_ends_the_load),
        cmocka_unit_test(a_server_that_never_answers_is_an_error),
        cmocka_unit_test(a_refused_connection_ends_the_load),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_process_uses_time_and_memory),
    };
    return cmocka_run_group_tests(tests, make_figures, free_figures);
}
