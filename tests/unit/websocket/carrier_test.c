/* A socket is the same over another carrier than RFC 6455's frames: all that its interface offers. */
#include "carrier_fake.h"

#include "protocol/close.h"
#include "transport/timer.h"

#include <towline/shared.h>
#include <towline/stream.h>

static int64_t say(fake_end *end, const char *text) {
    return tow_websocket_send(&end->socket, TOW_TEXT, text, strlen(text));
}

static void messages_go_both_ways(void **state) {
    fake_wire wire = {.server.echoes = true, .protocol = "chat"};
    fake_open(&wire);
    assert_int_equal(wire.server.opens + wire.client.opens, 2);
    assert_int_equal(say(&wire.client, "hello"), 5);
    assert_int_equal(tow_websocket_send(&wire.client.socket, TOW_BINARY, "\xff\0", 2), 7);
    assert_int_equal(tow_websocket_buffered_amount(&wire.client.socket), 7);
    fake_settle(&wire);
    assert_int_equal(tow_websocket_buffered_amount(&wire.client.socket), 0);
    assert_int_equal(wire.client.messages, 2);
    assert_memory_equal(wire.client.heard.data, "hello\n\xff\0\n", 9);
    const tow_websocket_counters *counters = tow_websocket_context_counters(wire.context);
    assert_int_equal(counters->messages_in, 4);
    assert_int_equal(counters->messages_out, 4);
    assert_int_equal(counters->bytes_out, 14);
    fake_close(&wire);
}

static void the_getters_answer(void **state) {
    fake_wire wire = {.protocol = "chat"};
    fake_open(&wire);
    tow_websocket *socket = &wire.server.socket;
    char text[64];
    assert_string_equal(tow_websocket_protocol(socket), "chat");
    assert_string_equal(tow_websocket_extensions(socket), "");
    assert_string_equal(tow_websocket_url(socket), "");
    assert_int_equal(tow_websocket_identify(socket), 1);
    assert_null(tow_websocket_request(socket));
    assert_int_equal(tow_websocket_peer(socket, text, sizeof(text)), TOW_ERROR_STATE);
    assert_ptr_equal(tow_websocket_loop(socket), wire.loop);
    tow_websocket_set_user(socket, text);
    assert_ptr_equal(tow_websocket_user(socket), text);
    fake_close(&wire);
}

static void what_may_not_be_sent_is_refused(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    tow_websocket *socket = &wire.server.socket;
    assert_int_equal(say(&wire.server, "\xc3"), TOW_ERROR_UTF8);
    assert_int_equal(tow_websocket_send(socket, (tow_message_type)3, "", 0), TOW_ERROR_ARGUMENT);
    wire.server.sends_to_fail = 1;
    assert_int_equal(say(&wire.server, "lost"), TOW_ERROR_MEMORY);
    assert_int_equal(tow_websocket_close(socket, 1005, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_close(socket, 0, NULL), 0);
    assert_int_equal(say(&wire.server, "late"), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_ping(socket, "", 0), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_buffered_amount(socket), 4);
    fake_close(&wire);
}

/* Pieces. */

static int64_t send_piece(fake_end *end, const char *text, bool first, bool last) {
    return tow_websocket_send_piece(&end->socket,
        &(tow_message_piece){
            .type = TOW_TEXT, .data = text, .length = strlen(text), .first = first, .last = last});
}

#define FIFTY "01234567890123456789012345678901234567890123456789"

static void pieces_become_one_message(void **state) {
    fake_wire wire = {.streams = true};
    fake_open(&wire);
    assert_true(send_piece(&wire.client, "\xc3", true, false) >= 0);
    assert_int_equal(say(&wire.client, "between"), TOW_ERROR_STATE);
    assert_int_equal(send_piece(&wire.client, "x", false, false), TOW_ERROR_UTF8);
    assert_true(send_piece(&wire.client, "\xa9", false, false) >= 0);
    assert_int_equal(send_piece(&wire.client, "x", true, true), TOW_ERROR_STATE);
    wire.client.sends_to_fail = 1;
    assert_int_equal(send_piece(&wire.client, "!", false, true), TOW_ERROR_MEMORY);
    assert_int_equal(send_piece(&wire.client, "!", false, true), 3);
    assert_int_equal(send_piece(&wire.client, "alone", true, true), 8);
    fake_settle(&wire);
    assert_fake_heard(&wire.server, "\xc3\xa9!\nalone\n");
    assert_int_equal(wire.server.pieces, 2);
    assert_null(wire.client.socket.extra);
    fake_close(&wire);
}

/* What a message in pieces holds is bounded as messages are; one that gets too large is over, as nothing of
 * it has left. */
static void pieces_without_an_end_are_bounded(void **state) {
    fake_wire wire = {.limits = {.max_message = 100}};
    fake_open(&wire);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(send_piece(&wire.client, FIFTY, true, false), 0);
        assert_int_equal(send_piece(&wire.client, FIFTY, false, false), 0);
        assert_int_equal(send_piece(&wire.client, "x", false, i == 1), TOW_ERROR_MESSAGE_TOO_LARGE);
        assert_null(wire.client.socket.extra);
        assert_int_equal(send_piece(&wire.client, "x", false, true), TOW_ERROR_STATE);
    }
    assert_int_equal(say(&wire.client, "hello"), 5);
    assert_int_equal(send_piece(&wire.client, FIFTY, true, false), 5);
    assert_int_equal(send_piece(&wire.client, FIFTY, false, true), 105);
    fake_settle(&wire);
    assert_fake_heard(&wire.server, "hello\n" FIFTY FIFTY "\n");
    fake_close(&wire);
}

/* Whatever the policy: it is one message, as one that is sent whole. */
static void a_message_in_pieces_may_be_larger_than_the_queue(void **state) {
    static const tow_overflow policies[] = {
        TOW_OVERFLOW_CLOSE, TOW_OVERFLOW_REFUSE, TOW_OVERFLOW_DROP_OLDEST};
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        fake_wire wire = {.limits = {.max_queue = 100, .overflow = policies[i]}};
        fake_open(&wire);
        for (int j = 0; j < 3; j++)
            assert_int_equal(send_piece(&wire.client, FIFTY, j == 0, false), 0);
        assert_int_equal(send_piece(&wire.client, FIFTY, false, true), 200);
        fake_settle(&wire);
        assert_fake_heard(&wire.server, FIFTY FIFTY FIFTY FIFTY "\n");
        assert_int_equal(wire.client.errors, 0);
        fake_close(&wire);
    }
}

/* Nor does the end make it so. */
static void a_message_that_is_not_whole_was_not_sent(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    assert_int_equal(send_piece(&wire.client, FIFTY, true, false), 0);
    fake_gone(&wire.client, TOW_ERROR_RESET);
    assert_int_equal(tow_websocket_buffered_amount(&wire.client.socket), 0);
    fake_close(&wire);
}

static void what_is_posted_waits_for_the_last_piece(void **state) {
    fake_wire wire = {0};
    tow_shared *shared;
    fake_open(&wire);
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, "posted", 6), 0);
    send_piece(&wire.server, "first ", true, false);
    tow_websocket_send_posted(&wire.server.socket, shared);
    assert_int_equal(tow_websocket_send_shared(&wire.server.socket, shared), TOW_ERROR_STATE);
    send_piece(&wire.server, "last", false, true);
    assert_true(tow_websocket_send_shared(&wire.server.socket, shared) > 0);
    tow_shared_release(shared);
    fake_settle(&wire);
    assert_fake_heard(&wire.client, "first last\nposted\nposted\n");
    fake_close(&wire);
}

/* Control. */

static void pings_are_not_carried(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    assert_int_equal(tow_websocket_ping(&wire.client.socket, "payload", 7), 0);
    assert_int_equal(tow_websocket_pong(&wire.server.socket, "unasked", 7), 0);
    assert_null(wire.client.said);
    assert_null(wire.server.said);
    fake_close(&wire);
}

/* The end. */

static void end_both(fake_wire *wire) {
    fake_settle(wire);
    fake_gone(&wire->server, 0);
    fake_gone(&wire->client, 0);
}

static void either_end_may_close(void **state) {
    for (int i = 0; i < 2; i++) {
        fake_wire wire = {0};
        fake_open(&wire);
        fake_end *asks = i == 0 ? &wire.server : &wire.client;
        fake_end *answers = asks->other;
        say(asks, "before");
        say(answers, "is not heard");
        assert_int_equal(tow_websocket_close(&asks->socket, 4001, "enough"), 0);
        assert_int_equal(tow_websocket_close(&asks->socket, 4002, "twice"), 0);
        assert_int_equal(tow_websocket_ready_state(&asks->socket), TOW_CLOSING);
        end_both(&wire);
        assert_fake_heard(answers, "before\n");
        assert_int_equal(asks->messages, 0);
        assert_true(asks->was_clean && answers->was_clean);
        assert_int_equal(asks->code, 4001);
        assert_int_equal(answers->code, 4001);
        assert_string_equal(answers->reason, "enough");
        assert_int_equal(asks->errors + answers->errors, 0);
        assert_int_equal(tow_websocket_how_it_ended(&asks->socket).cause, TOW_CAUSE_APPLICATION);
        assert_int_equal(tow_websocket_how_it_ended(&answers->socket).cause, TOW_CAUSE_PEER_CLOSE);
        fake_close(&wire);
    }
}

static void both_ends_may_close_at_once(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    tow_websocket_close(&wire.server.socket, 0, NULL);
    tow_websocket_close(&wire.client.socket, 1000, "bye");
    end_both(&wire);
    assert_true(wire.server.was_clean && wire.client.was_clean);
    assert_int_equal(wire.server.code, 1000);
    assert_int_equal(wire.client.code, 1005);
    fake_close(&wire);
}

static void close_in_callback(fake_end *end, const tow_message *message) {
    tow_websocket_close(&end->socket, 1000, NULL);
}

static void a_callback_may_close(void **state) {
    fake_wire wire = {.server.then_message = close_in_callback};
    fake_open(&wire);
    say(&wire.client, "one");
    say(&wire.client, "two");
    end_both(&wire);
    assert_int_equal(wire.server.messages, 1);
    assert_true(wire.server.was_clean && wire.client.was_clean);
    fake_close(&wire);
}

static void a_carrier_that_goes_ends_the_connection(void **state) {
    static const int errors[] = {0, TOW_ERROR_RESET, TOW_ERROR_TIMED_OUT};
    for (size_t i = 0; i < 3; i++) {
        fake_wire wire = {0};
        fake_open(&wire);
        say(&wire.server, "unsent");
        if (i == 2)
            tow_websocket_close(&wire.server.socket, 1000, NULL);
        fake_gone(&wire.server, errors[i]);
        assert_int_equal(wire.server.error, errors[i]);
        assert_int_equal(wire.server.errors, errors[i] != 0);
        assert_int_equal(wire.server.code, 1006);
        assert_false(wire.server.was_clean);
        assert_int_equal(tow_websocket_buffered_amount(&wire.server.socket), 6);
        fake_close(&wire);
    }
}

static void an_abort_says_nothing(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    say(&wire.server, "unsent");
    tow_websocket_abort(&wire.server.socket, TOW_CAUSE_DRAIN_SECONDS, 0);
    assert_true(wire.server.reset);
    assert_int_equal(wire.server.closes, 0);
    fake_gone(&wire.server, 0);
    assert_int_equal(wire.server.code, 1006);
    assert_int_equal(tow_websocket_buffered_amount(&wire.server.socket), 6);
    assert_int_equal(tow_websocket_context_counters(wire.context)->ends[TOW_CAUSE_DRAIN_SECONDS], 1);
    fake_close(&wire);
}

static void a_close_without_memory_is_a_reset(void **state) {
    fake_wire wire = {.server.sends_to_fail = 1};
    fake_open(&wire);
    tow_websocket_close(&wire.server.socket, 1000, NULL);
    assert_true(wire.server.reset);
    fake_gone(&wire.server, 0);
    assert_int_equal(wire.server.error, TOW_ERROR_MEMORY);
    assert_false(wire.server.was_clean);
    fake_close(&wire);
}

static void a_server_that_is_freed_tells_its_sockets(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    tow_websocket_end_now(&wire.server.socket);
    assert_int_equal(wire.server.closes, 1);
    assert_int_equal(wire.server.gone, 0);
    fake_close(&wire);
}

static void a_retained_socket_outlives_its_carrier(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    assert_int_equal(tow_websocket_retain(&wire.server.socket), 0);
    tow_websocket_close(&wire.server.socket, 1000, NULL);
    end_both(&wire);
    assert_true(tow_websocket_is_retained(&wire.server.socket));
    assert_int_equal(tow_websocket_ready_state(&wire.server.socket), TOW_CLOSED);
    assert_int_equal(say(&wire.server, "late"), TOW_ERROR_CLOSED);
    tow_websocket_release(&wire.server.socket);
    fake_close(&wire);
}

/* Limits. */

static void assert_fails(fake_wire *wire, int error, uint16_t code) {
    fake_settle(wire);
    assert_int_equal(wire->server.messages, 0);
    fake_gone(&wire->server, 0);
    assert_int_equal(wire->server.error, error);
    fake_gone(&wire->client, 0);
    assert_int_equal(wire->client.code, code);
    fake_close(wire);
}

static void a_message_has_a_greatest_length(void **state) {
    fake_wire wire = {.limits.max_message = 5};
    fake_open(&wire);
    say(&wire.server, "12345");
    say(&wire.client, "123456");
    say(&wire.client, "after");
    fake_move(&wire.server, 1);
    assert_fake_heard(&wire.client, "12345\n");
    assert_fails(&wire, TOW_ERROR_MESSAGE_TOO_LARGE, 1009);
}

static void text_that_is_not_utf8_fails_the_connection(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    say(&wire.client, "abc");
    wire.client.said->text[1] = '\xff';
    assert_fails(&wire, TOW_ERROR_UTF8, 1007);
}

/* What waits. */

static void fill(fake_end *end, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_true(tow_websocket_send(&end->socket, TOW_BINARY, "0123456789", 10) >= 0);
}

/* A server is not read while too much of its own waits; a client is. */
static void on_drain_comes_below_the_low_mark(void **state) {
    fake_wire wire = {.limits = {.high_mark = 50, .low_mark = 20}};
    fake_open(&wire);
    fill(&wire.server, 5);
    assert_false(wire.server.paused);
    fill(&wire.server, 1);
    fill(&wire.client, 6);
    assert_true(wire.server.paused);
    assert_false(wire.client.paused);
    assert_int_equal(fake_move(&wire.client, 1), 0);
    fake_move(&wire.server, 4);
    assert_int_equal(wire.server.drains, 0);
    fake_move(&wire.server, 1);
    assert_int_equal(wire.server.drains, 1);
    assert_false(wire.server.paused);
    fake_settle(&wire);
    assert_int_equal(wire.server.drains, 1);
    assert_int_equal(wire.client.drains, 1);
    assert_int_equal(wire.server.messages, 6);
    fake_close(&wire);
}

static void too_much_closes_the_connection(void **state) {
    fake_wire wire = {.limits = {.max_queue = 30, .overflow = TOW_OVERFLOW_CLOSE}};
    fake_open(&wire);
    fill(&wire.server, 4);
    assert_int_equal(say(&wire.server, "more"), TOW_ERROR_QUEUE_FULL);
    assert_int_equal(tow_websocket_ready_state(&wire.server.socket), TOW_CLOSING);
    end_both(&wire);
    assert_int_equal(wire.client.code, 1008);
    assert_int_equal(wire.server.error, TOW_ERROR_QUEUE_FULL);
    fake_close(&wire);
}

static void too_much_is_refused(void **state) {
    fake_wire wire = {.limits = {.max_queue = 30, .overflow = TOW_OVERFLOW_REFUSE}};
    fake_open(&wire);
    fill(&wire.server, 4);
    assert_int_equal(say(&wire.server, "more"), TOW_ERROR_QUEUE_FULL);
    assert_int_equal(tow_websocket_ping(&wire.server.socket, "", 0), TOW_ERROR_QUEUE_FULL);
    assert_int_equal(tow_websocket_ready_state(&wire.server.socket), TOW_OPEN);
    fake_settle(&wire);
    assert_int_equal(wire.server.drains, 1);
    assert_int_equal(wire.client.messages, 4);
    assert_int_equal(tow_websocket_dropped(&wire.server.socket), 0);
    assert_true(say(&wire.server, "again") > 0);
    fake_close(&wire);
}

static void the_oldest_are_dropped_where_the_carrier_can(void **state) {
    fake_wire wire = {.limits = {.max_queue = 30, .overflow = TOW_OVERFLOW_DROP_OLDEST}};
    fake_open(&wire);
    fill(&wire.server, 4);
    assert_true(say(&wire.server, "newest") > 0);
    assert_int_equal(tow_websocket_dropped(&wire.server.socket), 1);
    fake_settle(&wire);
    assert_fake_heard(&wire.client, "0123456789\n0123456789\n0123456789\nnewest\n");
    fake_close(&wire);
}

static void what_a_carrier_cannot_drop_is_refused(void **state) {
    fake_wire wire = {.has_no_drop = true, .limits = {.max_queue = 30, .overflow = TOW_OVERFLOW_DROP_OLDEST}};
    fake_open(&wire);
    fill(&wire.server, 4);
    assert_int_equal(say(&wire.server, "newest"), TOW_ERROR_QUEUE_FULL);
    fake_settle(&wire);
    assert_int_equal(wire.client.messages, 4);
    fake_close(&wire);
}

/* Pausing. */

static void pause_at_two(fake_end *end, const tow_message *message) {
    if (end->messages == 2)
        tow_websocket_pause(&end->socket);
}

static void nothing_is_delivered_while_paused(void **state) {
    fake_wire wire = {.server.then_message = pause_at_two};
    fake_open(&wire);
    fill(&wire.client, 3);
    fake_settle(&wire);
    assert_int_equal(wire.server.messages, 2);
    assert_int_equal(tow_websocket_buffered_amount(&wire.client.socket), 10);
    tow_websocket_pause(&wire.server.socket);
    tow_websocket_resume(&wire.server.socket);
    assert_int_equal(wire.server.messages, 2); /* not in the call */
    fake_settle(&wire);
    assert_int_equal(wire.server.messages, 3);
    assert_int_equal(wire.server.pauses, 1);
    assert_int_equal(wire.server.resumes, 1);
    fake_close(&wire);
}

/* It waits for the peer's Close. */
static void who_closes_while_paused_hears_again(void **state) {
    fake_wire wire = {0};
    fake_open(&wire);
    tow_websocket_pause(&wire.server.socket);
    fill(&wire.client, 1);
    tow_websocket_close(&wire.server.socket, 1000, NULL);
    assert_false(wire.server.paused);
    end_both(&wire);
    assert_true(wire.server.was_clean);
    assert_int_equal(wire.server.messages, 0);
    fake_close(&wire);
}

/* Byte streams. */

typedef struct stream_seen {
    tow_buffer bytes;
    size_t ends, errors, closes;
} stream_seen;

static void stream_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    stream_seen *seen = tow_byte_stream_user(stream);
    tow_buffer_append(&seen->bytes, bytes, length);
}

static void stream_end(tow_byte_stream *stream) {
    stream_seen *seen = tow_byte_stream_user(stream);
    seen->ends++;
}

static void stream_error(tow_byte_stream *stream, int error, const char *text) {
    stream_seen *seen = tow_byte_stream_user(stream);
    seen->errors++;
}

static void stream_closed(tow_byte_stream *stream) {
    stream_seen *seen = tow_byte_stream_user(stream);
    seen->closes++;
}

/* Each side ends for itself, as over frames. */
static void a_byte_stream_runs_over_another_carrier(void **state) {
    fake_wire wire = {0};
    stream_seen seen = {0};
    tow_byte_stream *stream;
    fake_open(&wire);
    const tow_byte_stream_options options = {.user = &seen,
        .on_bytes = stream_bytes,
        .on_end = stream_end,
        .on_error = stream_error,
        .on_closed = stream_closed};
    assert_int_equal(tow_byte_stream_from_websocket(&stream, &wire.server.socket, &options), 0);
    assert_int_equal(tow_byte_stream_write(stream, &(tow_bytes){"out", 3}, 1), 3);
    tow_websocket_send(&wire.client.socket, TOW_BINARY, "in", 2);
    tow_byte_stream_shutdown(stream);
    tow_websocket_send(&wire.client.socket, TOW_BINARY, " later", 6);
    fake_move(&wire.client, SIZE_MAX);
    assert_int_equal(seen.bytes.length, 8);
    assert_memory_equal(seen.bytes.data, "in later", 8);
    fake_settle(&wire);
    assert_fake_heard(&wire.client, "out\n");
    assert_int_equal(seen.ends, 1);
    fake_gone(&wire.server, 0);
    fake_gone(&wire.client, 0);
    assert_true(wire.client.was_clean);
    tow_byte_stream_close(stream);
    while (seen.closes == 0)
        assert_true(tow_loop_step(wire.loop) >= 0);
    assert_int_equal(seen.errors, 0);
    wire.server.closes = 1; /* the stream heard of it */
    tow_buffer_clear(&seen.bytes);
    fake_close(&wire);
}

/* What carries whole messages keeps a line until it ends. */
static void a_line_without_an_end_fails_the_stream(void **state) {
    fake_wire wire = {.limits = {.max_message = 100}};
    stream_seen seen = {0};
    tow_byte_stream *stream;
    fake_open(&wire);
    const tow_byte_stream_options options = {
        .user = &seen, .lines = true, .on_error = stream_error, .on_closed = stream_closed};
    assert_int_equal(tow_byte_stream_from_websocket(&stream, &wire.server.socket, &options), 0);
    assert_int_equal(tow_byte_stream_write(stream, &(tow_bytes){FIFTY, 50}, 1), 50);
    assert_int_equal(tow_byte_stream_write(stream, &(tow_bytes){FIFTY, 50}, 1), 50);
    assert_int_equal(tow_byte_stream_write(stream, &(tow_bytes){FIFTY, 50}, 1), TOW_ERROR_MESSAGE_TOO_LARGE);
    fake_settle(&wire);
    assert_int_equal(wire.client.messages, 0);
    fake_gone(&wire.server, 0);
    assert_int_equal(seen.errors, 1);
    tow_byte_stream_close(stream);
    while (seen.closes == 0)
        assert_true(tow_loop_step(wire.loop) >= 0);
    wire.server.closes = 1; /* the stream heard of it */
    fake_close(&wire);
}

/* Time */

static void no_matter(tow_timer *timer) {
}

/* Lets virtual time pass; what is said stays where it is. */
static void wait_for(fake_wire *wire, int64_t milliseconds) {
    int64_t end = tow_loop_now(wire->loop) + milliseconds * TOW_MILLISECOND;
    while (tow_loop_now(wire->loop) < end) {
        tow_timer timer = {0};
        tow_timer_set(wire->loop, &timer, end, no_matter);
        assert_true(tow_loop_step(wire->loop) >= 0);
        tow_timer_cancel(wire->loop, &timer);
    }
}

static const tow_limits times = {.ping_seconds = 20, .idle_seconds = 60, .close_seconds = 5};

static void silence_is_ended(void **state) {
    fake_wire wire = {.limits = times};
    fake_open(&wire);
    wait_for(&wire, 59700);
    assert_null(wire.server.said);
    wait_for(&wire, 400);
    assert_int_equal(wire.server.said->kind, 'C');
    assert_int_equal(wire.server.said->code, 1001);
    assert_false(wire.server.reset);
    wait_for(&wire, 1100);
    assert_true(wire.server.reset);
    fake_gone(&wire.server, 0);
    assert_int_equal(wire.server.error, TOW_ERROR_TIMED_OUT);
    fake_close(&wire);
}

static void whatever_is_heard_is_life(void **state) {
    fake_wire wire = {.limits = times};
    fake_open(&wire);
    for (int i = 0; i < 10; i++) {
        wait_for(&wire, 15000);
        say(&wire.client, "x");
        fake_settle(&wire);
        wait_for(&wire, 15000);
        tow_carried_heard(&wire.server.socket);
    }
    assert_int_equal(tow_websocket_ready_state(&wire.server.socket), TOW_OPEN);
    assert_null(wire.server.said);
    fake_close(&wire);
}

static void no_silence_is_counted_while_paused(void **state) {
    fake_wire wire = {.limits = times};
    fake_open(&wire);
    wait_for(&wire, 10000);
    tow_websocket_pause(&wire.server.socket);
    wait_for(&wire, 200000);
    assert_null(wire.server.said);
    tow_websocket_resume(&wire.server.socket);
    wait_for(&wire, 49700);
    assert_null(wire.server.said);
    wait_for(&wire, 400);
    assert_int_equal(wire.server.said->kind, 'C');
    wait_for(&wire, 1100);
    fake_gone(&wire.server, 0);
    fake_close(&wire);
}

static void a_close_is_answered_in_time(void **state) {
    fake_wire wire = {.limits = times};
    fake_open(&wire);
    tow_websocket_close(&wire.server.socket, 1000, NULL);
    wait_for(&wire, 4900);
    assert_false(wire.server.reset);
    wait_for(&wire, 200);
    assert_true(wire.server.reset);
    assert_int_equal(tow_websocket_context_counters(wire.context)->ends[TOW_CAUSE_CLOSE_SECONDS], 1);
    fake_gone(&wire.server, 0);
    assert_int_equal(wire.server.code, 1006);
    fake_close(&wire);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_both_ways),
        cmocka_unit_test(the_getters_answer),
        cmocka_unit_test(what_may_not_be_sent_is_refused),
        cmocka_unit_test(pieces_become_one_message),
        cmocka_unit_test(pieces_without_an_end_are_bounded),
        cmocka_unit_test(a_message_in_pieces_may_be_larger_than_the_queue),
        cmocka_unit_test(a_message_that_is_not_whole_was_not_sent),
        cmocka_unit_test(what_is_posted_waits_for_the_last_piece),
        cmocka_unit_test(pings_are_not_carried),
        cmocka_unit_test(either_end_may_close),
        cmocka_unit_test(both_ends_may_close_at_once),
        cmocka_unit_test(a_callback_may_close),
        cmocka_unit_test(a_carrier_that_goes_ends_the_connection),
        cmocka_unit_test(an_abort_says_nothing),
        cmocka_unit_test(a_close_without_memory_is_a_reset),
        cmocka_unit_test(a_server_that_is_freed_tells_its_sockets),
        cmocka_unit_test(a_retained_socket_outlives_its_carrier),
        cmocka_unit_test(a_message_has_a_greatest_length),
        cmocka_unit_test(text_that_is_not_utf8_fails_the_connection),
        cmocka_unit_test(on_drain_comes_below_the_low_mark),
        cmocka_unit_test(too_much_closes_the_connection),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(the_oldest_are_dropped_where_the_carrier_can),
        cmocka_unit_test(what_a_carrier_cannot_drop_is_refused),
        cmocka_unit_test(nothing_is_delivered_while_paused),
        cmocka_unit_test(who_closes_while_paused_hears_again),
        cmocka_unit_test(silence_is_ended),
        cmocka_unit_test(whatever_is_heard_is_life),
        cmocka_unit_test(no_silence_is_counted_while_paused),
        cmocka_unit_test(a_close_is_answered_in_time),
        cmocka_unit_test(a_byte_stream_runs_over_another_carrier),
        cmocka_unit_test(a_line_without_an_end_fails_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
