/* origin: what lets pages of other origins, which may be here, read a session's answers. */
#ifndef TOW_HANDLER_SESSION_ORIGIN_H
#define TOW_HANDLER_SESSION_ORIGIN_H

#include <towline/server.h>

/* Adds the fields to the answer that follows; nothing of it is kept by caches. */
void tow_session_allow_origin(tow_exchange *exchange, const tow_request *request);

/* Answers OPTIONS: which methods and fields there may be. */
void tow_session_answer_preflight(tow_exchange *exchange, const tow_request *request, const char *methods);

#endif
