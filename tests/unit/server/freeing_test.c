/* Loop, server, client, reconnector and byte streams are freed in every order that the headers allow, at any
 * moment. That nothing is looked at that is gone, and nothing is left, is for the sanitizers to say. */
#include "../transport/each_loop.h"

#include <sys/socket.h>
#include <towline.h>
#include <unistd.h>

enum { SERVER, CLIENT, RECONNECTOR, STREAM, LOOP, THINGS };

/* Rounds before all is freed; the last is enough for everything to be open. */
static const int rounds[] = {0, 1, 2, 3, 5, 8, 12, 300};
enum { MOMENTS = sizeof(rounds) / sizeof(rounds[0]) };

typedef struct ensemble {
    each_loop *each;
    bool secure;
    tow_server *server;
    tow_websocket *client;
    tow_reconnector *reconnector;
    tow_websocket *carrier;   /* of a byte stream, until it has it */
    tow_byte_stream *carried; /* NULL: none yet, or gone */
    tow_byte_stream *stream;  /* the same, over TCP */
    int served, told;
    int open;              /* of the server's sockets: on_open came, and on_close did not */
    int carried_at_server; /* byte streams made of them */
    tow_websocket_id id;   /* of the last */
    int routes_freed;
    bool freed; /* the server: no callback of it may come */
    bool ended; /* nor any other's */
} ensemble;

static void tell(ensemble *all) {
    assert_false(all->ended);
    all->told++;
}

static void stream_closed(tow_byte_stream *stream) {
    ((ensemble *)tow_byte_stream_user(stream))->stream = NULL;
}

static void carried_closed(tow_byte_stream *stream) {
    ((ensemble *)tow_byte_stream_user(stream))->carried = NULL;
}

static void carrier_opened(tow_websocket *socket) {
    ensemble *all = tow_websocket_user(socket);
    const tow_byte_stream_options options = {.user = all, .on_closed = carried_closed};
    tell(all);
    assert_int_equal(tow_byte_stream_from_websocket(&all->carried, socket, &options), 0);
    all->carrier = NULL;
}

static void opened(tow_websocket *socket) {
    tell(tow_websocket_user(socket));
    assert_true(tow_websocket_send(socket, TOW_TEXT, "hello", 5) >= 0);
}

static void message_came(tow_websocket *socket, const tow_message *message) {
    (void)message;
    tell(tow_websocket_user(socket));
}

static void closed(tow_websocket *socket, const tow_close_event *event) {
    (void)event;
    tell(tow_websocket_user(socket));
}

static void served_open(tow_websocket *socket) {
    ensemble *all = tow_websocket_user(socket);
    all->id = tow_websocket_identify(socket);
    all->served++;
    all->open++;
}

static void served_close(tow_websocket *socket, const tow_close_event *event) {
    ensemble *all = tow_websocket_user(socket);
    assert_false(all->freed);
    assert_true(!all->ended || event->code == 1006);
    assert_int_equal(tow_websocket_send(socket, TOW_TEXT, "late", 4), TOW_ERROR_CLOSED);
    all->open--;
    assert_int_equal(tow_websocket_retain(socket), 0);
    if (all->open % 2 == 0)
        tow_websocket_release(socket); /* else it goes with the server */
}

static void served_stream_failed(tow_byte_stream *stream, int error, const char *text) {
    assert_int_equal(error, TOW_ERROR_RESET);
    assert_non_null(text);
    tow_byte_stream_close(stream);
}

static void served_stream_closed(tow_byte_stream *stream) {
    ((ensemble *)tow_byte_stream_user(stream))->carried_at_server--;
}

static void served_stream(tow_websocket *socket) {
    ensemble *all = tow_websocket_user(socket);
    tow_byte_stream *stream;
    const tow_byte_stream_options options = {
        .user = all, .on_error = served_stream_failed, .on_closed = served_stream_closed};
    assert_int_equal(tow_byte_stream_from_websocket(&stream, socket, &options), 0);
    all->carried_at_server++;
}

/* More than the kernel takes, so that something waits at the server's too. */
static void served_message(tow_websocket *socket, const tow_message *message) {
    static const char much[300000];
    tell(tow_websocket_user(socket));
    assert_true(tow_websocket_send(socket, TOW_BINARY, much, sizeof(much)) >= 0);
    assert_true(tow_websocket_send(socket, message->type, message->data, message->length) >= 0);
}

static void open_all(ensemble *all) {
    tow_loop *loop = all->each->loop;
    const tow_server_options options = {
        .listen = "127.0.0.1:0", .loop = loop, .tls_self_signed = all->secure, .drain_seconds = 1};
    assert_int_equal(tow_server_new(&all->server, &options), 0);
    assert_int_equal(
        tow_server_route(all->server, "/",
            &(tow_handler){
                .user = all, .on_open = served_open, .on_message = served_message, .on_close = served_close}),
        0);
    assert_int_equal(
        tow_server_route(all->server, "/stream", &(tow_handler){.user = all, .on_open = served_stream}), 0);
    assert_int_equal(tow_server_listen(all->server), 0);
    char url[64], place[64];
    snprintf(place, sizeof(place), "127.0.0.1:%d", tow_server_port(all->server, 0));
    const tow_byte_stream_options stream = {.user = all, .on_closed = stream_closed};
    assert_int_equal(tow_byte_stream_connect(&all->stream, loop, place, &stream), 0);
    snprintf(
        url, sizeof(url), "%s://127.0.0.1:%d/", all->secure ? "wss" : "ws", tow_server_port(all->server, 0));
    tow_websocket_options socket = {.user = all,
        .tls_insecure = all->secure,
        .on_open = opened,
        .on_message = message_came,
        .on_close = closed};
    assert_int_equal(tow_websocket_open(&all->client, loop, url, &socket), 0);
    const tow_reconnector_options once = {.max_attempts = 1};
    assert_int_equal(tow_reconnector_new(&all->reconnector, loop, url, &socket, &once), 0);
}

/* Such a stream is not gone before its last callback, so it is for loops that are stepped on. */
static void open_carried(ensemble *all) {
    char url[64];
    snprintf(
        url, sizeof(url), "%s://127.0.0.1:%d/", all->secure ? "wss" : "ws", tow_server_port(all->server, 0));
    const tow_websocket_options socket = {
        .user = all, .tls_insecure = all->secure, .on_open = carrier_opened, .on_close = closed};
    assert_int_equal(tow_websocket_open(&all->carrier, all->each->loop, url, &socket), 0);
}

static void free_thing(ensemble *all, int thing) {
    switch (thing) {
    case SERVER:
        tow_server_free(all->server);
        assert_int_equal(all->open, 0);
        all->freed = true;
        break;
    case CLIENT:
        tow_websocket_free(all->client);
        break;
    case RECONNECTOR:
        tow_reconnector_free(all->reconnector);
        break;
    case STREAM:
        if (all->stream != NULL)
            tow_byte_stream_reset(all->stream);
        break;
    case LOOP:
        tow_loop_free(all->each->loop);
        all->each->loop = NULL;
        break;
    }
}

/* The order of this number among those of `count` things. */
static void order_of(int number, int count, int *order) {
    int left[THINGS];
    for (int i = 0; i < count; i++)
        left[i] = i;
    for (int i = 0; i < count; i++) {
        int at = number % (count - i);
        number /= count - i;
        order[i] = left[at];
        left[at] = left[count - i - 1];
    }
}

static int (*make_loop)(void **state);

static void begin(ensemble *all, bool secure) {
    void *state = NULL;
    assert_int_equal(make_loop(&state), 0);
    *all = (ensemble){.each = state, .secure = secure};
    open_all(all);
}

static void free_in_order(ensemble *all, const int *order, int count) {
    all->ended = true;
    for (int i = 0; i < count; i++)
        free_thing(all, order[i]);
    tow_loop_free(all->each->loop);
    assert_null(all->stream);
    free(all->each);
}

/* With everything open, or about to be. */
static void free_at(int number, int moment, bool secure) {
    ensemble all;
    int order[THINGS];
    begin(&all, secure);
    for (int i = 0; i < rounds[moment] && all.told < 6; i++)
        assert_true(tow_loop_step(all.each->loop) > 0);
    order_of(number, LOOP, order);
    free_in_order(&all, order, LOOP);
}

static bool is_all_over(void *argument) {
    const ensemble *all = argument;
    return tow_server_is_done(all->server) && tow_websocket_ready_state(all->client) == TOW_CLOSED &&
           tow_reconnector_socket(all->reconnector) == NULL && all->stream == NULL && all->carried == NULL;
}

static bool is_all_open(void *argument) {
    const ensemble *all = argument;
    return all->served == 3 && all->carried != NULL;
}

/* When all is over the loop may go at any time. */
static void free_after_the_end(int number, bool secure) {
    ensemble all;
    int order[THINGS];
    begin(&all, secure);
    open_carried(&all);
    run_until(all.each, is_all_open, &all);
    assert_int_equal(tow_reconnector_close(all.reconnector, 1000, NULL), 0);
    tow_byte_stream_close(all.stream);
    tow_byte_stream_close(all.carried);
    tow_server_stop(all.server);
    run_until(all.each, is_all_over, &all);
    for (int i = 0; i < 1000 && tow_loop_step(all.each->loop) > 0; i++)
        continue;
    order_of(number, THINGS, order);
    free_in_order(&all, order, THINGS);
}

static void things_may_be_freed_in_any_order_before_the_loop(void **state) {
    (void)state;
    for (int number = 0; number < 24; number += (int)unit_step(5))
        for (int moment = 0; moment < MOMENTS; moment++)
            free_at(number, moment, false);
}

static void so_they_may_over_tls(void **state) {
    (void)state;
    for (int number = 0; number < 24; number += (int)unit_step(5))
        free_at(number, number % MOMENTS, true);
}

static void when_all_is_over_the_loop_may_go_at_any_time(void **state) {
    (void)state;
    for (int number = 0; number < 120; number += 7 * (int)unit_step(3))
        free_after_the_end(number, number % 2);
}

static bool is_carried(void *argument) {
    return ((const ensemble *)argument)->carried_at_server == 1;
}

/* A stream has its last callback when the loop goes. */
static void a_byte_stream_of_a_server_that_is_freed_ends(int moment, bool secure) {
    ensemble all;
    char url[64];
    begin(&all, secure);
    snprintf(
        url, sizeof(url), "%s://127.0.0.1:%d/stream", secure ? "wss" : "ws", tow_server_port(all.server, 0));
    const tow_websocket_options options = {.user = &all, .tls_insecure = secure};
    assert_int_equal(tow_websocket_open(&all.carrier, all.each->loop, url, &options), 0);
    run_until(all.each, is_carried, &all);
    for (int i = 0; i < rounds[moment]; i++)
        assert_true(tow_loop_step(all.each->loop) > 0);
    tow_websocket_free(all.carrier);
    free_in_order(&all, (const int[]){SERVER, CLIENT, RECONNECTOR, STREAM}, LOOP);
    assert_int_equal(all.carried_at_server, 0);
}

static void byte_streams_end_with_their_server(void **state) {
    (void)state;
    for (int moment = 0; moment < MOMENTS - 1; moment++)
        a_byte_stream_of_a_server_that_is_freed_ends(moment, moment % 2);
}

static void route_freed(void *user) {
    ((ensemble *)user)->routes_freed++;
}

/* What other threads would leave. Returns the other end of a connection that is adopted, or -1. */
static int leave_letters(ensemble *all) {
    int pair[2];
    const tow_handler handler = {.user = all, .on_open = served_open, .on_free = route_freed};
    const tow_message message = {.type = TOW_TEXT, .data = "posted", .length = 6};
    for (int i = 0; i < 3; i++)
        assert_int_equal(tow_server_route(all->server, "/more", &handler), 0);
    assert_int_equal(tow_server_unroute(all->server, "/more"), 0);
    for (int i = 0; all->id != 0 && i < 3; i++)
        assert_int_equal(tow_post_message(all->server, all->id, &message), 0);
    if (all->id != 0)
        assert_int_equal(tow_post_close(all->server, all->id, 1000, "bye"), 0);
    assert_int_equal(tow_server_reload(all->server), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    if (tow_server_adopt(all->server, pair[0]) == 0)
        return pair[1];
    close(pair[0]);
    close(pair[1]);
    return -1;
}

static void free_with_letters(int moment, bool secure, bool stops, int rounds_after) {
    ensemble all;
    char end;
    begin(&all, secure);
    for (int i = 0; i < rounds[moment] && all.told < 6; i++)
        assert_true(tow_loop_step(all.each->loop) > 0);
    int adopted = leave_letters(&all);
    if (stops)
        tow_server_stop(all.server);
    tow_server_free(all.server);
    all.freed = true;
    for (int i = 0; i < rounds_after; i++)
        assert_true(tow_loop_step(all.each->loop) >= 0);
    free_in_order(&all, (const int[]){CLIENT, RECONNECTOR, STREAM}, 3);
    assert_int_equal(all.routes_freed, 3);
    if (adopted < 0)
        return;
    assert_int_equal(recv(adopted, &end, 1, 0), 0);
    close(adopted);
}

static void letters_go_with_their_server(void **state) {
    (void)state;
    for (int moment = 0; moment < MOMENTS; moment++) {
        free_with_letters(moment, moment % 3 == 0, moment % 2, 0);
        free_with_letters(moment, moment % 3 == 1, moment % 2, 1);
        free_with_letters(moment, moment % 3 == 2, moment % 2, 6);
    }
}

static int on_epoll(void **state) {
    (void)state;
    make_loop = each_loop_epoll;
    return 0;
}

static int on_uring(void **state) {
    (void)state;
    make_loop = each_loop_uring;
    return 0;
}

static int in_the_simulator(void **state) {
    (void)state;
    make_loop = each_loop_simulated;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_may_be_freed_in_any_order_before_the_loop),
        cmocka_unit_test(so_they_may_over_tls),
        cmocka_unit_test(byte_streams_end_with_their_server),
        cmocka_unit_test(letters_go_with_their_server),
        cmocka_unit_test(when_all_is_over_the_loop_may_go_at_any_time),
    };
    int failed = cmocka_run_group_tests_name("on epoll", tests, on_epoll, NULL);
    failed += cmocka_run_group_tests_name("on io_uring", tests, on_uring, NULL);
    return failed + cmocka_run_group_tests_name("in the simulator", tests, in_the_simulator, NULL);
}
