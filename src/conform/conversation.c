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

/* The end. */

/* Heads of the opening handshake are kept to be read where the case is about them. */
static size_t bytes_to_keep(const conversation *self, const uint8_t *bytes) {
    const conform_case *one = self->one;
    bool is_head = bytes != NULL && bytes[0] >= ' ' && bytes[0] < 0x7f; /* frames begin otherwise */
    bool matters = one == NULL || one->edit_count > 0 || one->offer != NULL || self->status_expected;
    return is_head && matters ? ENTRY_BYTES_OF_HEADS : ENTRY_BYTES;
}

void tow_conform_conversation_note(
    conversation *self, char direction, const void *bytes, size_t length, const char *format, ...) {
    char words[120];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    int64_t microseconds = (tow_loop_now(self->settings->loop) - self->started) / 1000;
    tow_conform_transcript_note(
        &self->transcript, microseconds, direction, bytes, length, bytes_to_keep(self, bytes), words);
}

/* Keeps the first of the worst verdicts, with its reason. */
__attribute__((format(printf, 3, 0))) static void worsen(
    conversation *self, case_verdict verdict, const char *format, va_list arguments) {
    if (verdict <= self->verdict)
        return;
    self->verdict = verdict;
    vsnprintf(self->why, sizeof(self->why), format, arguments);
}

void tow_conform_conversation_not_strict(conversation *self, const char *format, ...) {
    bool is_choice = self->one != NULL && self->one->level == LEVEL_MAY;
    va_list arguments;
    va_start(arguments, format);
    worsen(self, is_choice ? VERDICT_INFORMATIONAL : VERDICT_NOT_STRICT, format, arguments);
    va_end(arguments);
}

static void end(conversation *self) {
    self->done = true;
    tow_conform_conversation_note(self, '=', NULL, 0, "%s", self->why[0] == 0 ? "as expected" : self->why);
    self->ended = tow_loop_now(self->settings->loop);
    tow_timer_cancel(self->settings->loop, &self->timer);
    tow_timer_cancel(self->settings->loop, &self->pump_timer);
    if (self->verdict < VERDICT_NOT_APPLICABLE)
        tow_stream_close(&self->stream);
    else
        tow_stream_reset(&self->stream);
}

void tow_conform_conversation_end(conversation *self, case_verdict verdict, const char *format, ...) {
    if (self->done)
        return;
    va_list arguments;
    va_start(arguments, format);
    worsen(self, verdict, format, arguments);
    va_end(arguments);
    end(self);
}

void tow_conform_conversation_unmet(conversation *self, const char *format, ...) {
    static const case_verdict verdicts[] = {[LEVEL_MUST] = VERDICT_FAIL,
        [LEVEL_SHOULD] = VERDICT_NOT_STRICT,
        [LEVEL_MAY] = VERDICT_INFORMATIONAL};
    if (self->done)
        return;
    va_list arguments;
    va_start(arguments, format);
    worsen(self, self->one == NULL ? VERDICT_FAIL : verdicts[self->one->level], format, arguments);
    va_end(arguments);
    end(self);
}

void tow_conform_conversation_abandon(conversation *self) {
    self->abandoned = true;
    tow_conform_conversation_end(self, VERDICT_FAIL, "the run was stopped");
}

void tow_conform_conversation_free(conversation *self) {
    for (size_t i = self->event_at; i < self->event_count; i++)
        tow_buffer_clear(&self->events[i].payload);
    free(self->events);
    tow_buffer_clear(&self->out);
    tow_buffer_clear(&self->in);
    tow_buffer_clear(&self->message);
    tow_conform_squeeze_clear(&self->squeeze);
    tow_conform_judged_head_clear(&self->answer);
    *self->previous = self->next;
    if (self->next != NULL)
        self->next->previous = self->previous;
    tow_conform_transcript_clear(&self->transcript);
    free(self);
}

/* Waiting. */

int tow_conform_conversation_patience(const conversation *self) {
    bool own = self->one != NULL && self->one->within > 0;
    return own ? self->one->within : self->settings->timeout_milliseconds;
}

/* Whether the case's steps may go on. */
static bool is_playing(const conversation *self) {
    return self->connected && self->one != NULL &&
           (self->opened || self->status_expected || self->one->early || self->ended_by_peer);
}

/* Time is not over while bytes cross, unless the case says how long it may take. */
static void on_time(tow_timer *timer) {
    conversation *self = (conversation *)((char *)timer - offsetof(conversation, timer));
    int64_t patience = self->settings->timeout_milliseconds * TOW_MILLISECOND;
    if (!is_playing(self)) {
        tow_conform_conversation_unmet(
            self, self->connected ? "no opening handshake came" : "no connection came about");
        return;
    }
    bool busy = tow_loop_now(self->settings->loop) - self->last_crossed < patience;
    if (busy && self->awaits && self->one->within == 0) {
        tow_timer_set(self->settings->loop, &self->timer, self->last_crossed + patience, on_time);
        return;
    }
    self->waited = true;
    tow_conform_conversation_advance(self);
}

void tow_conform_conversation_wait(conversation *self, int milliseconds) {
    if (!tow_timer_is_set(&self->timer))
        tow_timer_set(self->settings->loop, &self->timer,
            tow_loop_now(self->settings->loop) + milliseconds * TOW_MILLISECOND, on_time);
}

/* Steps. */

static progress wait_step(conversation *self, const case_step *step) {
    if (self->waited)
        return STEP_DONE;
    tow_conform_conversation_wait(self, step->milliseconds);
    return STEP_WAITS;
}

static progress send_step(conversation *self, const case_step *step) {
    int error = step->kind == STEP_SEND
                    ? tow_conform_outgoing_frames(self, step)
                    : tow_buffer_append(&self->out, step->payload.literal, step->payload.size);
    if (step->kind == STEP_RAW)
        tow_conform_conversation_note(self, '>', step->payload.literal, step->payload.size, "bytes");
    if (error != 0)
        tow_conform_conversation_end(self, VERDICT_FAIL, "out of memory");
    else
        tow_conform_outgoing_pump(self);
    return STEP_DONE;
}

static void release(conversation *self) {
    self->together = false;
    tow_conform_outgoing_pump(self);
}

/* Whether all that was sent before is with the kernel; else the step is tried again soon. */
static bool is_drained(conversation *self) {
    if (self->out.length == self->sent || self->ended_by_peer)
        return true;
    tow_conform_conversation_wait(self, 1);
    self->waited = false;
    return false;
}

static progress chop_step(conversation *self, const case_step *step) {
    if (!self->together && !is_drained(self)) /* what was sent before is not chopped */
        return STEP_WAITS;
    self->chop = step->count;
    self->chop_milliseconds = step->milliseconds;
    self->chop_left = step->first == 0 ? SIZE_MAX : step->first;
    return STEP_DONE;
}

/* TLS 1.2 and older know no half close: a close_notify is answered by one, and ends both directions (RFC
 * 5246, section 7.2.1). TCP does, and TLS since 1.3 (RFC 8446, section 6.1). */
static bool can_half_close(const conversation *self) {
    tow_tls_details details;
    return tow_stream_tls_details(&self->stream, &details) != 0 || strcmp(details.version, "TLSv1.3") == 0;
}

static bool expects_more_than_the_end(const conversation *self) {
    return self->step + 1 < self->one->step_count && self->one->steps[self->step + 1].kind != STEP_EXPECT_END;
}

/* Our FIN; over TLS behind a close_notify. */
static progress shutdown_step(conversation *self) {
    release(self);
    if (!is_drained(self))
        return STEP_WAITS;
    if (expects_more_than_the_end(self) && !can_half_close(self))
        tow_conform_conversation_end(self, VERDICT_NOT_APPLICABLE, "TLS before 1.3 has no half close");
    else
        tow_conform_conversation_shut(self);
    return STEP_DONE;
}

static progress reset_step(conversation *self) {
    release(self);
    if (!is_drained(self))
        return STEP_WAITS;
    tow_conform_conversation_note(self, '=', NULL, 0, "we reset the connection");
    tow_stream_reset(&self->stream);
    tow_conform_conversation_end(self, VERDICT_PASS, "%s", "");
    return STEP_DONE;
}

static progress run_step(conversation *self, const case_step *step) {
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
        return shutdown_step(self);
    case STEP_RESET:
        return reset_step(self);
    case STEP_EXPECT:
    case STEP_EXPECT_CLOSE:
    case STEP_EXPECT_FAIL:
    case STEP_EXPECT_END:
    case STEP_EXPECT_SILENCE:
    case STEP_EXPECT_NO_MESSAGE:
    case STEP_EXPECT_STATUS:
    case STEP_EXPECT_FIELD:
    case STEP_FINISH:
        break;
    }
    release(self);
    self->awaits = step->kind != STEP_EXPECT_SILENCE && step->kind != STEP_EXPECT_NO_MESSAGE;
    return tow_conform_expectation_step(self, step);
}

void tow_conform_conversation_shut(conversation *self) {
    if (self->shut)
        return;
    self->shut = true;
    tow_conform_conversation_note(self, '=', NULL, 0, "we end our side");
    tow_stream_shutdown(&self->stream);
}

void tow_conform_conversation_advance(conversation *self) {
    if (!is_playing(self))
        return;
    while (!self->done && self->step < self->one->step_count) {
        const case_step *step = &self->one->steps[self->step];
        if (run_step(self, step) == STEP_WAITS)
            return;
        tow_timer_cancel(self->settings->loop, &self->timer);
        self->awaits = self->waited = false;
        self->matched = 0;
        self->step++;
    }
    if (!self->done && self->sent == self->out.length)
        tow_conform_conversation_end(self, VERDICT_PASS, "%s", "");
}

void tow_conform_conversation_begin(conversation *self) {
    self->together = self->one->early;
    self->chop = self->one->pieces;
    self->chop_left = SIZE_MAX;
    self->chop_milliseconds = self->one->pieces_milliseconds;
    tow_conform_outgoing_pump(self);
}

/* The stream. */

static void send_request(conversation *self) {
    uint8_t nonce[16];
    tow_loop_random(self->settings->loop, nonce, sizeof(nonce));
    EVP_EncodeBlock((unsigned char *)self->key, nonce, sizeof(nonce));
    self->connected = true;
    if (tow_conform_opening_request_write(
            self->one, self->settings->host, self->settings->path, self->key, &self->out) != 0) {
        tow_conform_conversation_end(self, VERDICT_FAIL, "out of memory");
        return;
    }
    tow_conform_conversation_note(
        self, '>', self->out.data, self->out.length, "the request of the opening handshake");
    tow_conform_conversation_begin(self);
    tow_conform_conversation_advance(self);
}

/* TCP is there, or TLS on it. */
static void on_connected(conversation *self) {
    const conversation_settings *settings = self->settings;
    bool waits = settings->tls != NULL && !tow_stream_is_secure(&self->stream);
    int error = waits ? tow_stream_start_tls(&self->stream, settings->tls, settings->server_name) : 0;
    if (error != 0)
        tow_conform_conversation_end(self, VERDICT_FAIL, "no connection: %s", tow_strerror(error));
    else if (!waits)
        send_request(self);
}

static void on_writable(tow_stream *stream) {
    conversation *self = of(stream);
    if (!self->connected) {
        on_connected(self);
        return;
    }
    tow_conform_outgoing_pump(self);
    if (!self->done)
        tow_conform_conversation_advance(self);
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    conversation *self = of(stream);
    self->last_crossed = tow_loop_now(self->settings->loop);
    tow_conform_conversation_receive(self, bytes, length);
}

static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    (void)stream, (void)segment, (void)length, (void)taken; /* nothing of ours goes through the cork */
}

static void peer_ended(conversation *self, end_manner manner, const char *words) {
    if (self->done)
        return;
    tow_conform_conversation_note(self, '<', NULL, 0, "%s", words);
    self->ended_by_peer = true;
    self->sent = self->out.length; /* nobody reads the rest */
    tow_conform_conversation_add_event(self, (case_event){.kind = EVENT_END, .opcode = 255, .code = manner});
    if (!self->opened && !self->status_expected)
        tow_conform_conversation_unmet(
            self, "the connection ended before the opening handshake was answered");
    else
        tow_conform_conversation_advance(self);
}

static void on_end(tow_stream *stream) {
    if (tow_stream_is_truncated(stream))
        peer_ended(of(stream), END_TRUNCATED, "the peer ended TCP without a close_notify");
    else
        peer_ended(of(stream), END_ORDERLY, "the peer ended its side");
}

static void on_error(tow_stream *stream, int error) {
    conversation *self = of(stream);
    const char *text = tow_stream_failure_text(stream);
    if (text == NULL)
        text = tow_strerror(error);
    if (!self->connected)
        tow_conform_conversation_end(self, VERDICT_FAIL, "no connection: %s", text);
    else
        peer_ended(self, END_BY_RESET, text);
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
    self->started = self->last_crossed = tow_loop_now(settings->loop);
    for (size_t i = 0; one != NULL && i < one->step_count; i++)
        self->status_expected |= one->steps[i].kind == STEP_EXPECT_STATUS;
    self->previous = settings->under_way;
    self->next = *settings->under_way;
    *settings->under_way = self;
    if (self->next != NULL)
        self->next->previous = &self->next;
    return self;
}

int tow_conform_conversation_connect(
    const conversation_settings *settings, const conform_case *one, const tow_address *address) {
    conversation *self = make(settings, one);
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_stream_connect(&self->stream, settings->loop, address, &events);
    if (error != 0)
        tow_conform_conversation_free(self);
    else
        tow_conform_conversation_wait(self, settings->timeout_milliseconds);
    return error;
}

int tow_conform_conversation_accept(const conversation_settings *settings, int fd) {
    conversation *self = make(settings, NULL);
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    self->tests_client = true;
    self->connected = true;
    int error = tow_stream_adopt(&self->stream, settings->loop, fd, &events);
    if (error != 0) {
        tow_conform_conversation_free(self);
        return error;
    }
    tow_conform_conversation_wait(self, settings->timeout_milliseconds);
    error = settings->tls == NULL ? 0 : tow_stream_start_tls(&self->stream, settings->tls, NULL);
    if (error != 0)
        tow_conform_conversation_end(self, VERDICT_FAIL, "no TLS: %s", tow_strerror(error));
    return 0;
}
