#include "bench/traffic.h"

#include "protocol/frame.h"
#include "protocol/mask.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* Small messages get many forms, large ones two, so that a turn stays in the cache where it can. */
enum { FORMS_MAX = 16, FORMS_MIN = 2, TURN_SIZE = 256 * 1024 };

/* xorshift64*: reproducible, and good enough for payloads. */
static uint64_t next_number(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static void fill_binary(uint8_t *out, size_t length, uint64_t *state) {
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)(next_number(state) >> 56);
}

static void fill_ascii(uint8_t *out, size_t length, uint64_t *state) {
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)(' ' + (next_number(state) >> 32) % ('~' - ' ' + 1));
}

static void fill_utf8(uint8_t *out, size_t length, uint64_t *state) {
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe6\xb0\xb4", "\xf0\x9f\x9a\xa2"};
    size_t filled = 0;
    while (filled < length) {
        size_t room = length - filled;
        size_t size = 1 + (next_number(state) >> 32) % (room < 4 ? room : 4);
        memcpy(out + filled, characters[size - 1], size);
        filled += size;
    }
}

static void fill(uint8_t *out, size_t length, tow_traffic_kind kind, uint64_t *state) {
    switch (kind) {
    case TOW_TRAFFIC_BINARY:
        fill_binary(out, length, state);
        break;
    case TOW_TRAFFIC_TEXT:
        fill_ascii(out, length, state);
        break;
    case TOW_TRAFFIC_UTF8:
        fill_utf8(out, length, state);
        break;
    }
}

static size_t forms_for(size_t payload_length) {
    size_t forms = TURN_SIZE / payload_length;
    if (forms < FORMS_MIN)
        return FORMS_MIN;
    return forms < FORMS_MAX ? forms : FORMS_MAX;
}

/* Writes the answer with a fresh payload, and the frame that asks for it: the same payload, masked. */
static void write_message(tow_traffic *traffic, size_t number, tow_traffic_kind kind, uint64_t *state) {
    uint8_t *answer = traffic->answers + number * traffic->answer_length;
    uint8_t *frame = traffic->frames + number * traffic->frame_length;
    uint8_t *payload = answer + traffic->answer_header_length;
    fill(payload, traffic->payload_length, kind, state);
    if (!traffic->framed) {
        memcpy(frame, payload, traffic->payload_length);
        return;
    }
    tow_frame_header header = {
        .payload_length = traffic->payload_length, .opcode = traffic->opcode, .final = true};
    uint8_t written[TOW_FRAME_HEADER_MAX];
    size_t length = tow_frame_header_write(written, &header);
    memcpy(answer, written, length);
    header.masked = true;
    fill_binary(header.masking_key, sizeof(header.masking_key), state);
    length = tow_frame_header_write(written, &header);
    memcpy(frame, written, length);
    tow_mask_copy(frame + length, payload, traffic->payload_length, header.masking_key);
}

int tow_traffic_init(tow_traffic *traffic, const tow_traffic_options *options) {
    if (options->payload_length == 0 || options->payload_length > TOW_TRAFFIC_PAYLOAD_MAX)
        return TOW_ERROR_ARGUMENT;
    tow_traffic made = {.framed = options->framed, .payload_length = options->payload_length};
    made.messages = forms_for(options->payload_length);
    made.opcode = options->kind == TOW_TRAFFIC_BINARY ? TOW_OPCODE_BINARY : TOW_OPCODE_TEXT;
    made.answer_header_length = made.framed ? tow_frame_header_length(made.payload_length, false) : 0;
    made.answer_length = made.answer_header_length + made.payload_length;
    made.frame_length =
        made.payload_length + (made.framed ? tow_frame_header_length(made.payload_length, true) : 0);
    made.frames = malloc(made.messages * made.frame_length);
    made.answers = malloc(made.messages * made.answer_length);
    if (made.frames == NULL || made.answers == NULL) {
        tow_traffic_clear(&made);
        return TOW_ERROR_MEMORY;
    }
    uint64_t state = options->seed * 2 + 1;
    for (size_t i = 0; i < made.messages; i++)
        write_message(&made, i, options->kind, &state);
    *traffic = made;
    return 0;
}

void tow_traffic_clear(tow_traffic *traffic) {
    free(traffic->frames);
    free(traffic->answers);
    traffic->frames = NULL;
    traffic->answers = NULL;
}

const uint8_t *tow_traffic_payload(const tow_traffic *traffic, uint64_t number) {
    return traffic->answers + number % traffic->messages * traffic->answer_length +
           traffic->answer_header_length;
}
