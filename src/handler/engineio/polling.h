/* polling: a session of Engine.IO by HTTP: polls that wait for packets, posts that bring some. */
#ifndef TOW_HANDLER_ENGINEIO_POLLING_H
#define TOW_HANDLER_ENGINEIO_POLLING_H

#include "session.h"

/* On the session's worker: a poll, a post. */
void tow_engineio_poll(tow_engineio_session *session, tow_session_visit *visit);
void tow_engineio_post(tow_engineio_session *session, tow_session_visit *visit);

/* A post that no session may get: it ends. */
void tow_engineio_refuse_post(tow_engineio_session *session, tow_session_visit *visit);

/* Answers the poll that waits, if there is one, and something for it; with a noop if there is nothing. */
void tow_engineio_answer_poll(tow_engineio_session *session, bool noop);

/* The packets of the post that were not told yet, as far as the socket takes them. */
void tow_engineio_tell(tow_engineio_session *session);

/* While a WebSocket is to take the session over, the client polls no more and waits for the answer to its
 * post; what its poll would have taken may be in the way of that. So the answer comes before all of it is
 * told. */
void tow_engineio_answer_early(tow_engineio_session *session);

/* The client has had the answers to its polls up to this number: what the last one had, if it is not among
 * them, is to be sent again. Errors: ARGUMENT (it can't be). */
int tow_engineio_polling_had(tow_engineio_session *session, uint64_t number);

#endif
