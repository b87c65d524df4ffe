/* receiver: turns received bytes into events, frame by frame, for both roles (RFC 6455, sections 5 to 7).
 *
 * The caller reads bytes, then calls tow_receiver_next until it answers NOTHING or FAILED. The bytes are
 * unmasked and (uncompressed text) checked in place, each once; events point into them, so nothing is copied
 * or allocated for what came in one read. Only a header or a control frame that is cut by the end of a read
 * is kept, and the length of a fragmented message, in memory that lives until they are complete. Events,
 * rules and the calls are declared for everybody in towline/protocol.h; a connection embeds the struct.
 *
 *     tow_received event;
 *     while (tow_receiver_next(&receiver, &rules, &bytes, &length, &event) > TOW_RECEIVED_NOTHING)
 *         dispatch(&event);
 */
#ifndef TOW_PROTOCOL_RECEIVER_H
#define TOW_PROTOCOL_RECEIVER_H

#include "protocol/mask.h"

#include <towline/protocol.h>

struct tow_receiver_partial;

struct tow_receiver {
    struct tow_receiver_partial *partial; /* a cut header or control frame, else NULL */
    uint64_t remaining;                   /* payload of the data frame under way that is still to come */
    uint8_t masking_key[4];               /* rotated so that byte 0 is for the next byte */
    tow_utf8_state utf8;
    uint8_t state;  /* bits: private to receiver.c */
    uint16_t spare; /* left to whoever embeds the receiver */
};                  /* plus the message's length so far, in `partial` */

/* The type of the message under way, and whether it is compressed; nothing else is set. */
tow_received tow_receiver_under_way(const tow_receiver *receiver);

/* A zeroed receiver is a fresh one. Clear frees what it keeps and may be called twice. */
void tow_receiver_clear(tow_receiver *receiver);

#endif
