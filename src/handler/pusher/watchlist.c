#include "watchlist.h"

#include "base/json.h"
#include "envelope.h"
#include "member.h"
#include "saying.h"
#include "server/channels.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

typedef struct watch {
    tow_subscription subscription;
    tow_pusher_watchlist *list;
    char *id; /* with a zero */
    bool is_online;
} watch;

struct tow_pusher_watchlist {
    tow_pusher_connection *connection;
    size_t count;
    size_t unknown; /* of them */
    size_t room;    /* for those that were counted */
    watch items[];
};

/* Telling. */

/* Those with this state; `only` NULL: of all. */
static int ids_write(tow_buffer *out, const tow_pusher_watchlist *list, bool is_online, const watch *only) {
    size_t written = 0;
    int error = 0;
    for (const watch *each = list->items; error == 0 && each < list->items + list->count; each++) {
        if (each->is_online != is_online || (only != NULL && each != only))
            continue;
        error = tow_buffer_append_text(out, written++ == 0 ? "" : ",");
        if (error == 0)
            error = tow_json_append_string(out, tow_slice_from(each->id));
    }
    return error;
}

static int event_write(
    tow_buffer *out, const tow_pusher_watchlist *list, bool is_online, const watch *only, bool *is_first) {
    tow_buffer ids = {0};
    int error = ids_write(&ids, list, is_online, only);
    if (error == 0 && ids.length > 0) {
        error = tow_buffer_append_format(
            out, "%s{\"name\":\"%s\",\"user_ids\":[", *is_first ? "" : ",", is_online ? "online" : "offline");
        *is_first = false;
        if (error == 0)
            error = tow_buffer_append(out, ids.data, ids.length);
        if (error == 0)
            error = tow_buffer_append_text(out, "]}");
    }
    tow_buffer_clear(&ids);
    return error;
}

static void say(const tow_pusher_watchlist *list, const watch *only) {
    tow_buffer out = {0}, data = {0};
    bool is_first = true;
    int error = tow_buffer_append_text(&data, "{\"events\":[");
    if (error == 0)
        error = event_write(&data, list, true, only, &is_first);
    if (error == 0)
        error = event_write(&data, list, false, only, &is_first);
    if (error == 0)
        error = tow_buffer_append_text(&data, "]}");
    if (error == 0)
        error = tow_pusher_envelope_write(
            &out, &(tow_pusher_envelope){.event = tow_slice_from("pusher_internal:watchlist_events"),
                      .data = {(const char *)data.data, data.length}});
    tow_buffer_clear(&data);
    tow_pusher_say(list->connection, &out, error);
}

/* Watching. */

static watch *of(tow_subscription *subscription) {
    return (watch *)(void *)((char *)subscription - offsetof(watch, subscription));
}

static void known(tow_pusher_watchlist *list) {
    if (--list->unknown == 0)
        say(list, NULL);
}

static void watch_stands(tow_subscription *subscription, const tow_subscribed *what) {
    of(subscription)->is_online = what->member_count > 0;
    known(of(subscription)->list);
}

/* What counts is how it is in the end. */
static void watch_deliver(tow_subscription *subscription, tow_burst *burst) {
    watch *self = of(subscription);
    bool was_online = self->is_online;
    for (size_t i = 0; i < tow_burst_count(burst); i++) {
        const tow_published_kind kind = tow_published_kind_of(tow_burst_at(burst, i));
        if (kind != TOW_PUBLISHED_MESSAGE)
            self->is_online = kind == TOW_PUBLISHED_JOINED;
    }
    if (self->is_online != was_online && self->list->unknown == 0)
        say(self->list, self);
}

static void watch_ended(tow_subscription *subscription, tow_subscription_end why) {
    if (why == TOW_SUBSCRIPTION_REFUSED)
        known(of(subscription)->list);
    else if (why != TOW_SUBSCRIPTION_OVER)
        (void)tow_websocket_close(
            of(subscription)->list->connection->socket, TOW_PUSHER_RECONNECT, "the watchlist is lost");
}

static const tow_subscriber watch_subscriber = {
    .subscribed = watch_stands, .deliver = watch_deliver, .ended = watch_ended};

static int add(void *user, tow_slice id) {
    tow_pusher_watchlist *list = user;
    watch *self = &list->items[list->count];
    tow_pusher_hub_name name;
    if (list->count == list->room) /* one was not counted for want of memory */
        return TOW_ERROR_MEMORY;
    self->list = list;
    self->id = strndup(id.data, id.length);
    if (self->id == NULL)
        return TOW_ERROR_MEMORY;
    tow_pusher_app_bus_name(list->connection->app, id, &name);
    int error = tow_subscribe(tow_websocket_hub(list->connection->socket), &self->subscription,
        &watch_subscriber, tow_pusher_hub_slice(&name),
        &(tow_subscribe_options){.wants_presence = true, .no_messages = true});
    if (error != 0) {
        free(self->id);
        return error;
    }
    list->count++;
    list->unknown++;
    return 0;
}

static int count_one(void *user, tow_slice id) {
    (void)id;
    ++*(size_t *)user;
    return 0;
}

int tow_pusher_watchlist_new(tow_pusher_watchlist **out, tow_pusher_connection *connection, tow_slice data) {
    size_t count = 0;
    int error = tow_pusher_watchlist_read(data, count_one, &count);
    if (error != 0 || count == 0)
        return error;
    tow_pusher_watchlist *list = calloc(1, sizeof(*list) + count * sizeof(list->items[0]));
    if (list == NULL)
        return TOW_ERROR_MEMORY;
    list->connection = connection;
    list->room = count;
    error = tow_pusher_watchlist_read(data, add, list);
    if (error != 0) {
        tow_pusher_watchlist_free(list);
        return error;
    }
    *out = list;
    return 0;
}

void tow_pusher_watchlist_free(tow_pusher_watchlist *list) {
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        tow_unsubscribe(&list->items[i].subscription);
        free(list->items[i].id);
    }
    free(list);
}
