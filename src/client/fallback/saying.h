/* saying: what a session says to the server: by posts, or over the WebSocket that has taken it over. */
#ifndef TOW_CLIENT_FALLBACK_SAYING_H
#define TOW_CLIENT_FALLBACK_SAYING_H

#include "session_state.h"

/* A packet: to the WebSocket, or into what waits for the next post. Errors: MEMORY. */
int tow_fallback_say(tow_fallback_session *session, char type, const void *data, size_t length);

/* The answer to a Ping, unless one is on its way. Errors: MEMORY. */
int tow_fallback_say_pong(tow_fallback_session *session);

/* Our Close, as a packet. */
int tow_fallback_say_close(tow_fallback_session *session, uint16_t code, const char *reason);

/* Posts what waits, if nothing is in the way of that. */
void tow_fallback_post(tow_fallback_session *session);

/* Gives what waits to the WebSocket. There is no Close among it: with that none is taken any more. */
void tow_fallback_flush(tow_fallback_session *session);

#endif
