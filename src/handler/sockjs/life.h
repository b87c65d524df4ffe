/* life: what becomes of a session of SockJS: who has come to it, what breaks it off, and its end. */
#ifndef TOW_HANDLER_SOCKJS_LIFE_H
#define TOW_HANDLER_SOCKJS_LIFE_H

#include "session.h"

#define TOW_SOCKJS_FRAME_TYPE "application/javascript; charset=UTF-8"

enum { TOW_SOCKJS_LINGER = 5000 /* milliseconds without a receiver */ };

void tow_sockjs_answer(tow_session_visit *visit, int status, const char *type, const char *body);

/* Who receives: a request or a WebSocket, or NULL. */
void tow_sockjs_set_receiver(tow_sockjs_session *session, tow_session_visit *receiver, tow_websocket *wire);

/* Its first request is over, and nobody else has come: who begins many of such ends the oldest. And somebody
 * has. */
void tow_sockjs_note_half_made(tow_sockjs_session *session);
void tow_sockjs_met(tow_sockjs_session *session);

/* From now on nothing is said to the client any more, or heard of it; the socket is told in a later round.
 * Without an error (0) the client has vanished, or all is said. */
void tow_sockjs_end(tow_sockjs_session *session, int error);

/* Breaks it off. */
void tow_sockjs_break(tow_sockjs_session *session, tow_cause cause, int error);

/* The client's Close. */
void tow_sockjs_hear_close(tow_sockjs_session *session, uint16_t code, const char *reason, size_t length);

/* In that later round. */
void tow_sockjs_gone(tow_sockjs_session *session);

/* Frees one that has no socket. */
void tow_sockjs_destroy(tow_sockjs_session *session);

#endif
