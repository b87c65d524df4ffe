/* kinds: how clients come to the channel. */
#ifndef TOW_TESTS_RETURNS_KINDS_H
#define TOW_TESTS_RETURNS_KINDS_H

#include "client.h"

/* The messages of the channel as they are. */
extern const struct client_kind client_plain, client_raw;
extern const struct client_kind client_sockjs_websocket, client_sockjs_xhr, client_sockjs_streaming;
extern const struct client_kind client_engineio_polling, client_engineio_websocket, client_engineio_upgrade;
extern const struct client_kind client_own_polling, client_own_upgrade;

extern const struct client_kind client_talk, client_talk_polling, client_talk_upgrade;
extern const struct client_kind client_stream, client_poll;
extern const struct client_kind client_pusher, client_pusher_xhr, client_pusher_streaming;
extern const struct client_kind client_socketio_polling, client_socketio_websocket, client_socketio_upgrade;

#endif
