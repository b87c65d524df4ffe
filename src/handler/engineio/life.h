/* life: what becomes of a session of Engine.IO: who has come back to it, what breaks it off, and its end. */
#ifndef TOW_HANDLER_ENGINEIO_LIFE_H
#define TOW_HANDLER_ENGINEIO_LIFE_H

#include "session.h"

tow_engineio_part *tow_engineio_part_of(const tow_engineio_session *session);

/* Somebody has come back to it. */
void tow_engineio_session_met(tow_engineio_session *session);

/* The WebSocket that it is over; NULL: none. */
void tow_engineio_set_link(tow_engineio_session *session, tow_engineio_link *link);

/* Reads from it, unless the socket is paused, or a post is told first. */
void tow_engineio_pause_link(tow_engineio_session *session);

/* From now on nothing is said to the client any more, or heard of it; the socket is told in a later round.
 * Without an error (0) the client has gone away, or all is said. */
void tow_engineio_end(tow_engineio_session *session, int error);

/* Breaks it off: what the client did is against the protocol, or it did not what it had to. */
void tow_engineio_break(tow_engineio_session *session, tow_cause cause, int error);

/* The first of these. */
void tow_engineio_violated(tow_engineio_session *session);

/* The client's Close. */
void tow_engineio_hear_close(tow_engineio_session *session, uint16_t code, const char *reason, size_t length);

/* Our Close is that of a server which takes no connections any more: the client can not answer it by a post.
 */
bool tow_engineio_is_drained(const tow_engineio_session *session);

/* In that later round. */
void tow_engineio_gone(tow_engineio_session *session);

/* Frees one that has no socket. */
void tow_engineio_destroy(tow_engineio_session *session);

#endif
