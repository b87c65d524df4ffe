#include "conversation.h"

#include <stdlib.h>
#include <string.h>

/* How a length is written: 1, 3 or 9 bytes. */
static uint8_t length_bytes_for(const case_step *step, uint64_t length) {
    if (step->length_bytes != 0)
        return step->length_bytes;
    return length <= 125 ? 1 : length <= 0xffff ? 3 : 9;
}

static size_t write_length(uint8_t *out, uint64_t length, uint8_t bytes) {
    if (bytes == 1) {
        out[0] = (uint8_t)length;
        return 1;
    }
    out[0] = bytes == 3 ? 126 : 127;
    for (uint8_t i = 1; i < bytes; i++)
        out[i] = (uint8_t)(length >> 8 * (bytes - 1 - i));
    return bytes;
}

/* One frame, as right or wrong as the step wants it. */
static int append_frame(
    conversation *self, const case_step *step, uint8_t first_byte, const uint8_t *payload, size_t length) {
    uint8_t header[14] = {first_byte};
    uint64_t claimed = step->has_claim ? step->claimed_length : length;
    size_t size = 1 + write_length(header + 1, claimed, length_bytes_for(step, claimed));
    bool masked = self->tests_client == step->wrongly_masked;
    uint8_t key[4] = {0};
    if (masked) {
        header[1] |= 0x80;
        if (!step->zero_key)
            memcpy(key, (const uint8_t[]){0x37, 0xfa, 0x21, 0x3d}, 4);
        if (!step->zero_key)
            key[0] =
                (uint8_t)(key[0] + self->out.length); /* a new key for each frame, the same in each run */
        memcpy(header + size, key, 4);
        size += 4;
    }
    int error = tow_buffer_append(&self->out, header, size);
    size_t at = self->out.length;
    if (error == 0)
        error = tow_buffer_append(&self->out, payload, length);
    for (size_t i = 0; i < length && masked && error == 0; i++)
        self->out.data[at + i] ^= key[i % 4];
    return error;
}

/* A message in fragments of the step's size, or one frame. */
static int append_fragments(
    conversation *self, const case_step *step, uint8_t rsv, const uint8_t *payload, size_t length) {
    size_t fragment = step->fragment == 0 || step->fragment > length ? length : step->fragment;
    size_t at = 0;
    do {
        size_t piece = length - at < fragment ? length - at : fragment;
        bool last = at + piece == length && step->final;
        uint8_t opcode = at == 0 ? step->opcode : 0;
        uint8_t first_byte = (uint8_t)((last ? 0x80 : 0) | (at == 0 ? rsv << 4 : 0) | opcode);
        int error = append_frame(self, step, first_byte, payload + at, piece);
        if (error != 0)
            return error;
        at += piece;
    } while (at < length);
    return 0;
}

static int append_message(conversation *self, const case_step *step, const uint8_t *payload, size_t length) {
    uint8_t rsv = step->has_reserved_bits ? step->reserved_bits : step->deflate ? 4 : 0;
    if (!step->deflate)
        return append_fragments(self, step, rsv, payload, length);
    tow_buffer packed = {0};
    int error = tow_conform_squeeze_message(&self->squeeze, payload, length, step->level, &packed);
    if (error == 0)
        error = append_fragments(self, step, rsv, packed.data, packed.length);
    tow_buffer_clear(&packed);
    return error;
}

int tow_conform_outgoing_frames(conversation *self, const case_step *step) {
    static const char *const words[16] = {
        "continuation", "text", "binary", [8] = "close", [9] = "ping", [10] = "pong"};
    uint8_t *payload = tow_conform_case_payload_make(&step->payload);
    if (payload == NULL)
        return -1;
    int error = 0;
    for (size_t i = 0; i < step->count && error == 0; i++) {
        size_t before = self->out.length;
        error = append_message(self, step, payload, step->payload.size);
        if (error == 0)
            tow_conform_conversation_note(self, '>', self->out.data + before, self->out.length - before,
                "%s, %zu bytes of payload",
                words[step->opcode] == NULL ? "a reserved opcode" : words[step->opcode], step->payload.size);
    }
    if (step->opcode == 8)
        self->close_sent = true;
    free(payload);
    return error;
}

int tow_conform_outgoing_close(conversation *self, unsigned code) {
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    case_step step = {.final = true, .opcode = 8};
    self->close_sent = true;
    int error = append_frame(self, &step, 0x88, payload, code == 1005 ? 0 : 2);
    if (error == 0)
        tow_conform_conversation_note(self, '>', NULL, 0, "close %u", code);
    return error;
}

void tow_conform_outgoing_pong(conversation *self, const uint8_t *payload, size_t length) {
    case_step step = {.final = true, .opcode = 10};
    if (self->close_sent || append_frame(self, &step, 0x8a, payload, length) != 0)
        return;
    tow_conform_conversation_note(self, '>', payload, length, "a Pong for the peer's Ping");
    tow_conform_outgoing_pump(self);
}

static void pump_again(tow_timer *timer) {
    conversation *self = (conversation *)((char *)timer - offsetof(conversation, pump_timer));
    tow_conform_outgoing_pump(self);
    if (!self->done)
        self->go_on(self);
}

static void count_chopped(conversation *self, size_t taken) {
    self->chop_left -= taken < self->chop_left ? taken : self->chop_left;
    if (self->chop_left == 0)
        self->chop = 0;
}

/* Pieces that go out in one round of the loop would come together: the next one waits for the clock's next
 * tick at least. */
static void pause_between_pieces(conversation *self) {
    if (self->chop > 0 && self->sent < self->out.length)
        tow_timer_set(self->settings->loop, &self->pump_timer,
            tow_loop_now(self->settings->loop) + self->chop_milliseconds * TOW_MILLISECOND, pump_again);
}

void tow_conform_outgoing_pump(conversation *self) {
    while (self->connected && !self->together && !self->done && self->sent < self->out.length) {
        if (tow_timer_is_set(&self->pump_timer))
            return;
        size_t left = self->out.length - self->sent;
        if (self->chop > 0 && left > self->chop)
            left = self->chop;
        struct iovec piece = {.iov_base = self->out.data + self->sent, .iov_len = left};
        ssize_t taken = tow_stream_write(&self->stream, &piece, 1);
        if (taken <= 0)
            return;
        self->sent += (size_t)taken;
        self->last_crossed = tow_loop_now(self->settings->loop);
        count_chopped(self, (size_t)taken);
        pause_between_pieces(self);
    }
    if (self->sent == self->out.length) {
        self->out.length = 0;
        self->sent = 0;
    }
}

void tow_conform_outgoing_begin(conversation *self) {
    self->together = self->one->early;
    self->chop = self->one->pieces;
    self->chop_left = SIZE_MAX;
    self->chop_milliseconds = self->one->pieces_milliseconds;
    tow_conform_outgoing_pump(self);
}

void tow_conform_outgoing_shut(conversation *self) {
    if (self->shut)
        return;
    self->shut = true;
    tow_conform_conversation_note(self, '=', NULL, 0, "we end our side");
    tow_stream_shutdown(&self->stream);
}
