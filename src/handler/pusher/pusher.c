#include "handler/pusher.h"

#include "apps.h"
#include "server/channels.h"
#include "state.h"
#include "transport/loop.h"
#include "watching.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

/* Apps. */

int tow_pusher_apps_add(tow_pusher *pusher, tow_pusher_app *app) {
    pthread_mutex_lock(&pusher->lock);
    tow_pusher_app **apps = realloc(pusher->apps, (pusher->count + 1) * sizeof(tow_pusher_app *));
    if (apps != NULL) {
        pusher->apps = apps;
        pusher->apps[pusher->count++] = app;
    }
    pthread_mutex_unlock(&pusher->lock);
    return apps != NULL ? 0 : TOW_ERROR_MEMORY;
}

void tow_pusher_apps_remove(tow_pusher *pusher, tow_pusher_app *app) {
    size_t i = 0;
    pthread_mutex_lock(&pusher->lock);
    while (i < pusher->count && pusher->apps[i] != app)
        i++;
    if (i < pusher->count) {
        pusher->count--;
        for (; i < pusher->count; i++)
            pusher->apps[i] = pusher->apps[i + 1];
    }
    pthread_mutex_unlock(&pusher->lock);
}

/* The latest of this id; held, as long as the lock is. */
static tow_pusher_app *app_find(const tow_pusher *pusher, tow_slice id) {
    for (size_t i = pusher->count; i > 0; i--)
        if (tow_slice_equals(id, pusher->apps[i - 1]->settings.id))
            return pusher->apps[i - 1];
    return NULL;
}

/* What holds for channels. */

static bool is_bus(tow_slice name) {
    return tow_pusher_begins(name, "\x01pusher/");
}

/* The app whose channel it is, or the first that shares it; held as long as the lock is. */
static const tow_pusher_app *app_of(const tow_pusher *pusher, tow_slice hub_name) {
    const tow_slice id = tow_pusher_app_id_of(hub_name);
    if (id.length > 0)
        return app_find(pusher, id);
    for (size_t i = 0; i < pusher->count; i++)
        if (tow_pusher_app_share_of(pusher->apps[i], hub_name) >= 0)
            return pusher->apps[i];
    return NULL;
}

bool tow_pusher_channel_policy(tow_pusher *pusher, tow_slice name, tow_channel_policy *policy) {
    const tow_pusher_channel_name read = tow_pusher_channel_name_read(tow_pusher_channel_of(name));
    if (is_bus(name)) {
        policy->presence = true;
        return true;
    }
    pthread_mutex_lock(&pusher->lock);
    const tow_pusher_app *app = app_of(pusher, name);
    if (app != NULL && read.is_cache && policy->history_count == 0) {
        policy->history_count = 1;
        policy->history_seconds = (uint32_t)app->settings.cache_seconds;
    }
    if (app != NULL && read.access == TOW_PUSHER_PRESENCE) {
        policy->presence = true;
        policy->max_members = (uint32_t)app->settings.max_members;
    }
    pthread_mutex_unlock(&pusher->lock);
    return app != NULL;
}

/* What the hub tells. */

typedef void (*watch_act)(tow_pusher_app *app, tow_slice name, const void *what);

static tow_pusher *of(const tow_hub_watcher *watcher) {
    const uintptr_t address = (uintptr_t)watcher - offsetof(tow_pusher, watcher);
    return (tow_pusher *)address; // NOLINT(performance-no-int-to-ptr): const
}

/* For the apps whose channel it is: one, or all that share it. */
static void each_app(const tow_hub_watcher *watcher, tow_slice hub_name, watch_act act, const void *what) {
    tow_pusher *pusher = of(watcher);
    const tow_slice id = tow_pusher_app_id_of(hub_name), name = tow_pusher_channel_of(hub_name);
    const tow_pusher_access access = tow_pusher_channel_name_read(name).access;
    if (access == TOW_PUSHER_INVALID || access == TOW_PUSHER_USER)
        return;
    pthread_mutex_lock(&pusher->lock);
    tow_pusher_app *one = id.length > 0 ? app_find(pusher, id) : NULL;
    if (one != NULL)
        act(one, name, what);
    for (size_t i = 0; id.length == 0 && i < pusher->count; i++)
        if (tow_pusher_app_share_of(pusher->apps[i], name) >= 0)
            act(pusher->apps[i], name, what);
    pthread_mutex_unlock(&pusher->lock);
}

static void channel_act(tow_pusher_app *app, tow_slice name, const void *what) {
    tow_pusher_watch_channel(app, name, *(const bool *)what);
}

static void occupied(const tow_hub_watcher *watcher, tow_slice name) {
    each_app(watcher, name, channel_act, &(const bool){true});
}

static void vacated(const tow_hub_watcher *watcher, tow_slice name) {
    each_app(watcher, name, channel_act, &(const bool){false});
}

/* In presence channels members say who is there. */
static void count_act(tow_pusher_app *app, tow_slice name, const void *what) {
    if (tow_pusher_channel_name_read(name).access != TOW_PUSHER_PRESENCE)
        tow_pusher_watch_count(app, name, *(const uint64_t *)what);
}

static void counted(const tow_hub_watcher *watcher, tow_slice name, uint64_t subscribers) {
    each_app(watcher, name, count_act, &subscribers);
}

typedef struct membership {
    tow_slice user;
    bool has_joined;
} membership;

static void member_act(tow_pusher_app *app, tow_slice name, const void *what) {
    const membership *changed = what;
    if (tow_pusher_channel_name_read(name).access == TOW_PUSHER_PRESENCE)
        tow_pusher_watch_member(app, name, changed->user, changed->has_joined);
}

static void member(
    const tow_hub_watcher *watcher, tow_slice name, const tow_member *changed, bool has_joined) {
    each_app(watcher, name, member_act, &(const membership){changed->user, has_joined});
}

/* What is told on the first loop. */

static void take(tow_pusher *pusher, const tow_pusher_notice *notice) {
    if (pusher->has_ended)
        return;
    if (notice->event.json.length > 0)
        tow_pusher_hooks_tell(&pusher->hooks, notice->app, &notice->event);
    if (notice->event.type == TOW_PUSHER_HOOK_COUNT && notice->app->settings.subscription_counts)
        tow_pusher_counting_tell(&pusher->counting, notice->app, notice->event.channel, notice->number);
}

/* Its life. */

int tow_pusher_new(tow_pusher **out, const tow_handler_place *place) {
    tow_pusher *pusher = calloc(1, sizeof(*pusher));
    if (pusher == NULL)
        return TOW_ERROR_MEMORY;
    pusher->loop = place->loop;
    pusher->take = take;
    tow_loop_random(place->loop, &pusher->mask, sizeof(pusher->mask));
    int error = tow_pusher_hooks_init(&pusher->hooks, place);
    if (error == 0 && pthread_mutex_init(&pusher->lock, NULL) != 0)
        error = TOW_ERROR_MEMORY;
    if (error != 0) {
        tow_pusher_hooks_clear(&pusher->hooks);
        free(pusher);
        return error;
    }
    tow_pusher_counting_init(&pusher->counting, place->loop);
    pusher->watcher = (tow_hub_watcher){.prefix = tow_slice_from(""),
        .occupied = occupied,
        .vacated = vacated,
        .counted = counted,
        .member = member};
    tow_hub_watch(tow_server_hub(place->server), &pusher->watcher);
    *out = pusher;
    return 0;
}

void tow_pusher_end(tow_pusher *pusher) {
    if (pusher == NULL || pusher->has_ended)
        return;
    pusher->has_ended = true;
    tow_pusher_hooks_clear(&pusher->hooks);
    tow_pusher_counting_clear(&pusher->counting);
}

void tow_pusher_free(tow_pusher *pusher) {
    if (pusher == NULL)
        return;
    tow_pusher_end(pusher);
    pthread_mutex_destroy(&pusher->lock);
    free(pusher->apps);
    free(pusher);
}
