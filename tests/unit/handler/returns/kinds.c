#include "kinds.h"

const struct client_kind *const client_kinds[] = {&client_plain, &client_talk, &client_stream, &client_poll,
    &client_own_polling, &client_own_upgrade, &client_talk_polling, &client_talk_upgrade,
    &client_socketio_websocket, &client_socketio_polling, &client_socketio_upgrade, &client_pusher,
    &client_pusher_xhr, &client_pusher_streaming, &client_sockjs_websocket, &client_sockjs_xhr,
    &client_sockjs_streaming, &client_raw, &client_engineio_polling, &client_engineio_websocket,
    &client_engineio_upgrade, NULL};
