/* state: what all apps of a server share. */
#ifndef TOW_HANDLER_PUSHER_STATE_H
#define TOW_HANDLER_PUSHER_STATE_H

#include "counting.h"
#include "hook.h"
#include "hub/subscription.h"

#include <pthread.h>
#include <stdatomic.h>

/* Something to be told, on the first loop. It is lent. */
typedef struct tow_pusher_notice {
    tow_pusher_app *app;
    tow_pusher_hook_event event;
    uint64_t number; /* of subscribers */
} tow_pusher_notice;

struct tow_pusher {
    tow_hub_watcher watcher;
    tow_loop *loop;
    pthread_mutex_t lock; /* of the apps: nothing else is locked inside */
    tow_pusher_app **apps;
    size_t count;
    /* What stands between names of connections and the numbers of their sockets, so that no name comes twice,
     * in no run of the server: a signature for one is for no other. */
    uint64_t mask;
    atomic_int notices;                                                /* on the way to the first loop, */
    void (*take)(tow_pusher *pusher, const tow_pusher_notice *notice); /* where they come */
    bool has_ended;
    tow_pusher_hooks hooks;
    tow_pusher_counting counting;
};

#endif
