/* receiver: turns received bytes into events, frame by frame, for both roles (RFC 6455, sections 5 to 7).
 *
 * The caller reads bytes, then calls tow_receiver_next until it answers NOTHING or FAILED. The bytes are
 * unmasked and (uncompressed text) checked in place, each once; events point into them, so nothing is copied
 * or allocated for what came in one read. Only a header or a control frame that is cut by the end of a read
 * is kept, and the length of a fragmented message, in memory that lives until they are complete.
 *
 *     tow_received event;
 *     while (tow_receiver_next(&receiver, &rules, &bytes, &length, &event) > TOW_RECEIVED_NOTHING)
 *         dispatch(&event);
 */
#ifndef TOW_PROTOCOL_RECEIVER_H
#define TOW_PROTOCOL_RECEIVER_H

#include "protocol/frame.h"
#include "protocol/mask.h"

/* What all connections of one behaviour share; the same in all calls for one connection. */
typedef struct tow_receiver_rules {
    tow_role role;        /* ours: a server's receiver wants masked frames */
    bool compression;     /* permessage-deflate was negotiated: RSV1 may be set on a message's first frame */
    uint64_t max_message; /* bytes; more fails at the header that claims them. For a compressed message the
                             receiver bounds what is on the wire by this plus 1/64 plus 1 KiB; the inflater
                             bounds the rest */
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
                      memory, valid until the next call */
    size_t length;
    uint64_t remaining; /* DATA: bytes of the current frame that are still to come */
    int error;
    uint8_t type;          /* DATA: TOW_OPCODE_TEXT or TOW_OPCODE_BINARY */
    bool first;            /* DATA: the message begins here */
    bool last;             /* DATA: the message ends here */
    bool compressed;       /* DATA: the message has RSV1 set, and was not checked for UTF-8 */
    uint8_t header_length; /* DATA with first and last in one frame: the frame's header lies in the caller's
                              bytes that many bytes before data; else 0 */
} tow_received;

struct tow_receiver_partial;

typedef struct tow_receiver {
    struct tow_receiver_partial *partial; /* a cut header or control frame, else NULL */
    uint64_t remaining;                   /* payload of the data frame under way that is still to come */
    uint8_t masking_key[4];               /* rotated so that byte 0 is for the next byte */
    tow_utf8_state utf8;
    uint8_t state; /* bits: private to receiver.c */
    uint16_t spare;
} tow_receiver; /* plus the message's length so far, in `partial` */

/* A zeroed receiver is a fresh one. Clear frees what it keeps and may be called twice. */
void tow_receiver_clear(tow_receiver *receiver);

/* Takes from the front of *bytes (of *length) what the next event needs, and advances both. Errors come as
 * FAILED with event->error: any of the RFC 6455 errors, UTF8, MESSAGE_TOO_LARGE, MEMORY. What was complete
 * before a violation has been given out before. */
tow_received_kind tow_receiver_next(tow_receiver *receiver, const tow_receiver_rules *rules, uint8_t **bytes,
    size_t *length, tow_received *event);

/* Whether a message, or a frame of any kind, has begun and not ended (for message-seconds, "first byte to
 * last"). */
bool tow_receiver_in_message(const tow_receiver *receiver);

/* Whether a Close was received or the receiver failed. */
bool tow_receiver_is_done(const tow_receiver *receiver);

#endif
