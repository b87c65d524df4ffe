/* The contract of towline/websocket.h, by the steps of the WHATWG WebSocket standard
 * (https://websockets.spec.whatwg.org/): what a program may rely on at both ends, seen through the public
 * interface. What single rules of the protocol ask for is claimed by the tests of the floors below. */
#include "host.h"

#include "transport/loop.h"

#include <towline.h>

enum { SEEDS = 24 };

#define FRAMES(bytes) .frames = (bytes), .length = sizeof(bytes) - 1

/* What one end hears; each callback checks what always holds. */
typedef struct end {
    tow_websocket *socket;
    tow_loop *loop;
    size_t opens, messages, errors, closes, drains, pings, pongs;
    tow_ready_state state; /* seen last: it never goes back */
    int error;
    char text[300];
    uint16_t code;
    bool was_clean;
    char reason[124];
    int64_t closed_at;
    size_t bytes; /* of messages */
    void (*then_open)(struct end *);
    void (*then_message)(struct end *);
    void (*then_error)(struct end *);
    void (*then_close)(struct end *);
    void (*then_drain)(struct end *);
    void (*then_ping)(struct end *);
    void (*then_pong)(struct end *);
} test_end;

static void look(test_end *end) {
    if (end->socket == NULL)
        return;
    tow_ready_state state = tow_websocket_ready_state(end->socket);
    assert_true(state >= end->state);
    end->state = state;
}

static test_end *hear(tow_websocket *socket, tow_ready_state state) {
    test_end *end = tow_websocket_user(socket);
    end->socket = socket;
    look(end);
    assert_int_equal(end->state, state);
    assert_int_equal(end->closes, 0); /* nothing comes behind the close event */
    return end;
}

static void then(test_end *end, void (*what)(test_end *)) {
    if (what != NULL)
        what(end);
}

static void on_open(tow_websocket *socket) {
    test_end *end = hear(socket, TOW_OPEN);
    assert_int_equal(end->opens++, 0);
    assert_int_equal(end->messages, 0);
    then(end, end->then_open);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    test_end *end = hear(socket, TOW_OPEN);
    assert_int_equal(end->opens, 1);
    end->messages++;
    end->bytes += message->length;
    then(end, end->then_message);
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    test_end *end = hear(socket, TOW_CLOSED);
    assert_int_equal(end->errors++, 0);
    assert_true(event->error < 0);
    assert_true(event->text != NULL && event->text[0] != '\0' && strchr(event->text, '\n') == NULL);
    end->error = event->error;
    snprintf(end->text, sizeof(end->text), "%s", event->text);
    then(end, end->then_error);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    test_end *end = hear(socket, TOW_CLOSED);
    end->closes++;
    end->code = event->code;
    end->was_clean = event->was_clean;
    assert_true(event->reason_length < sizeof(end->reason));
    memcpy(end->reason, event->reason, event->reason_length);
    end->reason[event->reason_length] = '\0';
    assert_int_equal(end->errors, event->was_clean ? 0 : 1); /* a failure has its error event, before */
    end->closed_at = tow_loop_now(end->loop);
    then(end, end->then_close);
}

static void on_drain(tow_websocket *socket) {
    test_end *end = hear(socket, TOW_OPEN);
    end->drains++;
    then(end, end->then_drain);
}

static void on_ping(tow_websocket *socket, const void *payload, size_t length) {
    test_end *end = hear(socket, TOW_OPEN);
    end->pings++;
    then(end, end->then_ping);
}

static void on_pong(tow_websocket *socket, const void *payload, size_t length) {
    test_end *end = hear(socket, TOW_OPEN);
    end->pongs++;
    then(end, end->then_pong);
}

/* A client, and a server or a scripted host, on one simulated network. */
typedef struct pair {
    tow_simulation_options simulation;
    tow_websocket_options options;
    tow_handler handler;
    const host_act *act; /* instead of a server */
    test_host host;
    tow_loop *loop;
    tow_server *server;
    test_end client;
    test_end guest; /* the server's end */
    tow_timer timer;
    char url[64];
} test_pair;

static void serve(test_pair *pair) {
    pair->handler.user = &pair->guest;
    pair->handler.on_open = on_open;
    pair->handler.on_message = on_message;
    pair->handler.on_error = on_error;
    pair->handler.on_close = on_close;
    pair->handler.on_drain = on_drain;
    pair->handler.on_ping = on_ping;
    pair->handler.on_pong = on_pong;
    assert_int_equal(
        tow_server_new(&pair->server,
            &(tow_server_options){.listen = "127.0.0.1:0", .loop = pair->loop, .log_level = TOW_OFF}),
        0);
    assert_int_equal(tow_server_route(pair->server, "/", &pair->handler), 0);
    assert_int_equal(tow_server_listen(pair->server), 0);
}

static void pair_prepare(test_pair *pair) {
    assert_int_equal(tow_loop_new_simulated(&pair->loop, &pair->simulation), 0);
    pair->client.loop = pair->guest.loop = pair->loop;
    pair->host.acts = pair->act;
    pair->host.act_count = 1;
    if (pair->act != NULL)
        host_open(&pair->host, pair->loop);
    else
        serve(pair);
    snprintf(pair->url, sizeof(pair->url), "ws://127.0.0.1:%d",
        pair->act != NULL ? pair->host.port : tow_server_port(pair->server, 0));
    pair->options.user = &pair->client;
    pair->options.on_open = on_open;
    pair->options.on_message = on_message;
    pair->options.on_error = on_error;
    pair->options.on_close = on_close;
    pair->options.on_drain = on_drain;
    pair->options.on_ping = on_ping;
    pair->options.on_pong = on_pong;
}

static void pair_connect(test_pair *pair) {
    pair_prepare(pair);
    assert_int_equal(tow_websocket_open(&pair->client.socket, pair->loop, pair->url, &pair->options), 0);
}

static void pair_step(test_pair *pair) {
    assert_true(tow_loop_step(pair->loop) >= 0);
    look(&pair->client);
}

#define pair_until(pair, condition)                                                                          \
    for (size_t steps = 0; !(condition); steps++) {                                                          \
        if (steps > 200 * 1000)                                                                              \
            fail_msg(                                                                                        \
                "seed %llu: never happened: %s", (unsigned long long)(pair)->simulation.seed, #condition);   \
        pair_step(pair);                                                                                     \
    }

static void pair_open(test_pair *pair) {
    pair_connect(pair);
    pair_until(pair, pair->client.opens == 1 && (pair->act != NULL || pair->guest.opens == 1));
}

static void time_is_over(tow_timer *timer) {
    (void)timer;
}

static void pair_run(test_pair *pair, int64_t nanoseconds) {
    tow_timer_set(pair->loop, &pair->timer, tow_loop_now(pair->loop) + nanoseconds, time_is_over);
    pair_until(pair, !tow_timer_is_set(&pair->timer));
}

static void pair_close(test_pair *pair) {
    tow_websocket_free(pair->client.socket);
    pair->client.socket = NULL;
    if (pair->act != NULL)
        host_close(&pair->host);
    if (pair->server != NULL)
        tow_server_stop(pair->server);
    pair_until(pair, pair->server == NULL || tow_server_is_done(pair->server));
    tow_server_free(pair->server);
    tow_loop_free(pair->loop);
}

/* The constructor: new WebSocket(url, protocols). */

static void a_new_socket_is_connecting_and_empty(void **state) {
    test_pair pair = {.simulation.seed = 1};
    pair_connect(&pair);
    tow_websocket *socket = pair.client.socket;
    char normal[80];
    snprintf(normal, sizeof(normal), "%s/", pair.url);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_CONNECTING);
    assert_int_equal(tow_websocket_buffered_amount(socket), 0);
    assert_string_equal(tow_websocket_url(socket), normal); /* serialised */
    assert_string_equal(tow_websocket_protocol(socket), "");
    assert_string_equal(tow_websocket_extensions(socket), "");
    assert_ptr_equal(tow_websocket_loop(socket), pair.loop);
    pair_close(&pair);
}

static void the_numbers_of_the_ready_states_are_the_standards(void **state) {
    assert_int_equal(TOW_CONNECTING, 0);
    assert_int_equal(TOW_OPEN, 1);
    assert_int_equal(TOW_CLOSING, 2);
    assert_int_equal(TOW_CLOSED, 3);
}

static void a_url_with_a_fragment_or_another_scheme_is_refused(void **state) {
    test_pair pair = {.simulation.seed = 1};
    tow_websocket *socket = NULL;
    pair_prepare(&pair);
    assert_int_equal(tow_websocket_open(&socket, pair.loop, "ws://localhost/#x", NULL), TOW_ERROR_URL);
    assert_int_equal(tow_websocket_open(&socket, pair.loop, "ws://localhost/#", NULL), TOW_ERROR_URL);
    assert_int_equal(tow_websocket_open(&socket, pair.loop, "ftp://localhost/", NULL), TOW_ERROR_URL);
    assert_int_equal(tow_websocket_open(&socket, pair.loop, "", NULL), TOW_ERROR_URL);
    assert_null(socket);
    pair_close(&pair);
}

/* RFC 6455, section 4.1: characters of a token, and none twice; compared with case. */
static void each_character_of_a_subprotocol_is_checked(void **state) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    test_pair pair = {.simulation.seed = 1};
    pair_prepare(&pair);
    for (int character = 1; character < 256; character++) {
        const char name[] = {'a', (char)character, '\0'};
        const char *const protocols[] = {name, NULL};
        tow_websocket *socket = NULL;
        bool is_digit = character >= '0' && character <= '9';
        bool is_letter = (character | 0x20) >= 'a' && (character | 0x20) <= 'z' && character < 0x80;
        bool may = is_digit || is_letter || strchr(others, character) != NULL;
        int error = tow_websocket_open(
            &socket, pair.loop, pair.url, &(tow_websocket_options){.protocols = protocols});
        assert_int_equal(error, may ? 0 : TOW_ERROR_ARGUMENT);
        tow_websocket_free(socket);
    }
    pair_close(&pair);
}

static void a_call_that_fails_runs_no_callback(void **state) {
    static const char *const twice[] = {"a", "a", NULL};
    test_pair pair = {.simulation.seed = 1, .options.protocols = twice};
    tow_websocket *socket = NULL;
    pair_prepare(&pair);
    assert_int_equal(tow_websocket_open(&socket, pair.loop, pair.url, &pair.options), TOW_ERROR_ARGUMENT);
    pair_run(&pair, TOW_SECOND);
    assert_int_equal(pair.client.opens + pair.client.errors + pair.client.closes, 0);
    assert_int_equal(pair.guest.opens, 0);
    pair_close(&pair);
}

/* The connection is established. */

static void look_at_negotiation(test_end *end) {
    assert_string_equal(tow_websocket_protocol(end->socket), "soap");
    assert_non_null(strstr(tow_websocket_extensions(end->socket), "permessage-deflate"));
    assert_int_equal(tow_websocket_buffered_amount(end->socket), 0);
}

static void both_ends_open_with_the_same_subprotocol_and_extensions(void **state) {
    static const char *const offered[] = {"xmpp", "soap", NULL};
    static const char *const known[] = {"soap", NULL};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_pair pair = {.simulation.seed = seed,
            .options.protocols = offered,
            .handler.protocols = known,
            .client.then_open = look_at_negotiation,
            .guest.then_open = look_at_negotiation};
        pair_open(&pair);
        assert_string_equal(
            tow_websocket_extensions(pair.client.socket), tow_websocket_extensions(pair.guest.socket));
        pair_close(&pair);
    }
}

static void a_requested_subprotocol_that_is_not_acknowledged_fails_the_connection(void **state) {
    static const char *const offered[] = {"soap", NULL};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_pair pair = {.simulation.seed = seed, .options.protocols = offered};
        pair_connect(&pair);
        pair_until(&pair, pair.client.closes == 1);
        assert_int_equal(pair.client.opens, 0);
        assert_int_equal(pair.client.error, TOW_ERROR_HANDSHAKE_PROTOCOL);
        assert_string_equal(pair.client.text, tow_strerror(TOW_ERROR_HANDSHAKE_PROTOCOL));
        assert_int_equal(pair.client.code, 1006);
        pair_close(&pair);
    }
}

/* send(data). */

static void send_is_refused_while_connecting(void **state) {
    test_pair pair = {.simulation.seed = 1};
    pair_connect(&pair);
    while (pair.client.opens == 0) {
        tow_websocket *socket = pair.client.socket;
        assert_int_equal(tow_websocket_send(socket, TOW_TEXT, "early", 5), TOW_ERROR_CONNECTING);
        assert_int_equal(tow_websocket_ping(socket, NULL, 0), TOW_ERROR_CONNECTING);
        assert_int_equal(tow_websocket_pong(socket, NULL, 0), TOW_ERROR_CONNECTING);
        assert_int_equal(tow_websocket_buffered_amount(socket), 0);
        pair_step(&pair);
    }
    assert_non_null(strstr(tow_strerror(TOW_ERROR_CONNECTING), "send from on_open"));
    pair_run(&pair, TOW_SECOND);
    assert_int_equal(pair.guest.messages, 0);
    pair_close(&pair);
}

static void send_hello(test_end *end) {
    assert_int_equal(tow_websocket_send(end->socket, TOW_TEXT, "hello", 5), 5);
}

static void send_may_be_called_from_on_open_at_both_ends(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_pair pair = {.simulation.seed = seed,
            .options.limits.compression = TOW_COMPRESSION_OFF,
            .client.then_open = send_hello,
            .guest.then_open = send_hello};
        pair_open(&pair);
        pair_until(&pair, pair.client.messages == 1 && pair.guest.messages == 1);
        assert_int_equal(tow_websocket_buffered_amount(pair.client.socket), 0);
        assert_int_equal(tow_websocket_buffered_amount(pair.guest.socket), 0);
        pair_close(&pair);
    }
}

static void sends_after_close_are_counted_and_not_sent(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (int which = 0; which < 2; which++) {
            test_pair pair = {.simulation.seed = seed};
            pair_open(&pair);
            test_end *end = which == 0 ? &pair.client : &pair.guest;
            test_end *other = which == 0 ? &pair.guest : &pair.client;
            tow_websocket *socket = end->socket;
            assert_int_equal(tow_websocket_close(socket, 1000, NULL), 0);
            assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSING);
            assert_int_equal(tow_websocket_send(socket, TOW_BINARY, "12345", 5), TOW_ERROR_CLOSED);
            assert_int_equal(tow_websocket_buffered_amount(socket), 5);
            assert_int_equal(tow_websocket_send(socket, TOW_TEXT, "", 0), TOW_ERROR_CLOSED);
            assert_int_equal(tow_websocket_buffered_amount(socket), 5);
            assert_int_equal(tow_websocket_ping(socket, NULL, 0), TOW_ERROR_CLOSED);
            pair_until(&pair, end->closes == 1 && other->closes == 1);
            assert_int_equal(other->messages, 0);
            if (which == 0) { /* a server's socket is gone after its close event */
                assert_int_equal(tow_websocket_send(socket, TOW_TEXT, "123", 3), TOW_ERROR_CLOSED);
                assert_int_equal(tow_websocket_buffered_amount(socket), 8); /* it does not reset */
            }
            pair_close(&pair);
        }
    }
}

static void sends_after_a_failed_handshake_are_counted_too(void **state) {
    static const host_act act = {.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
    test_pair pair = {.simulation.seed = 1, .act = &act};
    pair_connect(&pair);
    pair_until(&pair, pair.client.closes == 1);
    assert_int_equal(tow_websocket_send(pair.client.socket, TOW_TEXT, "late", 4), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_buffered_amount(pair.client.socket), 4);
    pair_close(&pair);
}

static void a_send_that_is_refused_changes_nothing(void **state) {
    for (int which = 0; which < 2; which++) {
        test_pair pair = {.simulation.seed = 2};
        pair_open(&pair);
        test_end *end = which == 0 ? &pair.client : &pair.guest;
        test_end *other = which == 0 ? &pair.guest : &pair.client;
        assert_int_equal(tow_websocket_send(end->socket, TOW_TEXT, "\xed\xa0\x80", 3), TOW_ERROR_UTF8);
        assert_int_equal(tow_websocket_send(end->socket, (tow_message_type)0, "x", 1), TOW_ERROR_ARGUMENT);
        assert_int_equal(tow_websocket_buffered_amount(end->socket), 0);
        assert_true(tow_websocket_send(end->socket, TOW_TEXT, "", 0) >= 0);
        pair_until(&pair, other->messages == 1);
        assert_int_equal(other->bytes, 0);
        pair_close(&pair);
    }
}

/* close(code, reason). */

static void what_was_sent_before_the_close_is_delivered_before_it(void **state) {
    static uint8_t bytes[100 * 1000];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (int which = 0; which < 2; which++) {
            test_pair pair = {.simulation.seed = seed, .options.limits.compression = TOW_COMPRESSION_OFF};
            pair_open(&pair);
            test_end *end = which == 0 ? &pair.client : &pair.guest;
            test_end *other = which == 0 ? &pair.guest : &pair.client;
            for (int i = 0; i < 7; i++)
                assert_true(tow_websocket_send(end->socket, TOW_BINARY, bytes, sizeof(bytes)) >= 0);
            assert_int_equal(tow_websocket_close(end->socket, 4321, "that was it"), 0);
            pair_until(&pair, end->closes == 1 && other->closes == 1);
            assert_int_equal(other->bytes, 7 * sizeof(bytes));
            assert_int_equal(other->code, 4321);
            assert_string_equal(other->reason, "that was it");
            assert_true(end->was_clean && other->was_clean);
            assert_int_equal(end->errors + other->errors, 0);
            pair_close(&pair);
        }
    }
}

/* 123 bytes of UTF-8, not characters. */
static void a_reason_is_measured_in_bytes(void **state) {
    static const struct {
        size_t ascii;
        const char *end;
        int error;
    } cases[] = {{123, "", 0}, {124, "", TOW_ERROR_ARGUMENT}, {121, "\xc3\xa9", 0},
        {122, "\xc3\xa9", TOW_ERROR_ARGUMENT}, {120, "\xe6\xb0\xb4", 0},
        {121, "\xe6\xb0\xb4", TOW_ERROR_ARGUMENT}, {10, "\xe6\xb0", TOW_ERROR_ARGUMENT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int which = 0; which < 2; which++) {
            test_pair pair = {.simulation.seed = i};
            char reason[130];
            pair_open(&pair);
            test_end *end = which == 0 ? &pair.client : &pair.guest;
            test_end *other = which == 0 ? &pair.guest : &pair.client;
            memset(reason, 'r', cases[i].ascii);
            snprintf(reason + cases[i].ascii, 8, "%s", cases[i].end);
            assert_int_equal(tow_websocket_close(end->socket, 3000, reason), cases[i].error);
            if (cases[i].error == 0) {
                pair_until(&pair, other->closes == 1);
                assert_string_equal(other->reason, reason);
            } else {
                assert_int_equal(tow_websocket_ready_state(end->socket), TOW_OPEN);
            }
            pair_close(&pair);
        }
    }
}

/* The checks of the arguments come first, in every state; then a second close does nothing. */
static void close_checks_its_arguments_in_every_state_and_happens_once(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_pair pair = {.simulation.seed = seed};
        pair_connect(&pair);
        tow_websocket *socket = pair.client.socket;
        assert_int_equal(tow_websocket_close(socket, 1001, NULL), TOW_ERROR_ARGUMENT);
        assert_int_equal(tow_websocket_ready_state(socket), TOW_CONNECTING);
        pair_until(&pair, pair.client.opens == 1 && pair.guest.opens == 1);
        assert_int_equal(tow_websocket_close(socket, 2999, NULL), TOW_ERROR_ARGUMENT);
        assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
        assert_int_equal(tow_websocket_close(socket, 4000, "first"), 0);
        assert_int_equal(tow_websocket_close(socket, 5000, NULL), TOW_ERROR_ARGUMENT);
        assert_int_equal(tow_websocket_close(socket, 4001, "second"), 0);
        pair_until(&pair, pair.client.closes == 1 && pair.guest.closes == 1);
        assert_int_equal(pair.guest.code, 4000);
        assert_string_equal(pair.guest.reason, "first");
        assert_int_equal(tow_websocket_close(socket, 1006, NULL), TOW_ERROR_ARGUMENT);
        assert_int_equal(tow_websocket_close(socket, 4002, NULL), 0);
        pair_run(&pair, TOW_SECOND);
        assert_int_equal(pair.client.closes, 1);
        pair_close(&pair);
    }
}

/* Whenever it is, there is one error and one close event, in a later round, and never an open one. */
static void a_close_while_connecting_fails_the_connection(void **state) {
    for (uint64_t seed = 0; seed < 40; seed++) {
        test_pair pair = {.simulation.seed = seed};
        pair_connect(&pair);
        for (uint64_t i = 0; i < seed && pair.client.opens == 0; i++)
            pair_step(&pair);
        if (pair.client.opens == 0) {
            assert_int_equal(tow_websocket_close(pair.client.socket, 0, NULL), 0);
            assert_int_equal(tow_websocket_ready_state(pair.client.socket), TOW_CLOSING);
            assert_int_equal(pair.client.errors + pair.client.closes, 0);
            pair_until(&pair, pair.client.closes == 1);
            pair_run(&pair, TOW_SECOND);
            assert_int_equal(pair.client.opens, 0);
            assert_int_equal(pair.client.errors, 1);
            assert_int_equal(pair.client.error, TOW_ERROR_CLOSED);
            assert_string_equal(pair.client.text, "closed before the connection was open");
            assert_int_equal(pair.client.code, 1006);
            assert_false(pair.client.was_clean);
        }
        pair_close(&pair);
    }
}

static void a_socket_that_closes_hears_no_message_any_more(void **state) {
    static uint8_t bytes[1000];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (int which = 0; which < 2; which++) {
            test_pair pair = {.simulation.seed = seed};
            pair_open(&pair);
            test_end *end = which == 0 ? &pair.client : &pair.guest;
            test_end *other = which == 0 ? &pair.guest : &pair.client;
            for (int i = 0; i < 20; i++)
                tow_websocket_send(other->socket, TOW_BINARY, bytes, sizeof(bytes));
            assert_int_equal(tow_websocket_close(end->socket, 1000, NULL), 0);
            pair_until(&pair, end->closes == 1 && other->closes == 1);
            assert_int_equal(end->messages, 0);
            assert_true(end->was_clean);
            pair_close(&pair);
        }
    }
}

/* Feedback from the protocol: the close event. */

static void expect_close(const host_act *act, uint16_t code, const char *reason, int error) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        test_pair pair = {.simulation.seed = seed, .act = act};
        pair_connect(&pair);
        pair_until(&pair, pair.client.closes == 1);
        pair_run(&pair, 10 * TOW_SECOND);
        assert_int_equal(pair.client.opens, 1);
        assert_int_equal(pair.client.code, code);
        assert_string_equal(pair.client.reason, reason);
        assert_int_equal(pair.client.was_clean, error == 0);
        assert_int_equal(pair.client.error, error);
        if (error != 0)
            assert_string_equal(pair.client.text, tow_strerror(error));
        pair_close(&pair);
    }
}

static void the_close_event_has_the_code_and_reason_of_the_peer(void **state) {
    expect_close(&(host_act){FRAMES("\x88\x00")}, 1005, "", 0);
    expect_close(&(host_act){FRAMES("\x88\x02\x03\xe8")}, 1000, "", 0);
    expect_close(&(host_act){FRAMES("\x88\x06\x03\xf3soon")}, 1011, "soon", 0);
    expect_close(&(host_act){FRAMES("\x81\x02hi\x88\x05\x13\x87\xe6\xb0\xb4")}, 4999, "\xe6\xb0\xb4", 0);
}

static void a_failure_is_an_error_that_says_why_and_a_close_with_1006(void **state) {
    expect_close(&(host_act){FRAMES("")}, 1006, "", TOW_ERROR_ENDED);
    expect_close(&(host_act){FRAMES("\x81\x02h")}, 1006, "", TOW_ERROR_ENDED);
    expect_close(&(host_act){FRAMES("\x81\x80\0\0\0\0")}, 1006, "", TOW_ERROR_MASKED);
    expect_close(&(host_act){FRAMES("\xc1\x00")}, 1006, "", TOW_ERROR_RESERVED_BITS);
    expect_close(&(host_act){FRAMES("\x83\x00")}, 1006, "", TOW_ERROR_RESERVED_OPCODE);
    expect_close(&(host_act){FRAMES("\x81\x01\xff")}, 1006, "", TOW_ERROR_UTF8);
    expect_close(&(host_act){FRAMES("\x80\x00")}, 1006, "", TOW_ERROR_CONTINUATION_UNEXPECTED);
    expect_close(&(host_act){FRAMES("\x09\x00")}, 1006, "", TOW_ERROR_CONTROL_FRAGMENTED);
    expect_close(&(host_act){FRAMES("\x88\x01x")}, 1006, "", TOW_ERROR_CLOSE_LENGTH);
    expect_close(&(host_act){FRAMES("\x88\x02\x03\xed")}, 1006, "", TOW_ERROR_CLOSE_CODE);
    expect_close(&(host_act){FRAMES("\x88\x03\x03\xe8\xff")}, 1006, "", TOW_ERROR_UTF8);
}

/* What comes behind a violation is not heard, a Close neither. */
static void after_a_failure_nothing_of_the_peer_counts(void **state) {
    expect_close(
        &(host_act){FRAMES("\x83\x00\x81\x02hi\x88\x02\x0f\xa0")}, 1006, "", TOW_ERROR_RESERVED_OPCODE);
}

/* Freeing inside callbacks, those that client_test does not go through. */

static void free_it(test_end *end) {
    tow_websocket *socket = end->socket;
    end->socket = NULL;
    tow_websocket_free(socket);
}

static void ping_once(test_end *end) {
    assert_int_equal(tow_websocket_ping(end->socket, "p", 1), 0);
}

static void a_socket_may_be_freed_when_a_ping_or_pong_comes(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_pair pair = {.simulation.seed = seed};
        bool by_ping = seed % 2 == 0;
        pair.guest.then_open = by_ping ? ping_once : NULL;
        pair.client.then_ping = free_it;
        pair.client.then_open = by_ping ? NULL : ping_once;
        pair.client.then_pong = free_it;
        pair_connect(&pair);
        pair_until(&pair, pair.client.socket == NULL);
        pair_until(&pair, pair.guest.closes == 1);
        assert_int_equal(pair.client.pings, by_ping ? 1 : 0);
        assert_int_equal(pair.client.pongs, by_ping ? 0 : 1);
        assert_int_equal(pair.client.closes, 0);
        pair_close(&pair);
    }
}

static void fill_queue(test_end *end) {
    static uint8_t bytes[400 * 1000];
    assert_true(tow_websocket_send(end->socket, TOW_BINARY, bytes, sizeof(bytes)) > 0);
}

static void a_socket_may_be_freed_when_it_has_drained(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_pair pair = {.simulation.seed = seed,
            .options.limits.compression = TOW_COMPRESSION_OFF,
            .client = {.then_open = fill_queue, .then_drain = free_it}};
        pair_connect(&pair);
        pair_until(&pair, pair.client.socket == NULL);
        pair_until(&pair, pair.guest.closes == 1);
        assert_int_equal(pair.client.drains, 1);
        pair_close(&pair);
    }
}

/* Time. */

static void a_dead_peer_is_detected(void **state) {
    static const host_act act = {0}; /* answers the handshake and nothing after it */
    test_pair pair = {
        .simulation.whole = true, .act = &act, .options.limits = {.ping_seconds = 2, .idle_seconds = 5}};
    pair_open(&pair);
    int64_t since = tow_loop_now(pair.loop);
    pair_until(&pair, pair.client.closes == 1);
    assert_int_equal(pair.client.error, TOW_ERROR_TIMED_OUT);
    assert_int_equal(pair.client.code, 1006);
    int64_t passed = pair.client.closed_at - since;
    assert_true(passed >= 5 * TOW_SECOND && passed < 7 * TOW_SECOND);
    pair_close(&pair);
}

static void a_living_peer_is_kept(void **state) {
    test_pair pair = {.simulation.whole = true,
        .options.limits = {.ping_seconds = 2, .idle_seconds = 5},
        .handler.limits = {.ping_seconds = TOW_OFF, .idle_seconds = TOW_OFF}};
    pair_open(&pair);
    pair_run(&pair, 100 * TOW_SECOND);
    assert_int_equal(pair.client.closes, 0);
    assert_in_range(pair.client.pongs, 45, 51);
    assert_in_range(pair.guest.pings, 45, 51);
    pair_close(&pair);
}

static void a_message_has_as_long_as_is_asked_for(void **state) {
    static const tow_message_piece begun = {.type = TOW_TEXT, .data = "begun", .length = 5, .first = true};
    static const int cases[] = {0, 3}; /* seconds: by default it has any time */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_pair pair = {.simulation.whole = true, .options.limits.message_seconds = cases[i]};
        pair_open(&pair);
        int64_t since = tow_loop_now(pair.loop);
        assert_true(tow_websocket_send_piece(pair.guest.socket, &begun) >= 0);
        pair_run(&pair, 100 * TOW_SECOND);
        assert_int_equal(pair.client.closes, cases[i] != 0);
        if (cases[i] != 0) {
            int64_t passed = pair.client.closed_at - since;
            assert_true(passed >= 3 * TOW_SECOND && passed < 4 * TOW_SECOND);
            assert_int_equal(pair.guest.code, 1008);
        }
        pair_close(&pair);
    }
}

static void a_peer_that_does_not_answer_the_close_is_left_in_time(void **state) {
    static const host_act act = {0};
    static const struct { int close_seconds, expected; } cases[] = {{3, 3}, {0, 5}, {60, 60}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_pair pair = {
            .simulation.whole = true, .act = &act, .options.limits.close_seconds = cases[i].close_seconds};
        pair_open(&pair);
        int64_t since = tow_loop_now(pair.loop);
        assert_int_equal(tow_websocket_close(pair.client.socket, 1000, NULL), 0);
        pair_until(&pair, pair.client.closes == 1);
        int64_t passed = pair.client.closed_at - since;
        assert_true(passed >= cases[i].expected * TOW_SECOND);
        assert_true(passed < (cases[i].expected + 1) * TOW_SECOND);
        assert_int_equal(pair.client.error, TOW_ERROR_TIMED_OUT);
        assert_int_equal(pair.client.code, 1006);
        pair_close(&pair);
    }
}

static void connecting_may_take_as_long_as_it_likes_when_that_is_asked_for(void **state) {
    static const host_act act = {.answer_milliseconds = 1000 * 1000};
    test_pair pair = {.simulation.whole = true, .act = &act, .options.connect_seconds = TOW_OFF};
    pair_open(&pair);
    assert_true(tow_loop_now(pair.loop) >= 1000 * TOW_SECOND);
    pair_close(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_socket_is_connecting_and_empty),
        cmocka_unit_test(the_numbers_of_the_ready_states_are_the_standards),
        cmocka_unit_test(a_url_with_a_fragment_or_another_scheme_is_refused),
        cmocka_unit_test(each_character_of_a_subprotocol_is_checked),
        cmocka_unit_test(a_call_that_fails_runs_no_callback),
        cmocka_unit_test(both_ends_open_with_the_same_subprotocol_and_extensions),
        cmocka_unit_test(a_requested_subprotocol_that_is_not_acknowledged_fails_the_connection),
        cmocka_unit_test(send_is_refused_while_connecting),
        cmocka_unit_test(send_may_be_called_from_on_open_at_both_ends),
        cmocka_unit_test(sends_after_close_are_counted_and_not_sent),
        cmocka_unit_test(sends_after_a_failed_handshake_are_counted_too),
        cmocka_unit_test(a_send_that_is_refused_changes_nothing),
        cmocka_unit_test(what_was_sent_before_the_close_is_delivered_before_it),
        cmocka_unit_test(a_reason_is_measured_in_bytes),
        cmocka_unit_test(close_checks_its_arguments_in_every_state_and_happens_once),
        cmocka_unit_test(a_close_while_connecting_fails_the_connection),
        cmocka_unit_test(a_socket_that_closes_hears_no_message_any_more),
        cmocka_unit_test(the_close_event_has_the_code_and_reason_of_the_peer),
        cmocka_unit_test(a_failure_is_an_error_that_says_why_and_a_close_with_1006),
        cmocka_unit_test(after_a_failure_nothing_of_the_peer_counts),
        cmocka_unit_test(a_socket_may_be_freed_when_a_ping_or_pong_comes),
        cmocka_unit_test(a_socket_may_be_freed_when_it_has_drained),
        cmocka_unit_test(a_dead_peer_is_detected),
        cmocka_unit_test(a_living_peer_is_kept),
        cmocka_unit_test(a_message_has_as_long_as_is_asked_for),
        cmocka_unit_test(a_peer_that_does_not_answer_the_close_is_left_in_time),
        cmocka_unit_test(connecting_may_take_as_long_as_it_likes_when_that_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
