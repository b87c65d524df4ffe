/* timing: the limits of time of an open connection, all on its one timer: silence, slow messages, a peer that
 * takes nothing.
 *
 * The timer is moved lazily: what happens only notes when it happened, and the timer, when it fires, looks at
 * what is really due and is set to the next deadline. */
#ifndef TOW_WEBSOCKET_TIMING_H
#define TOW_WEBSOCKET_TIMING_H

#include "websocket/websocket.h"

/* Makes sure that the timer fires no later than the next deadline: after a new one has come up. */
void tow_timing_update(tow_websocket *socket);

/* Makes the timer fire in the next round. */
void tow_timing_now(tow_websocket *socket);

/* A closing connection: at `deadline` comes tow_closing_timed_out. */
void tow_timing_close(tow_websocket *socket, int64_t deadline);

/* Bytes came: the peer lives. */
void tow_timing_heard(tow_websocket *socket);

/* The peer has ended its side, and what it said before waits until we read on; not for ever, if it is the
 * application that keeps us from it. */
void tow_timing_left(tow_websocket *socket);

/* The application has resumed: it has as much time for the rest again. */
void tow_timing_left_anew(tow_websocket *socket);

/* The clocks that run against the peer stand still while we do not read, and go on from where they stood. */
void tow_timing_stop(tow_websocket *socket);
void tow_timing_go_on(tow_websocket *socket);

#endif
