/* towline/protocol.h: RFC 6455 as functions over bytes, for programs that bring their own transport.
 *
 * Nothing here reads, writes, waits or asks for the time. Whoever has a tow_websocket needs none of it: this
 * is what one is made of. There are four parts: the opening handshake's two texts, frames, closing, and a
 * receiver that turns bytes into whole events by all rules of the standard. HTTP is the caller's, and so is
 * permessage- deflate (RFC 7692) where it is wanted. Any thread; one object is for one thread at a time.
 *
 *     while ((kind = tow_receiver_next(receiver, &rules, &bytes, &length, &event)) > TOW_RECEIVED_NOTHING)
 *         if (kind == TOW_RECEIVED_PING) answer(TOW_OPCODE_PONG, event.data, event.length);
 *     if (kind == TOW_RECEIVED_FAILED) close_with(tow_close_code_for_error(event.error));
 */
#ifndef TOWLINE_PROTOCOL_H
#define TOWLINE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which end of the connection this is: a client's frames are masked, a server's are not. */
typedef enum tow_role { TOW_ROLE_SERVER, TOW_ROLE_CLIENT } tow_role;

/* -- The opening handshake (RFC 6455, section 4): the texts that the two ends prove themselves by. --
 *
 *     char accept[TOW_ACCEPT_LENGTH + 1];
 *     if (strlen(key) == TOW_KEY_LENGTH && tow_opening_accept(accept, key) == 0)
 *         printf("HTTP/1.1 101 Switching Protocols\r\n...Sec-WebSocket-Accept: %s\r\n\r\n", accept);
 */
enum { TOW_KEY_LENGTH = 24, TOW_ACCEPT_LENGTH = 28 };

/* Writes the value of Sec-WebSocket-Key for 16 random bytes, fresh ones for each connection; ends with a
 * zero. Section 4.1, item 7. */
void tow_opening_key(char out[TOW_KEY_LENGTH + 1], const uint8_t nonce[16]);

/* Writes the value of Sec-WebSocket-Accept for a key of 24 characters; ends with a zero. Errors: MEMORY.
 * Section 4.2.2, item 5.4. */
int tow_opening_accept(char out[TOW_ACCEPT_LENGTH + 1], const char key[TOW_KEY_LENGTH]);

/* -- Frames (section 5.2): a header read and written, a payload masked. What is allowed when is not looked
 * at: the receiver does that. --
 *
 *     tow_frame_header header = {.opcode = TOW_OPCODE_TEXT, .final = true, .payload_length = length};
 *     size_t header_length = tow_frame_header_write(out, &header);
 *     memcpy(out + header_length, text, length);
 */
typedef enum tow_opcode {
    TOW_OPCODE_CONTINUATION = 0,
    TOW_OPCODE_TEXT = 1,
    TOW_OPCODE_BINARY = 2,
    TOW_OPCODE_CLOSE = 8,
    TOW_OPCODE_PING = 9,
    TOW_OPCODE_PONG = 10
} tow_opcode;

enum {
    TOW_FRAME_HEADER_MAX = 14,     /* bytes */
    TOW_CONTROL_PAYLOAD_MAX = 125, /* bytes; section 5.5 */
    TOW_CLOSE_REASON_MAX = 123,    /* bytes; section 5.5.1 */
    TOW_RSV1 = 4,                  /* in tow_frame_header.reserved_bits */
    TOW_RSV2 = 2,
    TOW_RSV3 = 1
};

typedef struct tow_frame_header {
    uint64_t payload_length; /* bytes, below 2^63 */
    uint8_t opcode;          /* any of the 16 */
    uint8_t reserved_bits;
    bool final;
    bool masked;
    uint8_t masking_key[4]; /* where `masked` */
} tow_frame_header;

/* Reads a header from the front of `bytes`. Returns its length in bytes (2 to 14), 0 when there are too few
 * bytes to know, LENGTH_NOT_MINIMAL or LENGTH_TOO_LARGE. */
int tow_frame_header_read(tow_frame_header *header, const uint8_t *bytes, size_t length);

/* Writes a header; returns its length in bytes, 2 to 14. */
size_t tow_frame_header_write(uint8_t out[TOW_FRAME_HEADER_MAX], const tow_frame_header *header);

/* How long tow_frame_header_write's result is for this payload. */
size_t tow_frame_header_length(uint64_t payload_length, bool masked);

/* Opcodes with the highest bit set are those of control frames (section 5.5). */
static inline bool tow_opcode_is_control(uint8_t opcode) {
    return opcode >= 8;
}

/* Masks or unmasks in place (section 5.3). `phase` is how many bytes of the payload came before: byte i meets
 * key[(phase + i) % 4]. Clients need a fresh, unpredictable key for each frame. */
void tow_mask(uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase);

/* Copies masked, from phase 0. `to` and `from` do not overlap. */
void tow_mask_copy(uint8_t *to, const uint8_t *from, size_t length, const uint8_t key[4]);

/* Where a check of UTF-8 stands between two pieces of a text: 0 at its beginning and at each border of two
 * characters. Plain data. */
typedef uint8_t tow_utf8_state;

/* Goes on with a check (section 8.1). Returns false at the first byte that no valid text can have at its
 * place (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF); the state is then not usable
 * any more. A text is whole when the state is 0 after its last piece. */
bool tow_utf8_check(tow_utf8_state *state, const uint8_t *bytes, size_t length);

/* A whole text. */
static inline bool tow_utf8_valid(const void *bytes, size_t length) {
    tow_utf8_state state = 0;
    return tow_utf8_check(&state, (const uint8_t *)bytes, length) && state == 0;
}

/* -- Closing (sections 5.5.1 and 7.4): status codes, and the payload of a Close frame. --
 *
 *     uint8_t payload[TOW_CONTROL_PAYLOAD_MAX];
 *     size_t length = tow_close_payload_write(payload, TOW_CLOSE_GOING_AWAY, "bye", 3);
 */
enum {
    TOW_CLOSE_NORMAL = 1000,
    TOW_CLOSE_GOING_AWAY = 1001,
    TOW_CLOSE_PROTOCOL_ERROR = 1002,
    TOW_CLOSE_UNSUPPORTED_DATA = 1003,
    TOW_CLOSE_NO_STATUS = 1005, /* never on the wire */
    TOW_CLOSE_ABNORMAL = 1006,  /* never on the wire */
    TOW_CLOSE_INVALID_PAYLOAD = 1007,
    TOW_CLOSE_POLICY = 1008,
    TOW_CLOSE_TOO_LARGE = 1009,
    TOW_CLOSE_MANDATORY_EXTENSION = 1010,
    TOW_CLOSE_INTERNAL_ERROR = 1011,
    TOW_CLOSE_TRY_AGAIN_LATER = 1013
};

/* Whether a status code may stand in a Close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
bool tow_close_code_is_legal(unsigned code);

/* Reads a Close frame's payload. An empty one gives 1005. `reason` points into the payload, without a zero at
 * its end. Errors: CLOSE_LENGTH, CLOSE_CODE, UTF8. */
int tow_close_payload_read(
    const uint8_t *payload, size_t length, uint16_t *code, const char **reason, size_t *reason_length);

/* Writes a payload and returns its length in bytes; code 0 or 1005 gives an empty one. The reason is cut at
 * 123 bytes, at a character's border; it may be NULL when its length is 0. */
size_t tow_close_payload_write(
    uint8_t out[TOW_CONTROL_PAYLOAD_MAX], uint16_t code, const char *reason, size_t reason_length);

/* The status code with which to fail a connection after an error of the receiver: 1002, 1007 (UTF8,
 * COMPRESSED_DATA), 1009 (MESSAGE_TOO_LARGE) or 1011 (MEMORY). */
uint16_t tow_close_code_for_error(int error);

/* -- The receiver (sections 5 to 7): bytes in as they come, events out, all rules checked. --
 *
 * The caller reads bytes, as many as there happen to be, and calls tow_receiver_next until it answers NOTHING
 * or FAILED. The bytes are unmasked, and text is checked, in place; events point into them. A message that
 * came in several frames, or in several reads, is given out piece by piece and is never collected here. Only
 * a frame header or a control frame that is cut by the end of a read is kept, at most 131 bytes a receiver.
 */
typedef struct tow_receiver tow_receiver;

/* What holds for a connection; the same in all calls with one receiver. */
typedef struct tow_receiver_rules {
    tow_role role;        /* ours: a server's receiver wants masked frames */
    bool compression;     /* permessage-deflate was negotiated: RSV1 may be set on a message's first frame */
    uint64_t max_message; /* bytes; more fails at the header that claims them. For a compressed message the
                             receiver bounds what is on the wire by this plus 1/64 plus 1 KiB; whoever
                             inflates bounds the rest */
} tow_receiver_rules;

typedef enum tow_received_kind {
    TOW_RECEIVED_FAILED = -1, /* event->error says why; the receiver takes nothing more */
    TOW_RECEIVED_NOTHING = 0, /* the bytes are used up */
    TOW_RECEIVED_DATA,        /* a piece of a message: all of it when both `first` and `last` */
    TOW_RECEIVED_PING,
    TOW_RECEIVED_PONG,
    TOW_RECEIVED_CLOSE /* its payload is valid; nothing is received after it: more bytes are dropped */
} tow_received_kind;

typedef struct tow_received {
    uint8_t *data; /* the piece, or the control frame's payload; in the caller's bytes or the receiver's own
                      memory, valid until the next call; may be changed */
    size_t length;
    uint64_t remaining;    /* DATA: bytes of the current frame that are still to come */
    int error;             /* FAILED: a tow_error, else 0 */
    uint8_t type;          /* DATA: TOW_OPCODE_TEXT or TOW_OPCODE_BINARY */
    bool first;            /* DATA: the message begins here */
    bool last;             /* DATA: the message ends here */
    bool compressed;       /* DATA: the message has RSV1 set, and was not checked for UTF-8 */
    uint8_t header_length; /* DATA with first and last in one frame: the frame's header lies in the caller's
                              bytes that many bytes before data; else 0 */
} tow_received;

/* Makes a receiver, the caller's until tow_receiver_free. Errors: MEMORY. */
int tow_receiver_new(tow_receiver **receiver);

/* NULL is allowed. */
void tow_receiver_free(tow_receiver *receiver);

/* Takes from the front of *bytes (of *length) what the next event needs, and advances both. The bytes must be
 * writable, and stay where they are for as long as the event is looked at. Errors come as FAILED with
 * event->error: RESERVED_BITS to CLOSE_CODE, UTF8, MESSAGE_TOO_LARGE, MEMORY. What was complete before a
 * violation has been given out before. */
tow_received_kind tow_receiver_next(tow_receiver *receiver, const tow_receiver_rules *rules, uint8_t **bytes,
    size_t *length, tow_received *event);

/* Whether a message, or a frame of any kind, has begun and not ended: for a limit of time on it. */
bool tow_receiver_in_message(const tow_receiver *receiver);

/* Whether a Close was received or the receiver failed. */
bool tow_receiver_is_done(const tow_receiver *receiver);

#ifdef __cplusplus
}
#endif

#endif
