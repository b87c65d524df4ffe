/* waiting: the poll and the post of a session that wait for their answers. */
#ifndef TOW_HANDLER_ENGINEIO_WAITING_H
#define TOW_HANDLER_ENGINEIO_WAITING_H

#include "session.h"

void tow_engineio_answer(tow_session_visit *visit, int status, const char *body);

/* The poll, which is the caller's now to answer; NULL: none waits. */
tow_session_visit *tow_engineio_take_poll(tow_engineio_session *session);

/* Answers the poll with a noop alone, as what waits goes another way; the post, as it should be. Nothing
 * where none waits. */
void tow_engineio_end_poll(tow_engineio_session *session);
void tow_engineio_end_post(tow_engineio_session *session);

/* The session is over: nobody waits any more. */
void tow_engineio_waiting_end(tow_engineio_session *session);

#endif
