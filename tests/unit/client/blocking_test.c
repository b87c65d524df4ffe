/* The blocking client: each call does its work within its time, says what became of it, and loses nothing. */
#include "host.h"

#include "client/client.h"
#include "transport/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <towline/blocking.h>
#include <towline/error.h>
#include <towline/server.h>
#include <towline/stream.h>
#include <unistd.h>

enum { SEEDS = 16, LONG = 60 * 1000 };

#define FRAMES(bytes) .frames = (bytes), .length = sizeof(bytes) - 1

/* A client on a simulated network, with a host that follows a script on the same loop. */

typedef struct meeting {
    test_host host;
    tow_websocket_options options;
    tow_blocking *blocking;
} test_meeting;

static int meet(test_meeting *meeting, uint64_t seed, const host_act *act, int timeout_milliseconds) {
    tow_loop *loop;
    char url[64];
    assert_int_equal(tow_loop_new_simulated(&loop, &(tow_simulation_options){.seed = seed}), 0);
    meeting->host.acts = act;
    meeting->host.act_count = 1;
    host_open(&meeting->host, loop);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", meeting->host.port);
    return tow_blocking_open_on(&meeting->blocking, loop, url, &meeting->options, timeout_milliseconds);
}

static void part(test_meeting *meeting) {
    host_close(&meeting->host);
    tow_blocking_free(meeting->blocking);
}

static void assert_message(const tow_message *message, tow_message_type type, const char *text) {
    assert_int_equal(message->type, type);
    assert_int_equal(message->length, strlen(text));
    assert_memory_equal(message->data, text, message->length);
}

/* A client on a simulated network, with a server on the same loop. */

typedef struct visit {
    tow_loop *loop;
    tow_server *server;
    tow_blocking *blocking;
    tow_websocket *guest; /* the server's end */
    size_t heard;         /* by the server */
    size_t lengths[16];
    bool deaf;
    size_t flood; /* messages of 16 KiB that the server sends at once */
} test_visit;

static void server_open(tow_websocket *socket) {
    static uint8_t bytes[16 * 1024];
    test_visit *visit = tow_websocket_user(socket);
    visit->guest = socket;
    for (size_t i = 0; i < visit->flood; i++) {
        bytes[0] = (uint8_t)i;
        assert_true(tow_websocket_send(socket, TOW_BINARY, bytes, sizeof(bytes)) >= 0);
    }
    if (visit->deaf)
        tow_websocket_pause(socket);
}

static void server_message(tow_websocket *socket, const tow_message *message) {
    test_visit *visit = tow_websocket_user(socket);
    if (visit->heard < 16)
        visit->lengths[visit->heard] = message->length;
    visit->heard++;
    if (!visit->deaf)
        tow_websocket_send(socket, message->type, message->data, message->length);
}

static void visit_open(test_visit *visit, uint64_t seed, const tow_websocket_options *options) {
    char url[64];
    const tow_websocket_options none = {0};
    assert_int_equal(tow_loop_new_simulated(&visit->loop, &(tow_simulation_options){.seed = seed}), 0);
    assert_int_equal(tow_server_new(&visit->server, &(tow_server_options){.listen = "127.0.0.1:0",
                                                        .loop = visit->loop,
                                                        .log_level = TOW_OFF,
                                                        .limits.max_queue = TOW_OFF}),
        0);
    assert_int_equal(tow_server_route(visit->server, "/",
                         &(tow_handler){.user = visit, .on_open = server_open, .on_message = server_message}),
        0);
    assert_int_equal(tow_server_listen(visit->server), 0);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", tow_server_port(visit->server, 0));
    assert_int_equal(
        tow_blocking_open_on(&visit->blocking, visit->loop, url, options == NULL ? &none : options, LONG), 0);
}

static void visit_close(test_visit *visit) {
    tow_server_stop(visit->server);
    while (!tow_server_is_done(visit->server))
        assert_true(tow_loop_step(visit->loop) >= 0);
    tow_server_free(visit->server);
    tow_blocking_free(visit->blocking);
}

/* Talking. */

static void converse(tow_blocking *blocking) {
    tow_message message;
    assert_null(tow_blocking_close_event(blocking));
    assert_int_equal(tow_websocket_ready_state(tow_blocking_socket(blocking)), TOW_OPEN);
    assert_int_equal(tow_blocking_send(blocking, TOW_TEXT, "hello", 5, LONG), 0);
    assert_int_equal(tow_blocking_receive(blocking, &message, LONG), 0);
    assert_message(&message, TOW_TEXT, "hello");
    assert_int_equal(tow_blocking_send(blocking, TOW_BINARY, message.data, message.length, LONG), 0);
    assert_message(&message, TOW_TEXT, "hello"); /* valid until the next receive */
    assert_int_equal(tow_blocking_receive(blocking, &message, LONG), 0);
    assert_message(&message, TOW_BINARY, "hello");
    assert_int_equal(tow_blocking_receive(blocking, &message, 0), TOW_ERROR_TIMED_OUT);
    assert_int_equal(tow_blocking_close(blocking, 4000, "done", LONG), 0);
    assert_int_equal(tow_blocking_close_event(blocking)->code, 4000);
    assert_true(tow_blocking_close_event(blocking)->was_clean);
    assert_int_equal(tow_blocking_error(blocking), 0);
    assert_string_equal(tow_blocking_error_text(blocking), "");
    assert_int_equal(tow_blocking_receive(blocking, &message, LONG), TOW_ERROR_CLOSED);
    assert_int_equal(tow_blocking_send(blocking, TOW_TEXT, "late", 4, LONG), TOW_ERROR_CLOSED);
    assert_int_equal(tow_blocking_close(blocking, 1000, NULL, LONG), 0);
}

static void a_conversation_is_a_row_of_calls(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_visit visit = {0};
        visit_open(&visit, seed, NULL);
        converse(visit.blocking);
        visit_close(&visit);
    }
}

static void messages_of_every_size_come_back(void **state) {
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, 1000 * 1000};
    static uint8_t bytes[1000 * 1000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    for (uint64_t seed = 0; seed < 4; seed++) {
        test_visit visit = {0};
        visit_open(&visit, seed, NULL);
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            tow_message message;
            assert_int_equal(tow_blocking_send(visit.blocking, TOW_BINARY, bytes, lengths[i], LONG), 0);
            assert_int_equal(tow_websocket_buffered_amount(tow_blocking_socket(visit.blocking)), 0);
            assert_int_equal(tow_blocking_receive(visit.blocking, &message, LONG), 0);
            assert_int_equal(message.length, lengths[i]);
            assert_true(lengths[i] == 0 || memcmp(message.data, bytes, lengths[i]) == 0);
        }
        visit_close(&visit);
    }
}

static void its_socket_becomes_no_byte_stream(void **state) {
    test_visit visit = {0};
    tow_byte_stream *stream = NULL;
    visit_open(&visit, 1, NULL);
    assert_int_equal(
        tow_byte_stream_from_websocket(&stream, tow_blocking_socket(visit.blocking), NULL), TOW_ERROR_STATE);
    assert_null(stream);
    converse(visit.blocking);
    visit_close(&visit);
}

static void what_cannot_be_sent_is_refused_and_the_connection_goes_on(void **state) {
    test_visit visit = {0};
    tow_message message;
    visit_open(&visit, 1, NULL);
    assert_int_equal(tow_blocking_send(visit.blocking, TOW_TEXT, "\xff", 1, LONG), TOW_ERROR_UTF8);
    assert_int_equal(
        tow_blocking_send(visit.blocking, (tow_message_type)7, "x", 1, LONG), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_blocking_close(visit.blocking, 1001, NULL, LONG), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_blocking_send(visit.blocking, TOW_TEXT, "hi", 2, LONG), 0);
    assert_int_equal(tow_blocking_receive(visit.blocking, &message, LONG), 0);
    assert_message(&message, TOW_TEXT, "hi");
    visit_close(&visit);
}

static void never(tow_websocket *socket) {
    fail_msg("a callback of the options ran");
}

static void callbacks_and_user_of_the_options_are_not_looked_at(void **state) {
    test_visit visit = {0};
    visit_open(&visit, 2, &(tow_websocket_options){.on_open = never, .on_drain = never, .user = &visit});
    converse(visit.blocking);
    visit_close(&visit);
}

/* Time limits. */

static void a_receive_that_is_late_loses_nothing(void **state) {
    static const host_act act = {FRAMES("\x81\x03one\x81\x03two"), .milliseconds = 500};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_meeting meeting = {0};
        tow_message message;
        assert_int_equal(meet(&meeting, seed, &act, LONG), 0);
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, 0), TOW_ERROR_TIMED_OUT);
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, 100), TOW_ERROR_TIMED_OUT);
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), 0);
        assert_message(&message, TOW_TEXT, "one");
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, TOW_OFF), 0);
        assert_message(&message, TOW_TEXT, "two");
        part(&meeting);
    }
}

static void a_call_waits_no_longer_than_it_is_told(void **state) {
    static const host_act act = {0};
    test_meeting meeting = {0};
    tow_message message;
    assert_int_equal(meet(&meeting, 1, &act, LONG), 0);
    int64_t since = tow_loop_now(meeting.host.loop);
    assert_int_equal(tow_blocking_receive(meeting.blocking, &message, 250), TOW_ERROR_TIMED_OUT);
    int64_t passed = tow_loop_now(meeting.host.loop) - since;
    assert_true(passed >= 250 * TOW_MILLISECOND && passed <= 255 * TOW_MILLISECOND);
    part(&meeting);
}

static void an_open_that_is_late_goes_on_in_later_calls(void **state) {
    static const host_act act = {FRAMES("\x81\x02hi"), .answer_milliseconds = 500};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_meeting meeting = {0};
        tow_message message;
        assert_int_equal(meet(&meeting, seed, &act, 100), TOW_ERROR_TIMED_OUT);
        assert_int_equal(tow_websocket_ready_state(tow_blocking_socket(meeting.blocking)), TOW_CONNECTING);
        assert_int_equal(tow_blocking_send(meeting.blocking, TOW_TEXT, "x", 1, 0), TOW_ERROR_CONNECTING);
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), 0);
        assert_message(&message, TOW_TEXT, "hi");
        part(&meeting);
    }
}

static void a_server_that_never_answers_is_given_up_by_the_connection_itself(void **state) {
    static const host_act act = {.stalls = true};
    test_meeting meeting = {.options.connect_seconds = 7};
    tow_message message;
    assert_int_equal(meet(&meeting, 3, &act, 100), TOW_ERROR_TIMED_OUT);
    assert_int_equal(tow_blocking_error(meeting.blocking), 0);
    assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), TOW_ERROR_ENDED);
    assert_int_equal(tow_blocking_error(meeting.blocking), TOW_ERROR_TIMED_OUT);
    assert_string_equal(
        tow_blocking_error_text(meeting.blocking), "no answer to the opening handshake within 7 seconds");
    part(&meeting);
}

static void a_message_that_is_late_is_sent_by_later_calls(void **state) {
    static uint8_t bytes[1000 * 1000];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_visit visit = {.deaf = true};
        const tow_websocket_options options = {
            .limits = {.compression = TOW_COMPRESSION_OFF, .max_queue = 300 * 1000}};
        visit_open(&visit, seed, &options);
        assert_int_equal(
            tow_blocking_send(visit.blocking, TOW_BINARY, bytes, sizeof(bytes), 100), TOW_ERROR_TIMED_OUT);
        assert_int_equal(tow_blocking_send(visit.blocking, TOW_TEXT, "no", 2, 100), TOW_ERROR_QUEUE_FULL);
        assert_int_equal(tow_websocket_ready_state(tow_blocking_socket(visit.blocking)), TOW_OPEN);
        tow_websocket_resume(visit.guest);
        assert_int_equal(tow_blocking_send(visit.blocking, TOW_TEXT, "yes", 3, LONG), 0);
        assert_int_equal(tow_blocking_close(visit.blocking, 1000, NULL, LONG), 0);
        assert_int_equal(visit.heard, 2);
        assert_int_equal(visit.lengths[0], sizeof(bytes));
        assert_int_equal(visit.lengths[1], 3);
        visit_close(&visit);
    }
}

static void a_close_that_is_late_may_be_waited_for_again(void **state) {
    static const host_act act = {0}; /* never answers the Close */
    test_meeting meeting = {.options.limits.close_seconds = 3};
    assert_int_equal(meet(&meeting, 4, &act, LONG), 0);
    assert_int_equal(tow_blocking_close(meeting.blocking, 1000, "bye", 100), TOW_ERROR_TIMED_OUT);
    assert_null(tow_blocking_close_event(meeting.blocking));
    assert_int_equal(tow_blocking_send(meeting.blocking, TOW_TEXT, "x", 1, 10), TOW_ERROR_CLOSED);
    assert_int_equal(tow_blocking_close(meeting.blocking, 1000, "bye", LONG), TOW_ERROR_ENDED);
    assert_int_equal(tow_blocking_close_event(meeting.blocking)->code, 1006);
    assert_int_equal(tow_blocking_error(meeting.blocking), TOW_ERROR_TIMED_OUT);
    part(&meeting);
}

/* What comes meanwhile. */

static void what_came_before_the_end_is_received_first(void **state) {
    static const host_act act = {FRAMES("\x81\x03one\x82\x03two\x89\x00\x81\x00\x88\x06\x0f\xa1over")};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_meeting meeting = {0};
        tow_message message;
        assert_int_equal(meet(&meeting, seed, &act, LONG), 0);
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), 0);
        assert_message(&message, TOW_TEXT, "one");
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), 0);
        assert_message(&message, TOW_BINARY, "two");
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), 0);
        assert_message(&message, TOW_TEXT, "");
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), TOW_ERROR_CLOSED);
        const tow_close_event *close = tow_blocking_close_event(meeting.blocking);
        assert_int_equal(close->code, 4001);
        assert_int_equal(close->reason_length, 4);
        assert_string_equal(close->reason, "over");
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), TOW_ERROR_CLOSED);
        part(&meeting);
    }
}

static void while_a_message_waits_the_peer_is_not_read(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_visit visit = {.flood = 64};
        tow_message message;
        visit_open(&visit, seed, &(tow_websocket_options){.limits.compression = TOW_COMPRESSION_OFF});
        for (int i = 0; i < 100; i++)
            assert_int_equal(tow_blocking_send(visit.blocking, TOW_TEXT, "x", 1, 10), 0);
        assert_true(tow_websocket_buffered_amount(visit.guest) > 512 * 1024);
        for (size_t i = 0; i < 64; i++) {
            assert_int_equal(tow_blocking_receive(visit.blocking, &message, LONG), 0);
            assert_int_equal(message.length, 16 * 1024);
            assert_int_equal(*(const uint8_t *)message.data, i);
        }
        visit_close(&visit);
    }
}

/* Ends that nobody asked for. */

static void a_failure_to_open_says_why(void **state) {
    static const host_act forbidden = {.answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_meeting meeting = {0};
        tow_message message;
        assert_int_equal(meet(&meeting, seed, &forbidden, LONG), TOW_ERROR_HTTP_STATUS);
        assert_string_equal(tow_blocking_error_text(meeting.blocking), "the server answered 403 Forbidden");
        assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), TOW_ERROR_ENDED);
        assert_int_equal(tow_blocking_send(meeting.blocking, TOW_TEXT, "x", 1, LONG), TOW_ERROR_ENDED);
        assert_int_equal(tow_blocking_close(meeting.blocking, 1000, NULL, LONG), TOW_ERROR_ENDED);
        assert_int_equal(tow_blocking_close_event(meeting.blocking)->code, 1006);
        part(&meeting);
    }
}

static void what_cannot_begin_leaves_nothing_behind(void **state) {
    static const char *const twice[] = {"a", "a", NULL};
    char nothing;
    tow_blocking *blocking = (tow_blocking *)(void *)&nothing; /* anything but NULL */
    assert_int_equal(tow_blocking_open(&blocking, "http:/x", NULL, LONG), TOW_ERROR_URL);
    assert_null(blocking);
    assert_int_equal(
        tow_blocking_open(&blocking, "ws://localhost:1", &(tow_websocket_options){.protocols = twice}, LONG),
        TOW_ERROR_ARGUMENT);
    assert_null(blocking);
    tow_blocking_free(NULL);
}

static void a_server_may_vanish_at_each_byte_of_its_answer(void **state) {
    host_act act = {0};
    for (act.cut = 1; act.cut < 129; act.cut++) {
        for (int reset = 0; reset < 2; reset++) {
            act.resets = reset == 1;
            test_meeting meeting = {0};
            int error = meet(&meeting, act.cut, &act, LONG);
            assert_true(error == TOW_ERROR_ENDED || error == TOW_ERROR_RESET);
            assert_int_equal(tow_blocking_error(meeting.blocking), error);
            part(&meeting);
        }
    }
}

/* Part of a message is no message. */
static void a_server_may_vanish_at_each_byte_of_a_message(void **state) {
    static const char frames[] = "\x81\x03one\x82\x04four";
    host_act act = {.frames = frames};
    for (act.length = 0; act.length < sizeof(frames); act.length++) {
        for (int reset = 0; reset < 2; reset++) {
            act.resets = reset == 1;
            test_meeting meeting = {0};
            tow_message message;
            size_t whole = act.length >= 11 ? 2 : act.length >= 5 ? 1 : 0;
            size_t heard = 0;
            int error = meet(&meeting, act.length, &act, LONG);
            assert_true(error == 0 || (reset == 1 && error == TOW_ERROR_RESET));
            while (tow_blocking_receive(meeting.blocking, &message, LONG) == 0)
                heard++;
            assert_true(heard == whole || (reset == 1 && heard < whole));
            assert_int_equal(tow_blocking_receive(meeting.blocking, &message, LONG), TOW_ERROR_ENDED);
            assert_int_equal(tow_blocking_close_event(meeting.blocking)->code, 1006);
            assert_int_not_equal(tow_blocking_error(meeting.blocking), 0);
            part(&meeting);
        }
    }
}

static void a_server_that_vanishes_ends_a_send(void **state) {
    static uint8_t bytes[1000 * 1000];
    static const host_act act = {FRAMES(""), .milliseconds = 50, .resets = true};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_meeting meeting = {.options.limits.compression = TOW_COMPRESSION_OFF};
        assert_int_equal(meet(&meeting, seed, &act, LONG), 0);
        int error = 0;
        for (int i = 0; i < 100 && error == 0; i++)
            error = tow_blocking_send(meeting.blocking, TOW_BINARY, bytes, sizeof(bytes), LONG);
        assert_int_equal(error, TOW_ERROR_ENDED);
        assert_int_equal(tow_blocking_error(meeting.blocking), TOW_ERROR_RESET);
        part(&meeting);
    }
}

/* The loop has not heard of it when it sends. */
static void a_message_that_the_network_refuses_is_not_sent(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_visit visit = {0};
        visit_open(&visit, seed, NULL);
        tow_websocket_abort(visit.guest, TOW_CAUSE_APPLICATION_RESET, 0);
        assert_int_equal(tow_blocking_send(visit.blocking, TOW_TEXT, "hello", 5, LONG), TOW_ERROR_ENDED);
        assert_int_equal(tow_blocking_error(visit.blocking), TOW_ERROR_RESET);
        assert_int_equal(tow_websocket_buffered_amount(tow_blocking_socket(visit.blocking)), 5);
        assert_non_null(tow_blocking_close_event(visit.blocking));
        visit_close(&visit);
    }
}

static void a_client_may_be_freed_in_every_state(void **state) {
    static const host_act acts[] = {
        {.stalls = true}, {FRAMES("\x81\x03one\x81\x03two")}, {0}, {.vanishes = true}};
    for (uint64_t seed = 0; seed < 40; seed++) {
        test_meeting meeting = {0};
        meet(&meeting, seed, &acts[seed % 4], (int)(seed % 5));
        if (seed % 3 == 0)
            tow_blocking_close(meeting.blocking, 1000, NULL, 0);
        part(&meeting);
    }
}

/* On the system's network: a server on a thread of its own. */

typedef struct running {
    atomic_size_t heard;
    tow_server *server;
    pthread_t thread;
    char url[64];
} test_running;

static void echo(tow_websocket *socket, const tow_message *message) {
    test_running *self = tow_websocket_user(socket);
    atomic_fetch_add(&self->heard, 1);
    if (message->length == 3 && memcmp(message->data, "end", 3) == 0)
        tow_websocket_close(socket, 1001, "as you say");
    else if (message->length != 6 || memcmp(message->data, "silent", 6) != 0)
        tow_websocket_send(socket, message->type, message->data, message->length);
}

static void *run(void *argument) {
    test_running *self = argument;
    assert_int_equal(tow_server_run(self->server), 0);
    return NULL;
}

static void start(test_running *self, bool tls) {
    atomic_init(&self->heard, 0);
    assert_int_equal(
        tow_server_new(&self->server,
            &(tow_server_options){.listen = "127.0.0.1:0", .log_level = TOW_OFF, .tls_self_signed = tls}),
        0);
    assert_int_equal(
        tow_server_route(self->server, "/", &(tow_handler){.user = self, .on_message = echo}), 0);
    assert_int_equal(tow_server_listen(self->server), 0);
    snprintf(self->url, sizeof(self->url), "%s://localhost:%d/", tls ? "wss" : "ws",
        tow_server_port(self->server, 0));
    assert_int_equal(pthread_create(&self->thread, NULL, run, self), 0);
}

static void stop(test_running *self) {
    tow_server_stop(self->server);
    assert_int_equal(pthread_join(self->thread, NULL), 0);
    tow_server_free(self->server);
}

static int open_on(tow_blocking **blocking, const test_running *server, tow_io io) {
    tow_loop *loop;
    const tow_websocket_options options = {.tls_insecure = true};
    if (io == TOW_IO_AUTO)
        return tow_blocking_open(blocking, server->url, &options, LONG);
    assert_int_equal(tow_loop_new(&loop, &(tow_loop_options){.io = io}), 0);
    return tow_blocking_open_on(blocking, loop, server->url, &options, LONG);
}

/* Without another call of the client's. */
static void until_heard(test_running *server, size_t count) {
    for (int i = 0; i < 10 * 1000 && atomic_load(&server->heard) < count; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&server->heard), count);
}

static void talk(test_running *server, tow_io io) {
    static uint8_t bytes[3 * 1000 * 1000];
    tow_blocking *blocking;
    tow_message message;
    assert_int_equal(open_on(&blocking, server, io), 0);
    converse(blocking);
    tow_blocking_free(blocking);
    assert_int_equal(open_on(&blocking, server, io), 0);
    assert_int_equal(tow_blocking_send(blocking, TOW_BINARY, bytes, sizeof(bytes), LONG), 0);
    assert_int_equal(tow_blocking_receive(blocking, &message, LONG), 0);
    assert_int_equal(message.length, sizeof(bytes));
    size_t heard = atomic_load(&server->heard);
    assert_int_equal(tow_blocking_send(blocking, TOW_TEXT, "silent", 6, 5000), 0);
    until_heard(server, heard + 1);
    assert_int_equal(tow_blocking_receive(blocking, &message, 20), TOW_ERROR_TIMED_OUT);
    assert_int_equal(tow_blocking_send(blocking, TOW_TEXT, "end", 3, LONG), 0);
    assert_int_equal(tow_blocking_receive(blocking, &message, LONG), TOW_ERROR_CLOSED);
    assert_int_equal(tow_blocking_close_event(blocking)->code, 1001);
    assert_string_equal(tow_blocking_close_event(blocking)->reason, "as you say");
    tow_blocking_free(blocking);
}

static void talk_on_each_loop(bool tls) {
    static const tow_io kinds[] = {TOW_IO_EPOLL, TOW_IO_URING, TOW_IO_AUTO};
    test_running server;
    start(&server, tls);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        talk(&server, kinds[i]);
    stop(&server);
}

static void it_works_on_each_loop_of_the_system(void **state) {
    talk_on_each_loop(false);
}

static void it_speaks_tls_on_each_loop_of_the_system(void **state) {
    talk_on_each_loop(true);
}

static void a_certificate_that_is_not_valid_is_told(void **state) {
    test_running server;
    tow_blocking *blocking;
    start(&server, true);
    assert_int_equal(tow_blocking_open(&blocking, server.url, NULL, LONG), TOW_ERROR_CERTIFICATE);
    assert_non_null(strstr(tow_blocking_error_text(blocking), "certificate"));
    tow_blocking_free(blocking);
    stop(&server);
}

static void nobody_there_is_told_at_once(void **state) {
    test_running server;
    tow_blocking *blocking;
    char text[100];
    start(&server, false);
    int port = tow_server_port(server.server, 0);
    stop(&server);
    assert_int_equal(tow_blocking_open(&blocking, server.url, NULL, LONG), TOW_ERROR_REFUSED);
    snprintf(text, sizeof(text), "localhost port %d: connection refused", port);
    assert_string_equal(tow_blocking_error_text(blocking), text);
    tow_blocking_free(blocking);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_a_row_of_calls),
        cmocka_unit_test(messages_of_every_size_come_back),
        cmocka_unit_test(its_socket_becomes_no_byte_stream),
        cmocka_unit_test(what_cannot_be_sent_is_refused_and_the_connection_goes_on),
        cmocka_unit_test(callbacks_and_user_of_the_options_are_not_looked_at),
        cmocka_unit_test(a_receive_that_is_late_loses_nothing),
        cmocka_unit_test(a_call_waits_no_longer_than_it_is_told),
        cmocka_unit_test(an_open_that_is_late_goes_on_in_later_calls),
        cmocka_unit_test(a_server_that_never_answers_is_given_up_by_the_connection_itself),
        cmocka_unit_test(a_message_that_is_late_is_sent_by_later_calls),
        cmocka_unit_test(a_close_that_is_late_may_be_waited_for_again),
        cmocka_unit_test(what_came_before_the_end_is_received_first),
        cmocka_unit_test(while_a_message_waits_the_peer_is_not_read),
        cmocka_unit_test(a_failure_to_open_says_why),
        cmocka_unit_test(what_cannot_begin_leaves_nothing_behind),
        cmocka_unit_test(a_server_may_vanish_at_each_byte_of_its_answer),
        cmocka_unit_test(a_server_may_vanish_at_each_byte_of_a_message),
        cmocka_unit_test(a_server_that_vanishes_ends_a_send),
        cmocka_unit_test(a_message_that_the_network_refuses_is_not_sent),
        cmocka_unit_test(a_client_may_be_freed_in_every_state),
        cmocka_unit_test(it_works_on_each_loop_of_the_system),
        cmocka_unit_test(it_speaks_tls_on_each_loop_of_the_system),
        cmocka_unit_test(a_certificate_that_is_not_valid_is_told),
        cmocka_unit_test(nobody_there_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
