/* hearing: what the client of a session of SockJS says, by requests or over a WebSocket. */
#ifndef TOW_HANDLER_SOCKJS_HEARING_H
#define TOW_HANDLER_SOCKJS_HEARING_H

#include "session.h"

/* A request that brings messages. */
void tow_sockjs_post(tow_sockjs_session *session, tow_session_visit *visit);

/* What the WebSocket that receives has heard; its end. */
void tow_sockjs_hear(tow_sockjs_session *session, const char *text, size_t length);
void tow_sockjs_wire_closed(tow_sockjs_session *session, const tow_close_event *event);

/* What has come and is not told yet, as far as the socket takes it. */
void tow_sockjs_tell(tow_sockjs_session *session);

/* A WebSocket waits with its next message until all of the last is told. Callbacks of it may run. */
void tow_sockjs_pace_wire(tow_sockjs_session *session);

#endif
