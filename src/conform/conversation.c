#include "conversation.h"

#include "transport/loop.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static conversation *of(tow_stream *stream) {
    return (conversation *)stream;
}

/* ---- the end ---- */

void conversation_note(
    conversation *self, char direction, const void *bytes, size_t length, const char *format, ...) {
    char words[120];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    int64_t microseconds = (tow_loop_now(self->settings->loop) - self->started) / 1000;
    transcript_note(&self->transcript, microseconds, direction, bytes, length, "%s", words);
}

void conversation_not_strict(conversation *self, const char *format, ...) {
    if (self->verdict != VERDICT_PASS)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->why, sizeof(self->why), format, arguments);
    va_end(arguments);
    self->verdict = VERDICT_NOT_STRICT;
}

void conversation_end(conversation *self, case_verdict verdict, const char *format, ...) {
    if (self->done)
        return;
    self->done = true;
    if (verdict == VERDICT_FAIL && self->one != NULL && self->one->level != LEVEL_MUST)
        verdict = VERDICT_INFORMATIONAL;
    if (verdict > self->verdict) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(self->why, sizeof(self->why), format, arguments);
        va_end(arguments);
        self->verdict = verdict;
    }
    conversation_note(self, '=', NULL, 0, "%s", self->why[0] == 0 ? "as expected" : self->why);
    self->ended = tow_loop_now(self->settings->loop);
    tow_timer_cancel(self->settings->loop, &self->timer);
    tow_timer_cancel(self->settings->loop, &self->pump_timer);
    if (self->verdict == VERDICT_PASS || self->verdict == VERDICT_NOT_STRICT)
        tow_stream_close(&self->stream);
    else
        tow_stream_reset(&self->stream);
}

void conversation_free(conversation *self) {
    for (size_t i = self->event_at; i < self->event_count; i++)
        tow_buffer_clear(&self->events[i].payload);
    free(self->events);
    tow_buffer_clear(&self->out);
    tow_buffer_clear(&self->in);
    tow_buffer_clear(&self->message);
    squeeze_clear(&self->squeeze);
    transcript_clear(&self->transcript);
    free(self);
}

/* ---- waiting ---- */

static const char *expectation(const case_step *step) {
    static const char *const names[] = {[STEP_EXPECT] = "a message or control frame",
        [STEP_EXPECT_CLOSE] = "a Close",
        [STEP_EXPECT_FAIL] = "the connection to fail",
        [STEP_EXPECT_END] = "the end of the connection",
        [STEP_EXPECT_STATUS] = "an answer to the opening handshake",
        [STEP_FINISH] = "the closing handshake"};
    return names[step->kind] == NULL ? "this" : names[step->kind];
}

static void on_time(tow_timer *timer) {
    conversation *self = (conversation *)((char *)timer - offsetof(conversation, timer));
    self->waited = true;
    conversation_advance(self);
}

static void wait_for(conversation *self, int milliseconds) {
    if (!tow_timer_is_set(&self->timer))
        tow_timer_set(self->settings->loop, &self->timer,
            tow_loop_now(self->settings->loop) + milliseconds * TOW_MILLISECOND, on_time);
}

/* What a step comes to. */
typedef enum progress { STEP_DONE, STEP_WAITS } progress;

static case_event *next_event(conversation *self) {
    return self->event_at < self->event_count ? &self->events[self->event_at] : NULL;
}

static void drop_event(conversation *self) {
    tow_buffer_clear(&self->events[self->event_at++].payload);
}

/* Nothing came yet: waits, or gives up when the time is over. */
static progress await(conversation *self, const case_step *step) {
    if (self->waited)
        conversation_end(self, VERDICT_FAIL, "%s did not come within %d ms", expectation(step),
            self->settings->timeout_milliseconds);
    else
        wait_for(self, self->settings->timeout_milliseconds);
    return STEP_WAITS;
}

/* ---- expectations ---- */

static const char *event_word(const case_event *event) {
    static const char *const words[] = {[EVENT_STATUS] = "an answer to the opening handshake",
        [EVENT_PING] = "a ping",
        [EVENT_PONG] = "a pong",
        [EVENT_CLOSE] = "a Close",
        [EVENT_END] = "the end of the connection"};
    if (event->kind == EVENT_MESSAGE)
        return event->opcode == 1 ? "a text message" : "a binary message";
    return words[event->kind];
}

static progress unexpected(conversation *self, const case_step *step, const case_event *event) {
    if (event->kind == EVENT_CLOSE)
        conversation_end(self, VERDICT_FAIL, "a Close with %u instead of %s (line %d)", event->code,
            expectation(step), step->line);
    else
        conversation_end(self, VERDICT_FAIL, "%s instead of %s (line %d)", event_word(event),
            expectation(step), step->line);
    return STEP_WAITS;
}

static bool has_code(const case_step *step, unsigned code) {
    for (size_t i = 0; i < step->code_count; i++) {
        if (step->codes[i] == code || (code >= 100 && step->codes[i] == code / 100))
            return true;
    }
    return step->code_count == 0;
}

static bool payload_is(const case_step *step, const case_event *event) {
    if (step->any_payload)
        return true;
    uint8_t *payload = case_payload_make(&step->payload);
    bool same = payload != NULL && event->payload.length == step->payload.size &&
                (step->payload.size == 0 || memcmp(event->payload.data, payload, step->payload.size) == 0);
    free(payload);
    return same;
}

/* Pongs and messages are two orders: what a step waits for is the first of its own kind, but never behind a
 * Close. */
static case_event *next_of_kind(conversation *self, bool pong) {
    for (size_t i = self->event_at; i < self->event_count; i++) {
        case_event *event = &self->events[i];
        bool data = event->kind == EVENT_MESSAGE || event->kind == EVENT_PONG;
        if (!data || (event->kind == EVENT_PONG) == pong)
            return event;
    }
    return NULL;
}

static void drop_this(conversation *self, case_event *event) {
    case_event gone = *event;
    case_event *first = &self->events[self->event_at];
    memmove(first + 1, first, (size_t)(event - first) * sizeof(*event));
    *first = gone;
    drop_event(self);
}

static progress expect_frame(conversation *self, const case_step *step) {
    case_event *event = next_of_kind(self, step->opcode == 10);
    if (event == NULL)
        return await(self, step);
    if (event->opcode != step->opcode || event->kind == EVENT_END || event->kind == EVENT_STATUS)
        return unexpected(self, step, event);
    if (!payload_is(step, event)) {
        conversation_end(self, VERDICT_FAIL,
            "another payload than expected: %zu bytes, expected %zu (line %d)", event->payload.length,
            step->payload.size, step->line);
        return STEP_WAITS;
    }
    drop_this(self, event);
    if (++self->matched < step->count)
        return expect_frame(self, step);
    return STEP_DONE;
}

/* What is left when only the end is of interest: Pongs are passed over. */
static case_event *next_but_pongs(conversation *self) {
    while (self->event_at < self->event_count && self->events[self->event_at].kind == EVENT_PONG)
        drop_event(self);
    return next_event(self);
}

/* A peer answers a Close with a Close (RFC 6455, section 5.5.1): we do, too. */
static void answer_close(conversation *self, unsigned code) {
    if (self->close_sent || self->ended_by_peer)
        return;
    outgoing_close(self, code);
    outgoing_pump(self);
}

static progress expect_close(conversation *self, const case_step *step) {
    case_event *event = next_but_pongs(self);
    if (event == NULL)
        return await(self, step);
    if (event->kind != EVENT_CLOSE)
        return unexpected(self, step, event);
    if (!has_code(step, event->code))
        conversation_not_strict(self, "status code %u, expected %u", event->code, step->codes[0]);
    answer_close(self, event->code);
    drop_event(self);
    return STEP_DONE;
}

/* RFC 6455, section 7.1.7: a Close with a fitting status code, then the end; the end alone is allowed, but
 * not helpful. */
static progress expect_failure(conversation *self, const case_step *step) {
    case_event *event = next_but_pongs(self);
    if (event == NULL)
        return await(self, step);
    if (event->kind == EVENT_CLOSE)
        return expect_close(self, step);
    if (event->kind != EVENT_END)
        return unexpected(self, step, event);
    conversation_not_strict(self, "the connection ended without a Close that says why");
    return STEP_DONE; /* the end itself is for a later step */
}

static progress expect_end(conversation *self, const case_step *step) {
    case_event *event = next_but_pongs(self);
    if (event == NULL)
        return await(self, step);
    if (event->kind != EVENT_END)
        return unexpected(self, step, event);
    return STEP_DONE;
}

static progress expect_silence(conversation *self, const case_step *step) {
    case_event *event = next_event(self);
    if (event != NULL)
        return unexpected(self, step, event);
    if (self->waited)
        return STEP_DONE;
    wait_for(self, step->milliseconds);
    return STEP_WAITS;
}

static progress expect_status(conversation *self, const case_step *step) {
    case_event *event = next_event(self);
    if (event == NULL)
        return await(self, step);
    unsigned code = event->kind == EVENT_STATUS ? event->code : 0;
    if (!has_code(step, code)) {
        conversation_end(
            self, VERDICT_FAIL, "status %u, expected %u (line %d)", code, step->codes[0], step->line);
        return STEP_WAITS;
    }
    if (event->kind == EVENT_STATUS)
        drop_event(self);
    return STEP_DONE;
}

/* Our Close, the peer's, and TCP's end, which the server makes (RFC 6455, section 7.1.1). */
static progress finish(conversation *self, const case_step *step) {
    if (!self->close_sent) {
        outgoing_close(self, 1000);
        outgoing_pump(self);
    }
    case_event *event = next_but_pongs(self);
    if (event == NULL)
        return self->tests_client && self->close_received ? STEP_DONE : await(self, step);
    if (event->kind == EVENT_CLOSE) {
        if (event->code != 1000 && event->code != 1005)
            conversation_not_strict(self, "the Close was answered with %u", event->code);
        drop_event(self);
        return finish(self, step);
    }
    if (event->kind == EVENT_END && self->close_received)
        return STEP_DONE;
    return unexpected(self, step, event);
}

/* ---- steps ---- */

static progress wait_step(conversation *self, const case_step *step) {
    if (self->waited)
        return STEP_DONE;
    wait_for(self, step->milliseconds);
    return STEP_WAITS;
}

static progress send_step(conversation *self, const case_step *step) {
    int error = step->kind == STEP_SEND
                    ? outgoing_frames(self, step)
                    : tow_buffer_append(&self->out, step->payload.literal, step->payload.size);
    if (step->kind == STEP_RAW)
        conversation_note(self, '>', step->payload.literal, step->payload.size, "bytes");
    if (error != 0)
        conversation_end(self, VERDICT_FAIL, "out of memory");
    else
        outgoing_pump(self);
    return STEP_DONE;
}

static progress chop_step(conversation *self, const case_step *step) {
    bool pending = self->out.length > self->sent && !self->ended_by_peer && !self->together;
    if (pending) /* what was sent before is not chopped */
        return wait_for(self, 1), self->waited = false, STEP_WAITS;
    self->chop = step->count;
    self->chop_milliseconds = step->milliseconds;
    return STEP_DONE;
}

static progress shut_step(conversation *self, const case_step *step) {
    conversation_note(
        self, '=', NULL, 0, step->kind == STEP_RESET ? "we reset the connection" : "we end our side");
    if (step->kind == STEP_SHUTDOWN)
        tow_stream_shutdown(&self->stream);
    else
        conversation_end(self, VERDICT_PASS, "%s", "");
    return STEP_DONE;
}

static void release(conversation *self) {
    self->together = false;
    outgoing_pump(self);
}

static progress run_step(conversation *self, const case_step *step) {
    if (step->kind >= STEP_EXPECT)
        release(self);
    switch (step->kind) {
    case STEP_SEND:
    case STEP_RAW:
        return send_step(self, step);
    case STEP_CHOP:
        return chop_step(self, step);
    case STEP_TOGETHER:
        return self->together = true, STEP_DONE;
    case STEP_APART:
        return release(self), STEP_DONE;
    case STEP_WAIT:
        return wait_step(self, step);
    case STEP_SHUTDOWN:
    case STEP_RESET:
        return shut_step(self, step);
    case STEP_EXPECT:
        return expect_frame(self, step);
    case STEP_EXPECT_CLOSE:
        return expect_close(self, step);
    case STEP_EXPECT_FAIL:
        return expect_failure(self, step);
    case STEP_EXPECT_END:
        return expect_end(self, step);
    case STEP_EXPECT_SILENCE:
        return expect_silence(self, step);
    case STEP_EXPECT_STATUS:
        return expect_status(self, step);
    case STEP_FINISH:
        return finish(self, step);
    }
    return STEP_DONE;
}

/* The status of a right opening handshake is no event of the case's, unless the case asks for it. */
static void pass_over_status(conversation *self) {
    case_event *event = next_event(self);
    if (event != NULL && event->kind == EVENT_STATUS && !self->status_expected)
        drop_event(self);
}

void conversation_advance(conversation *self) {
    if (!self->connected || (self->one == NULL) ||
        (!self->opened && !self->status_expected && !self->one->early && !self->ended_by_peer))
        return;
    while (!self->done && self->step < self->one->step_count) {
        pass_over_status(self);
        const case_step *step = &self->one->steps[self->step];
        if (run_step(self, step) == STEP_WAITS)
            return;
        tow_timer_cancel(self->settings->loop, &self->timer);
        self->waited = false;
        self->matched = 0;
        self->step++;
    }
    if (!self->done && self->sent == self->out.length)
        conversation_end(self, VERDICT_PASS, "%s", "");
}

/* ---- the stream ---- */

static void send_request(conversation *self) {
    uint8_t nonce[16];
    tow_loop_random(self->settings->loop, nonce, sizeof(nonce));
    EVP_EncodeBlock((unsigned char *)self->key, nonce, sizeof(nonce));
    self->connected = true;
    if (opening_request_write(self->one, self->settings->host, self->settings->path, self->key, &self->out) !=
        0) {
        conversation_end(self, VERDICT_FAIL, "out of memory");
        return;
    }
    conversation_note(self, '>', self->out.data, self->out.length, "the request of the opening handshake");
    self->together = self->one->early;
    outgoing_pump(self);
    conversation_advance(self);
}

static void on_writable(tow_stream *stream) {
    conversation *self = of(stream);
    if (!self->connected) {
        send_request(self);
        return;
    }
    outgoing_pump(self);
    if (!self->done)
        conversation_advance(self);
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    conversation_receive(of(stream), bytes, length);
}

static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    (void)stream, (void)segment, (void)length, (void)taken; /* nothing of ours goes through the cork */
}

static void peer_ended(conversation *self, const char *how) {
    if (self->done)
        return;
    conversation_note(self, '<', NULL, 0, "%s", how);
    self->ended_by_peer = true;
    self->sent = self->out.length; /* nobody reads the rest */
    conversation_add_event(self, (case_event){.kind = EVENT_END, .opcode = 255});
    if (!self->opened && !self->status_expected)
        conversation_end(
            self, VERDICT_FAIL, "the connection ended before the opening handshake was answered");
    else
        conversation_advance(self);
}

static void on_end(tow_stream *stream) {
    peer_ended(of(stream), "the peer ended its side");
}

static void on_error(tow_stream *stream, int error) {
    conversation *self = of(stream);
    if (!self->connected)
        conversation_end(self, VERDICT_FAIL, "no connection: %s", tow_strerror(error));
    else
        peer_ended(self, tow_strerror(error));
}

static void on_closed(tow_stream *stream) {
    conversation *self = of(stream);
    self->settings->on_done(self->settings->user, self);
}

static const tow_stream_events events = {.on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_error = on_error,
    .on_closed = on_closed};

static conversation *make(const conversation_settings *settings, const conform_case *one) {
    conversation *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return NULL;
    self->settings = settings;
    self->one = one;
    self->started = tow_loop_now(settings->loop);
    for (size_t i = 0; one != NULL && i < one->step_count; i++)
        self->status_expected |= one->steps[i].kind == STEP_EXPECT_STATUS;
    return self;
}

int conversation_connect(
    const conversation_settings *settings, const conform_case *one, const tow_address *address) {
    conversation *self = make(settings, one);
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_stream_connect(&self->stream, settings->loop, address, &events);
    if (error != 0)
        conversation_free(self);
    return error;
}

int conversation_accept(const conversation_settings *settings, int fd) {
    conversation *self = make(settings, NULL);
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    self->tests_client = true;
    self->connected = true;
    int error = tow_stream_adopt(&self->stream, settings->loop, fd, &events);
    if (error != 0)
        conversation_free(self);
    return error;
}
