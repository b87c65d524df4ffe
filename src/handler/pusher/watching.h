/* watching: what happens in channels, told from any thread to the server's first loop, where webhooks hear of
 * it and subscribers of how many they are. Nothing is done for apps that want none of it. */
#ifndef TOW_HANDLER_PUSHER_WATCHING_H
#define TOW_HANDLER_PUSHER_WATCHING_H

#include "app.h"
#include "message.h"

/* By what the hub tells. `name` is the channel's in the protocol. */
void tow_pusher_watch_channel(tow_pusher_app *app, tow_slice name, bool is_occupied);
void tow_pusher_watch_member(tow_pusher_app *app, tow_slice name, tow_slice user, bool has_joined);
void tow_pusher_watch_count(tow_pusher_app *app, tow_slice name, uint64_t subscribers);

/* By what connections do. */
void tow_pusher_watch_miss(tow_pusher_app *app, tow_slice name);
void tow_pusher_watch_client_event(tow_pusher_app *app, const tow_pusher_message *message, tow_slice data,
    const char *socket_id, tow_slice user);

#endif
