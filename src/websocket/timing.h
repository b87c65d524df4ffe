/* timing: the limits of time of an open connection, all on its one timer: silence, slow messages, a peer that
 * takes nothing.
 *
 * The timer is moved lazily: what happens only notes when it happened, and the timer, when it fires, looks at
 * what is really due and is set to the next deadline. */
#ifndef TOW_WEBSOCKET_TIMING_H
#define TOW_WEBSOCKET_TIMING_H

#include "websocket/websocket.h"

/* For the end of what carries the socket, when our side has ended or failed. */
enum { TOW_LINGER_SECONDS = 1 };

/* What of an open connection is due. */
typedef enum tow_due {
    TOW_DUE_NOTHING,
    TOW_DUE_STALL,   /* the peer takes nothing of what waits */
    TOW_DUE_LEFT,    /* what it said before its end was left unread for long */
    TOW_DUE_MESSAGE, /* a message takes too long */
    TOW_DUE_IDLE,    /* the peer is silent, and takes nothing of what is ahead of a Ping, */
    TOW_DUE_PING     /* or has been for a while */
} tow_due;
tow_due tow_timing_due(tow_websocket *socket);

/* Makes sure that the timer fires no later than the next deadline: after a new one has come up. */
void tow_timing_update(tow_websocket *socket);

/* Makes the timer fire in the next round. */
void tow_timing_now(tow_websocket *socket);

/* A closing connection: at `deadline` it is looked at: due.h. */
void tow_timing_close(tow_websocket *socket, int64_t deadline);

/* Bytes came: the peer lives. */
void tow_timing_heard(tow_websocket *socket);

/* The peer has ended its side, and what it said before waits until we read on; not for ever, if it is the
 * application that keeps us from it. Errors: MEMORY. */
int tow_timing_left(tow_websocket *socket);

/* The application has resumed: it has as much time for the rest again. */
void tow_timing_left_anew(tow_websocket *socket);

/* The clocks that run against the peer stand still while we do not read, and go on from where they stood. */
void tow_timing_stop(tow_websocket *socket);
void tow_timing_go_on(tow_websocket *socket);

#endif
