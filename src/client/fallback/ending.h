/* ending: how a session ends as a client. The socket is told in a later round. */
#ifndef TOW_CLIENT_FALLBACK_ENDING_H
#define TOW_CLIENT_FALLBACK_ENDING_H

#include "session_state.h"

/* From now on nothing is said to the server any more, or heard of it. */
void tow_fallback_end(tow_fallback_session *session, int error);

/* The same for what `text` says (NULL: the error does), unless both have closed. */
void tow_fallback_lose(tow_fallback_session *session, int error, const char *text);

/* The server has broken the rules, or there is no memory. */
void tow_fallback_break(tow_fallback_session *session, int error);

/* Frees it. */
void tow_fallback_destroy(tow_fallback_session *session);

#endif
