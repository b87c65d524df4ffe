#include "conversation.h"

#include "transport/loop.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static conversation *of(tow_stream *stream) {
    return (conversation *)stream;
}

/* The end. */

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
    tow_conform_outgoing_begin(self);
    self->go_on(self);
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
        self->go_on(self);
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    conversation *self = of(stream);
    self->last_crossed = tow_loop_now(self->settings->loop);
    if (self->done || self->ended_by_peer)
        return;
    tow_conform_conversation_receive(self, bytes, length);
    if (!self->done)
        self->go_on(self);
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
        self->go_on(self);
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
    self->go_on = tow_conform_conversation_advance;
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
