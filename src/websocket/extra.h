/* extra: what only some connections need, allocated when the first of it is needed and freed when nothing of
 * it is. */
#ifndef TOW_WEBSOCKET_EXTRA_H
#define TOW_WEBSOCKET_EXTRA_H

#include "base/buffer.h"
#include "frames/queue.h"
#include "posted.h"
#include "transport/progress.h"
#include "websocket/unfinished.h"
#include "websocket/websocket.h"

struct tow_deflater;
struct tow_inflater;

typedef struct tow_websocket_extra {
    tow_queue queue;
    tow_progress progress; /* of the queue, since it began; of a closing connection, since its last step */
    size_t ahead;          /* of a Ping: bytes that the peer had not taken when it was looked last */
    uint64_t dropped;      /* messages: see tow_overflow */
    int64_t discarded;     /* application data that never will be sent: it stays in the buffered amount */
    uint8_t
        *pong; /* the latest Pong that waits for the queue to shrink: its length and its payload; or NULL */

    tow_buffer
        assembly; /* the pieces so far of a message that did not come at once; compressed ones as they are */
    size_t assembly_offset; /* where the message begins in it: a header may lie before */
    int64_t left;           /* when the peer had ended what we do not read, 0: it has not; see timing.c */
    int64_t message_began;  /* when the message under way began, 0: none; while reading is paused, how long it
                               had taken by then */
    uint64_t message_bytes; /* of it that have come */
    tow_unfinished_part unfinished;
    tow_buffer kept;    /* received while delivery was paused */
    size_t kept_offset; /* what of it was delivered */

    struct tow_deflater *deflater; /* with context takeover only */
    struct tow_inflater *inflater;

    struct tow_piecewise *piecewise; /* a compressed message that is delivered in pieces, or NULL */

    char *protocol;      /* the subprotocol in use, where it is none of the context's, or NULL */
    char *close_reason;  /* of the peer's Close, or NULL */
    char *our_reason;    /* of the application's, where tallies are kept, or NULL */
    char *failure;       /* why the stream failed, where the code alone does not say it, or NULL */
    tow_posted posted;   /* messages that wait for the end of one that is being sent in pieces */
    tow_buffer gathered; /* of that one, where a carrier takes whole messages */
    uint8_t piece_type;  /* of the message that is being sent in pieces */
    uint8_t piece_utf8;  /* where the check of its text stands: tow_utf8_state */
    uint32_t references; /* by tow_websocket_retain */
    bool outlives;     /* the owner's `gone` has been called, and the socket is there for those references */
    uint16_t our_code; /* of the application's Close, where tallies are kept, else 0 */
    uint16_t peer_end; /* the code of the peer's Close while it waits for our answer, else 0 */
} tow_websocket_extra;

/* Makes the extra if there is none. NULL when out of memory (counted). */
tow_websocket_extra *tow_extra_need(tow_websocket *socket);

/* Counts application data that was neither sent nor queued and never will be. */
void tow_extra_discard(tow_websocket *socket, size_t length);

/* A copy of a text, ended by a zero; NULL when out of memory. */
char *tow_extra_text(const char *text, size_t length);

/* Frees the extra if nothing is in it. Not while a message is delivered from it; a connection that is not
 * open any more keeps it to its end. */
void tow_extra_release(tow_websocket *socket);

/* Frees what was received and kept. */
void tow_extra_clear_kept(tow_websocket *socket);

#endif
