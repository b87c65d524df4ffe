/* giving: what a session of SockJS gives to who receives: a request, for one frame or a stream of them, or a
 * WebSocket. */
#ifndef TOW_HANDLER_SOCKJS_GIVING_H
#define TOW_HANDLER_SOCKJS_GIVING_H

#include "session.h"

/* A request that receives; a WebSocket that does, with the marks of the route. */
void tow_sockjs_receive(tow_sockjs_session *session, tow_session_visit *visit, bool streams);
void tow_sockjs_take_wire(tow_sockjs_session *session, tow_websocket *wire, const tow_limits *routes);

/* What waits, as far as somebody receives. */
void tow_sockjs_flush(tow_sockjs_session *session);

/* A heartbeat is due, and in how many milliseconds the next one is. */
void tow_sockjs_beat(tow_sockjs_session *session);
int64_t tow_sockjs_heartbeat_of(const tow_sockjs_session *session);

#endif
