#include "protocol/receiver.h"

#include "mask_words.h"
#include "protocol/close.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static_assert(sizeof(tow_receiver) <= 24, "each connection has one");

/* tow_receiver.state: */
enum {
    IN_FRAME = 1,   /* a data frame's header was accepted, and its end was not */
    FINAL = 2,      /* that frame is its message's last one */
    FRAGMENTED = 4, /* the message under way has more than one frame; `partial` holds its length */
    TEXT = 8,
    COMPRESSED = 16,
    BEGUN = 32, /* a piece of the message under way was given out */
    DONE = 64
};

enum { CONTROL_FRAME_MAX = 6 + TOW_CONTROL_PAYLOAD_MAX };

/* What only few connections need, and those for a short time. */
struct tow_receiver_partial {
    uint64_t message_length; /* of the fragmented message under way: all that its headers have claimed */
    uint8_t length;          /* how many bytes of a cut header or control frame are kept */
    uint8_t bytes[CONTROL_FRAME_MAX];
};

/* One call of tow_receiver_next. */
struct call {
    tow_receiver *receiver;
    const tow_receiver_rules *rules;
    uint8_t *bytes;
    size_t length;
    tow_received *event;
};

static void advance(struct call *call, size_t count) {
    call->bytes += count;
    call->length -= count;
}

static tow_received_kind drop(struct call *call) {
    advance(call, call->length);
    return TOW_RECEIVED_NOTHING;
}

static void finish(tow_receiver *receiver) {
    receiver->state = DONE;
    receiver->remaining = 0;
    if (receiver->partial != NULL)
        receiver->partial->length = 0;
}

static tow_received_kind fail(struct call *call, int error) {
    finish(call->receiver);
    drop(call);
    *call->event = (tow_received){.error = error};
    return TOW_RECEIVED_FAILED;
}

/* Frees `partial` when nothing is kept in it any more. */
static void release_partial(tow_receiver *receiver) {
    if (receiver->partial == NULL || receiver->partial->length > 0 || (receiver->state & FRAGMENTED) != 0)
        return;
    free(receiver->partial);
    receiver->partial = NULL;
}

static int need_partial(tow_receiver *receiver) {
    if (receiver->partial == NULL)
        receiver->partial = calloc(1, sizeof(*receiver->partial));
    return receiver->partial == NULL ? TOW_ERROR_MEMORY : 0;
}

/* The rules. */

static int reserved_bits_check(const struct call *call, const tow_frame_header *header) {
    bool begins_message = header->opcode == TOW_OPCODE_TEXT || header->opcode == TOW_OPCODE_BINARY;
    uint8_t defined = call->rules->compression && begins_message ? TOW_RSV1 : 0;  /* RFC 7692, section 6 */
    return (header->reserved_bits & ~defined) != 0 ? TOW_ERROR_RESERVED_BITS : 0; /* RFC 6455, section 5.2 */
}

/* RFC 6455, section 5.2: opcodes 3 to 7 and 11 to 15 are reserved. */
static int opcode_check(const tow_frame_header *header) {
    return (header->opcode & 7) > 2 ? TOW_ERROR_RESERVED_OPCODE : 0;
}

/* RFC 6455, section 5.1: a client masks all frames, a server none. */
static int masking_check(const struct call *call, const tow_frame_header *header) {
    if (call->rules->role == TOW_ROLE_SERVER)
        return header->masked ? 0 : TOW_ERROR_NOT_MASKED;
    return header->masked ? TOW_ERROR_MASKED : 0;
}

/* RFC 6455, section 5.5. */
static int control_frame_check(const tow_frame_header *header) {
    if (!header->final)
        return TOW_ERROR_CONTROL_FRAGMENTED;
    return header->payload_length > TOW_CONTROL_PAYLOAD_MAX ? TOW_ERROR_CONTROL_TOO_LONG : 0;
}

/* RFC 6455, section 5.4. */
static int fragment_order_check(const struct call *call, const tow_frame_header *header) {
    bool fragmented = (call->receiver->state & FRAGMENTED) != 0;
    if (header->opcode == TOW_OPCODE_CONTINUATION)
        return fragmented ? 0 : TOW_ERROR_CONTINUATION_UNEXPECTED;
    return fragmented ? TOW_ERROR_CONTINUATION_EXPECTED : 0;
}

/* How long a message may be on the wire: compressed, bytes that do not shrink grow a little. */
static uint64_t wire_limit(uint64_t max_message, bool compressed) {
    uint64_t more = compressed ? max_message / 64 + 1024 : 0;
    return max_message > UINT64_MAX - more ? UINT64_MAX : max_message + more;
}

/* RFC 6455, section 10.4: the sum of what the message's headers claim is bounded. */
static int message_length_check(const struct call *call, const tow_frame_header *header) {
    bool continued = header->opcode == TOW_OPCODE_CONTINUATION;
    bool compressed =
        continued ? (call->receiver->state & COMPRESSED) != 0 : (header->reserved_bits & TOW_RSV1) != 0;
    uint64_t before = continued ? call->receiver->partial->message_length : 0;
    uint64_t limit = wire_limit(call->rules->max_message, compressed);
    return header->payload_length > limit - before ? TOW_ERROR_MESSAGE_TOO_LARGE : 0;
}

static int data_frame_check(const struct call *call, const tow_frame_header *header) {
    int error = fragment_order_check(call, header);
    return error != 0 ? error : message_length_check(call, header);
}

static int frame_header_check(const struct call *call, const tow_frame_header *header) {
    int error = reserved_bits_check(call, header);
    if (error == 0)
        error = opcode_check(header);
    if (error == 0)
        error = masking_check(call, header);
    if (error != 0)
        return error;
    return tow_opcode_is_control(header->opcode) ? control_frame_check(header)
                                                 : data_frame_check(call, header);
}

/* RFC 6455, sections 5.5.1 and 7.4. */
static int close_payload_check(const uint8_t *payload, size_t length) {
    uint16_t code;
    const char *reason;
    size_t reason_length;
    return tow_close_payload_read(payload, length, &code, &reason, &reason_length);
}

/* RFC 6455, section 8.1: a text must not end inside a character. */
static int text_end_check(const tow_receiver *receiver) {
    return receiver->utf8 == 0 ? 0 : TOW_ERROR_UTF8;
}

/* Data frames. */

static uint8_t type_of(uint8_t state) {
    return (state & TEXT) != 0 ? TOW_OPCODE_TEXT : TOW_OPCODE_BINARY;
}

/* Unmasks a piece of the data frame under way, and checks it if it is text that can be checked. */
static int take_payload(const struct call *call, uint8_t *bytes, size_t length) {
    tow_receiver *receiver = call->receiver;
    bool masked = call->rules->role == TOW_ROLE_SERVER;
    if ((receiver->state & (TEXT | COMPRESSED)) != TEXT) {
        if (masked)
            tow_mask(bytes, length, receiver->masking_key, 0);
        return 0;
    }
    bool valid = masked ? tow_unmask_utf8(bytes, length, receiver->masking_key, 0, &receiver->utf8)
                        : tow_utf8_check(&receiver->utf8, bytes, length);
    return valid ? 0 : TOW_ERROR_UTF8;
}

static void rotate_masking_key(tow_receiver *receiver, size_t count) {
    uint64_t word = tow_mask_word(receiver->masking_key, count);
    memcpy(receiver->masking_key, &word, sizeof(receiver->masking_key));
}

/* The state after a piece: the frame may have ended, and the message with it. */
static void piece_given_out(tow_receiver *receiver, bool last) {
    if (last) {
        receiver->state = 0;
        return;
    }
    receiver->state |= BEGUN;
    if (receiver->remaining == 0)
        receiver->state &= (uint8_t)~IN_FRAME;
}

/* Gives out what there is of the data frame under way. `header_length` is 0 if its header does not lie before
 * it. */
static tow_received_kind next_piece(struct call *call, uint8_t header_length) {
    tow_receiver *receiver = call->receiver;
    uint8_t *data = call->bytes;
    size_t length = call->length < receiver->remaining ? call->length : (size_t)receiver->remaining;
    if (length == 0 && receiver->remaining > 0)
        return TOW_RECEIVED_NOTHING;
    int error = take_payload(call, data, length);
    if (error != 0)
        return fail(call, error);
    advance(call, length);
    rotate_masking_key(receiver, length);
    receiver->remaining -= length;
    bool first = (receiver->state & BEGUN) == 0;
    bool last = receiver->remaining == 0 && (receiver->state & FINAL) != 0;
    error = last ? text_end_check(receiver) : 0;
    if (error != 0)
        return fail(call, error);
    *call->event = (tow_received){.data = data,
        .length = length,
        .remaining = receiver->remaining,
        .type = type_of(receiver->state),
        .first = first,
        .last = last,
        .compressed = (receiver->state & COMPRESSED) != 0,
        .header_length = first && last ? header_length : 0};
    piece_given_out(receiver, last);
    return length == 0 && !first && !last ? TOW_RECEIVED_NOTHING : TOW_RECEIVED_DATA;
}

static void begin_message(tow_receiver *receiver, const tow_frame_header *header) {
    assert(receiver->utf8 == 0);
    receiver->state = 0;
    if (header->opcode == TOW_OPCODE_TEXT)
        receiver->state |= TEXT;
    if ((header->reserved_bits & TOW_RSV1) != 0)
        receiver->state |= COMPRESSED;
}

/* Remembers that the message goes on after this frame, and how long it is so far. */
static int count_fragment(tow_receiver *receiver, const tow_frame_header *header) {
    if (header->final && (receiver->state & FRAGMENTED) == 0)
        return 0;
    int error = need_partial(receiver);
    if (error != 0)
        return error;
    if ((receiver->state & FRAGMENTED) == 0)
        receiver->partial->message_length = 0;
    receiver->partial->message_length += header->payload_length;
    receiver->state |= FRAGMENTED;
    return 0;
}

static tow_received_kind begin_data_frame(
    struct call *call, const tow_frame_header *header, uint8_t header_length) {
    tow_receiver *receiver = call->receiver;
    if (header->opcode != TOW_OPCODE_CONTINUATION)
        begin_message(receiver, header);
    int error = count_fragment(receiver, header);
    if (error != 0)
        return fail(call, error);
    receiver->state |= header->final ? IN_FRAME | FINAL : IN_FRAME;
    receiver->remaining = header->payload_length;
    memcpy(receiver->masking_key, header->masking_key, sizeof(receiver->masking_key));
    return next_piece(call, header_length);
}

/* Control frames. */

static tow_received_kind control_kind(uint8_t opcode) {
    if (opcode == TOW_OPCODE_CLOSE)
        return TOW_RECEIVED_CLOSE;
    return opcode == TOW_OPCODE_PING ? TOW_RECEIVED_PING : TOW_RECEIVED_PONG;
}

/* Gives out a control frame that is all there. */
static tow_received_kind control_frame(struct call *call, const tow_frame_header *header, uint8_t *payload) {
    size_t length = (size_t)header->payload_length;
    if (header->masked)
        tow_mask(payload, length, header->masking_key, 0);
    if (header->opcode == TOW_OPCODE_CLOSE) {
        int error = close_payload_check(payload, length);
        if (error != 0)
            return fail(call, error);
        finish(call->receiver);
    }
    *call->event = (tow_received){.data = payload, .length = length};
    return control_kind(header->opcode);
}

/* Frames. */

/* The bytes end inside a header or a control frame: keeps them. */
static tow_received_kind keep_rest(struct call *call) {
    int error = need_partial(call->receiver);
    if (error != 0)
        return fail(call, error);
    struct tow_receiver_partial *partial = call->receiver->partial;
    assert(call->length < sizeof(partial->bytes));
    memcpy(partial->bytes, call->bytes, call->length);
    partial->length = (uint8_t)call->length;
    return drop(call);
}

static tow_received_kind next_frame(struct call *call) {
    tow_frame_header header;
    int header_length = tow_frame_header_read(&header, call->bytes, call->length);
    if (header_length == 0)
        return keep_rest(call);
    int error = header_length < 0 ? header_length : frame_header_check(call, &header);
    if (error != 0)
        return fail(call, error);
    if (!tow_opcode_is_control(header.opcode)) {
        advance(call, (size_t)header_length);
        return begin_data_frame(call, &header, (uint8_t)header_length);
    }
    if (call->length - (size_t)header_length < header.payload_length)
        return keep_rest(call);
    uint8_t *payload = call->bytes + header_length;
    advance(call, (size_t)header_length + (size_t)header.payload_length);
    return control_frame(call, &header, payload);
}

/* Moves up to `count` bytes behind the kept ones. */
static void keep_more(struct call *call, size_t count) {
    struct tow_receiver_partial *partial = call->receiver->partial;
    size_t length = count < call->length ? count : call->length;
    assert(partial->length + length <= sizeof(partial->bytes));
    memcpy(partial->bytes + partial->length, call->bytes, length);
    partial->length = (uint8_t)(partial->length + length);
    advance(call, length);
}

/* Reads the header of which a part was kept; 0 if it is still not all there. */
static int read_kept_header(struct call *call, tow_frame_header *header) {
    struct tow_receiver_partial *partial = call->receiver->partial;
    int header_length = tow_frame_header_read(header, partial->bytes, partial->length);
    while (header_length == 0 && call->length > 0) {
        keep_more(call, 1);
        header_length = tow_frame_header_read(header, partial->bytes, partial->length);
    }
    return header_length;
}

static tow_received_kind next_kept_frame(struct call *call) {
    struct tow_receiver_partial *partial = call->receiver->partial;
    tow_frame_header header;
    int header_length = read_kept_header(call, &header);
    if (header_length == 0)
        return TOW_RECEIVED_NOTHING;
    int error = header_length < 0 ? header_length : frame_header_check(call, &header);
    if (error != 0)
        return fail(call, error);
    if (!tow_opcode_is_control(header.opcode)) {
        partial->length = 0;
        return begin_data_frame(call, &header, 0);
    }
    size_t frame_length = (size_t)header_length + (size_t)header.payload_length;
    keep_more(call, frame_length - partial->length);
    if (partial->length < frame_length)
        return TOW_RECEIVED_NOTHING;
    partial->length = 0;
    return control_frame(call, &header, partial->bytes + header_length);
}

static bool frame_is_kept(const tow_receiver *receiver) {
    return receiver->partial != NULL && receiver->partial->length > 0;
}

static tow_received_kind step(struct call *call) {
    if ((call->receiver->state & DONE) != 0)
        return drop(call);
    if ((call->receiver->state & IN_FRAME) != 0)
        return next_piece(call, 0);
    return frame_is_kept(call->receiver) ? next_kept_frame(call) : next_frame(call);
}

/* Whatever there may be, in whatever state. */
static tow_received_kind next_by_rules(struct call *call) {
    tow_received_kind kind = TOW_RECEIVED_NOTHING;
    release_partial(call->receiver);
    while (kind == TOW_RECEIVED_NOTHING && call->length > 0)
        kind = step(call);
    return kind;
}

/* The shortcut: a message in one frame that is all there, not compressed, below 64 KiB. */

enum { SHORT_PAYLOAD = 128 }; /* up to here, calling the vector code costs more than it gains */

/* How long such a frame's header is; 0 if the bytes are anything else. */
static inline size_t whole_message_header(const struct call *call, size_t *payload_length) {
    const uint8_t *bytes = call->bytes;
    bool masked = call->rules->role == TOW_ROLE_SERVER;
    if (call->length < 6 || (bytes[0] != (0x80 | TOW_OPCODE_TEXT) && bytes[0] != (0x80 | TOW_OPCODE_BINARY)))
        return 0;
    size_t length = masked ? bytes[1] ^ 0x80u : bytes[1]; /* above 127 if the mask bit is wrong */
    size_t header_length = masked ? 6 : 2;
    if (length > 126)
        return 0;
    if (length == 126) {
        length = (size_t)bytes[2] << 8 | bytes[3];
        header_length += 2;
        if (length < 126)
            return 0;
    }
    *payload_length = length;
    return length <= call->rules->max_message && header_length + length <= call->length ? header_length : 0;
}

/* Unmasks a message; false if it is to be a text and is not. */
static inline bool unmask_message(uint8_t *payload, size_t length, const uint8_t *key, bool text) {
    tow_utf8_state utf8 = 0;
    if (length <= SHORT_PAYLOAD) {
        uint64_t seen = tow_mask_words(payload, payload, length, tow_mask_word(key, 0));
        return !text || (seen & tow_word_not_ascii) == 0 || tow_utf8_valid(payload, length);
    }
    if (text)
        return tow_unmask_utf8(payload, length, key, 0, &utf8) && utf8 == 0;
    tow_mask(payload, length, key, 0);
    return true;
}

static inline tow_received_kind whole_message(struct call *call, size_t header_length, size_t length) {
    uint8_t *payload = call->bytes + header_length;
    uint8_t type = call->bytes[0] & 0x0f;
    bool text = type == TOW_OPCODE_TEXT;
    bool masked = call->rules->role == TOW_ROLE_SERVER;
    bool valid = masked ? unmask_message(payload, length, payload - 4, text)
                        : !text || tow_utf8_valid(payload, length);
    if (!valid)
        return fail(call, TOW_ERROR_UTF8);
    advance(call, header_length + length);
    *call->event = (tow_received){.data = payload,
        .length = length,
        .type = type,
        .first = true,
        .last = true,
        .header_length = (uint8_t)header_length};
    return TOW_RECEIVED_DATA;
}

static tow_received_kind refuse(tow_received *event) {
    if (event != NULL)
        *event = (tow_received){.error = TOW_ERROR_ARGUMENT};
    return TOW_RECEIVED_FAILED;
}

tow_received_kind tow_receiver_next(tow_receiver *receiver, const tow_receiver_rules *rules, uint8_t **bytes,
    size_t *length, tow_received *event) {
    if (receiver == NULL || rules == NULL || bytes == NULL || length == NULL || event == NULL)
        return refuse(event);
    struct call call = {.receiver = receiver, .rules = rules, .bytes = *bytes, .length = *length};
    call.event = event;
    bool fresh = receiver->state == 0 && receiver->partial == NULL;
    size_t payload_length = 0;
    size_t header_length = fresh ? whole_message_header(&call, &payload_length) : 0;
    tow_received_kind kind =
        header_length != 0 ? whole_message(&call, header_length, payload_length) : next_by_rules(&call);
    *bytes = call.bytes;
    *length = call.length;
    return kind;
}

int tow_receiver_new(tow_receiver **receiver) {
    if (receiver == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_receiver *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    *receiver = made;
    return 0;
}

void tow_receiver_free(tow_receiver *receiver) {
    if (receiver != NULL)
        tow_receiver_clear(receiver);
    free(receiver);
}

void tow_receiver_clear(tow_receiver *receiver) {
    free(receiver->partial);
    *receiver = (tow_receiver){0};
}

bool tow_receiver_in_message(const tow_receiver *receiver) {
    return receiver != NULL && ((receiver->state & (IN_FRAME | FRAGMENTED)) != 0 || frame_is_kept(receiver));
}

tow_received tow_receiver_under_way(const tow_receiver *receiver) {
    return (tow_received){
        .type = type_of(receiver->state), .compressed = (receiver->state & COMPRESSED) != 0};
}

bool tow_receiver_is_done(const tow_receiver *receiver) {
    return receiver == NULL || (receiver->state & DONE) != 0;
}
