/* A peer's bytes received whole, cut by sizes from the input, and byte by byte: all must give the same
 * messages, control frames and failure, and what a piece says must fit with the pieces before it. */
#include "base/buffer.h"
#include "fuzz.h"
#include "protocol/close.h"
#include "protocol/receiver.h"

#include <string.h>

enum { CUTS = 8 };

struct listener {
    tow_receiver receiver;
    tow_receiver_rules rules;
    tow_buffer log;
    tow_buffer message;
    uint64_t remaining;
    bool in_message;
};

static void note(struct listener *listener, int what, const void *bytes, size_t length) {
    CHECK(tow_buffer_append_format(&listener->log, "%d %zu ", what, length) == 0);
    CHECK(tow_buffer_append(&listener->log, bytes, length) == 0);
}

static void hear_data(struct listener *listener, const tow_received *event) {
    CHECK(event->first == !listener->in_message);
    CHECK(event->length > 0 || event->first || event->last);
    CHECK(listener->remaining == 0 || event->remaining + event->length == listener->remaining);
    CHECK(!event->last || event->remaining == 0);
    CHECK(event->header_length == 0 || (event->first && event->last));
    listener->remaining = event->remaining;
    listener->in_message = !event->last;
    CHECK(tow_buffer_append(&listener->message, event->data, event->length) == 0);
    CHECK(listener->message.length <= listener->rules.max_message + listener->rules.max_message / 64 + 1024);
    if (!event->last)
        return;
    CHECK(event->compressed || event->type == TOW_OPCODE_BINARY ||
          tow_utf8_valid(listener->message.data, listener->message.length));
    note(listener, event->type + (event->compressed ? 100 : 0), listener->message.data,
        listener->message.length);
    listener->message.length = 0;
}

static void hear_control(struct listener *listener, tow_received_kind kind, const tow_received *event) {
    uint16_t code;
    const char *reason;
    size_t length;
    CHECK(listener->remaining == 0 && event->length <= TOW_CONTROL_PAYLOAD_MAX);
    CHECK(kind != TOW_RECEIVED_CLOSE ||
          tow_close_payload_read(event->data, event->length, &code, &reason, &length) == 0);
    CHECK(tow_buffer_append_format(&listener->log, "@%zu ", listener->message.length) == 0);
    note(listener, (int)kind, event->data, event->length);
}

/* One read; the bytes lie in memory of just that size. */
static void hear(struct listener *listener, const uint8_t *data, size_t length) {
    uint8_t *read = malloc(length == 0 ? 1 : length);
    CHECK(read != NULL);
    if (length > 0)
        memcpy(read, data, length);
    uint8_t *at = read;
    size_t left = length;
    tow_received event;
    tow_received_kind kind;
    while ((kind = tow_receiver_next(&listener->receiver, &listener->rules, &at, &left, &event)) >
           TOW_RECEIVED_NOTHING) {
        CHECK(at + left == read + length);
        if (kind == TOW_RECEIVED_DATA)
            hear_data(listener, &event);
        else
            hear_control(listener, kind, &event);
    }
    if (kind == TOW_RECEIVED_FAILED)
        note(listener, event.error, "", 0);
    CHECK(kind == TOW_RECEIVED_FAILED || left == 0);
    CHECK(tow_receiver_in_message(&listener->receiver) || listener->receiver.partial == NULL ||
          tow_receiver_is_done(&listener->receiver));
    free(read);
}

static struct listener listen_in_pieces(
    tow_receiver_rules rules, const uint8_t *data, size_t size, const uint8_t *cuts) {
    struct listener listener = {.rules = rules};
    size_t cut = 0;
    for (size_t at = 0; at < size; cut++) {
        size_t length = cuts == NULL ? size : 1u + cuts[cut % CUTS];
        length = length < size - at ? length : size - at;
        hear(&listener, data + at, length);
        at += length;
    }
    tow_receiver_clear(&listener.receiver);
    tow_buffer_clear(&listener.message);
    return listener;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t ones[CUTS] = {0};
    static const uint64_t limits[] = {0, 5, 125, 126, 1000, 65536, UINT64_MAX / 2, INT64_MAX};
    if (size < 1 + CUTS)
        return 0;
    tow_receiver_rules rules = {.role = (data[0] & 1) != 0 ? TOW_ROLE_CLIENT : TOW_ROLE_SERVER,
        .compression = (data[0] & 2) != 0,
        .max_message = limits[(data[0] >> 2) & 7]};
    const uint8_t *frames = data + 1 + CUTS;
    size_t length = size - 1 - CUTS;
    struct listener whole = listen_in_pieces(rules, frames, length, NULL);
    struct listener cut = listen_in_pieces(rules, frames, length, data + 1);
    struct listener single = listen_in_pieces(rules, frames, length, ones);
    CHECK(whole.log.length == cut.log.length && whole.log.length == single.log.length);
    CHECK(whole.log.length == 0 || memcmp(whole.log.data, cut.log.data, whole.log.length) == 0);
    CHECK(whole.log.length == 0 || memcmp(whole.log.data, single.log.data, whole.log.length) == 0);
    tow_buffer_clear(&whole.log);
    tow_buffer_clear(&cut.log);
    tow_buffer_clear(&single.log);
    return 0;
}
