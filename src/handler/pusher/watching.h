/* watching: what happens in channels, told from any thread to the server's first loop, where webhooks hear of
 * it and subscribers of how many they are. Nothing is done for apps that want none of it. */
#ifndef TOW_HANDLER_PUSHER_WATCHING_H
#define TOW_HANDLER_PUSHER_WATCHING_H

#include "app.h"
#include "hook_queue.h"
#include "hub/subscription.h"
#include "message.h"

/* By what the hub tells. `name` is the channel's in the protocol. */
void tow_pusher_watch_channel(tow_pusher_app *app, tow_slice name, bool is_occupied);
void tow_pusher_watch_member(tow_pusher_app *app, tow_slice name, tow_slice user, bool has_joined);
void tow_pusher_watch_count(tow_pusher_app *app, tow_slice name, uint64_t subscribers);

/* By what connections do. */
void tow_pusher_watch_miss(tow_pusher_app *app, tow_slice name);
void tow_pusher_watch_client_event(tow_pusher_app *app, const tow_pusher_message *message, tow_slice data,
    const char *socket_id, tow_slice user);

/* Something to be told, on the first loop. It is lent. */
typedef struct tow_pusher_notice {
    tow_pusher_app *app;
    tow_pusher_hook_event event;
    uint64_t number; /* of subscribers */
} tow_pusher_notice;
void tow_pusher_take(tow_pusher *pusher, const tow_pusher_notice *notice); /* pusher.c */

/* The loop that notices go to. Any thread. */
tow_loop *tow_pusher_loop(const tow_pusher *pusher);

/* Whether as many are on the way as may be; else one more is. And one less. Any thread. */
bool tow_pusher_notice_enter(tow_pusher *pusher);
void tow_pusher_notice_leave(tow_pusher *pusher);

#endif
