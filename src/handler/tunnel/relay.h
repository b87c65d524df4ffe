/* relay: two byte streams joined: what comes from one is written to the other, and the end of one is the end
 * for the other.
 *
 * A side that takes nothing stops the reading of the other: what waits is never more than one delivery. Both
 * are closed when both have ended, or when one fails; the owner is told. */
#ifndef TOW_HANDLER_TUNNEL_RELAY_H
#define TOW_HANDLER_TUNNEL_RELAY_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <towline/stream.h>

typedef struct tow_relay tow_relay;

typedef enum tow_relay_side { TOW_RELAY_CLIENT, TOW_RELAY_TARGET, TOW_RELAY_SIDES } tow_relay_side;

typedef struct tow_relay_events {
    /* The target takes bytes for the first time; may be NULL. */
    void (*on_connected)(tow_relay *relay);
    /* All that a side has sent is with the other, which is about to hear of its end. May be NULL; may have it
     * fail instead (tow_relay_fail). */
    void (*on_end)(tow_relay *relay, tow_relay_side side);
    /* One side failed; the other is about to be reset. The owner may close it in a better way. */
    void (*on_failed)(tow_relay *relay, tow_relay_side side, int error, const char *text);
    /* Both are gone, and so may be the relay. */
    void (*on_done)(tow_relay *relay);
} tow_relay_events;

typedef struct tow_relay_end {
    tow_relay *relay;
    tow_byte_stream *stream; /* NULL: not yet, or not any more */
    tow_buffer waiting;      /* to be written to it */
    uint64_t received;       /* bytes */
    bool ended;              /* it sends nothing any more */
    bool shut;               /* nothing is written to it any more */
} tow_relay_end;

struct tow_relay { /* embedded; private but `ends[].received` and `ends[].stream` */
    const tow_relay_events *events;
    tow_relay_end ends[TOW_RELAY_SIDES];
    bool connected;
    bool failed;
};

void tow_relay_init(tow_relay *relay, const tow_relay_events *events);

/* The options with which a side's stream is to be made; other fields may be set besides. A stream that is
 * closed before it comes to a relay has no user (NULL) then. */
tow_byte_stream_options tow_relay_options(tow_relay *relay, tow_relay_side side);

/* Gives it the stream that was made so. The target's may come later: what the client sends waits until then.
 */
void tow_relay_set(tow_relay *relay, tow_relay_side side, tow_byte_stream *stream);

/* A target that came later is there, and takes bytes. */
void tow_relay_start(tow_relay *relay);

/* Before everything else that is written to a side. Errors: MEMORY. */
int tow_relay_prepend(tow_relay *relay, tow_relay_side side, const void *bytes, size_t length);

/* In on_end of that side: it has ended altogether, and takes nothing any more either. So both are closed. */
void tow_relay_end_both(tow_relay *relay, tow_relay_side side);

/* Ends both as if the side had failed. on_done follows, in this call when there is no stream at all. */
void tow_relay_fail(tow_relay *relay, tow_relay_side side, int error, const char *text);

#endif
