#include "watching.h"

#include "base/json.h"
#include "state.h"
#include "transport/loop.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { NOTICES_MAX = 20000 /* on the way to the first loop */ };

typedef struct notice_letter {
    tow_letter letter;   /* first */
    tow_pusher_app *app; /* held */
    tow_pusher_hook_type type;
    uint64_t number;
    size_t channel_length, user_length, json_length;
    char text[]; /* channel, user and JSON */
} notice_letter;

static void leave(tow_pusher *pusher) {
    atomic_fetch_sub_explicit(&pusher->notices, 1, memory_order_relaxed);
}

/* Whether there is room for one more. */
static bool enter(tow_pusher *pusher) {
    if (atomic_fetch_add_explicit(&pusher->notices, 1, memory_order_relaxed) < NOTICES_MAX)
        return true;
    tow_metric_count(pusher->hooks.metrics.dropped);
    leave(pusher);
    return false;
}

static void letter_free(notice_letter *letter) {
    leave(letter->app->pusher);
    tow_pusher_app_release(letter->app);
    free(letter);
}

static void letter_open(tow_letter *letters) {
    while (letters != NULL) {
        notice_letter *one = (notice_letter *)(void *)letters;
        letters = letters->next;
        const char *user = one->text + one->channel_length, *json = user + one->user_length;
        const tow_pusher_notice notice = {.app = one->app,
            .event = {one->type, {one->text, one->channel_length}, {user, one->user_length},
                {json, one->json_length}},
            .number = one->number};
        one->app->pusher->take(one->app->pusher, &notice);
        letter_free(one);
    }
}

static void letter_drop(tow_letter *letter) {
    letter_free((notice_letter *)(void *)letter);
}

static char *copy(char *out, tow_slice text) {
    if (text.length > 0)
        memcpy(out, text.data, text.length);
    return out + text.length;
}

/* What finds no room or memory is not told. */
static void post(const tow_pusher_notice *notice) {
    const tow_pusher_hook_event *event = &notice->event;
    tow_pusher *pusher = notice->app->pusher;
    if (!enter(pusher))
        return;
    notice_letter *made =
        malloc(sizeof(*made) + event->channel.length + event->user.length + event->json.length);
    if (made == NULL) {
        leave(pusher);
        return;
    }
    *made = (notice_letter){.letter = {.open = letter_open, .drop = letter_drop, .work = 1},
        .app = tow_pusher_app_retain(notice->app),
        .type = event->type,
        .number = notice->number,
        .channel_length = event->channel.length,
        .user_length = event->user.length,
        .json_length = event->json.length};
    copy(copy(copy(made->text, event->channel), event->user), event->json);
    tow_loop_post_letter(pusher->loop, &made->letter);
}

/* What is told as JSON. */

static bool is_wanted(const tow_pusher_app *app, tow_pusher_hook_type type) {
    const char *const *events = app->settings.webhook_events;
    if (app->settings.webhooks == NULL)
        return false;
    for (; events != NULL && *events != NULL; events++)
        if (strcmp(*events, tow_pusher_hook_name(type)) == 0)
            return true;
    return app->settings.webhook_events == NULL;
}

static int member_append(tow_buffer *json, const char *before, tow_slice text) {
    int error = tow_buffer_append_text(json, before);
    return error != 0 ? error : tow_json_append_string(json, text);
}

/* {"name":"TYPE","channel":"NAME" */
static int begin_write(tow_buffer *json, tow_pusher_hook_type type, tow_slice name) {
    int error = tow_buffer_append_format(json, "{\"name\":\"%s\"", tow_pusher_hook_name(type));
    return error != 0 ? error : member_append(json, ",\"channel\":", name);
}

static void end_and_post(tow_buffer *json, tow_pusher_notice *notice, int error) {
    if (error == 0)
        error = tow_buffer_append_text(json, "}");
    notice->event.json = (tow_slice){(const char *)json->data, json->length};
    if (error == 0)
        post(notice);
    tow_buffer_clear(json);
}

static void tell(tow_pusher_app *app, tow_pusher_hook_type type, tow_slice name, tow_slice user) {
    tow_pusher_notice notice = {.app = app, .event = {.type = type, .channel = name, .user = user}};
    tow_buffer json = {0};
    if (!is_wanted(app, type))
        return;
    int error = begin_write(&json, type, name);
    if (error == 0 && user.length > 0)
        error = member_append(&json, ",\"user_id\":", user);
    end_and_post(&json, &notice, error);
}

void tow_pusher_watch_channel(tow_pusher_app *app, tow_slice name, bool is_occupied) {
    tell(app, is_occupied ? TOW_PUSHER_HOOK_OCCUPIED : TOW_PUSHER_HOOK_VACATED, name, (tow_slice){0});
}

void tow_pusher_watch_member(tow_pusher_app *app, tow_slice name, tow_slice user, bool has_joined) {
    tell(app, has_joined ? TOW_PUSHER_HOOK_ADDED : TOW_PUSHER_HOOK_REMOVED, name, user);
}

void tow_pusher_watch_miss(tow_pusher_app *app, tow_slice name) {
    tell(app, TOW_PUSHER_HOOK_CACHE_MISS, name, (tow_slice){0});
}

/* Without JSON it is for subscribers alone. */
void tow_pusher_watch_count(tow_pusher_app *app, tow_slice name, uint64_t subscribers) {
    tow_pusher_notice notice = {
        .app = app, .event = {.type = TOW_PUSHER_HOOK_COUNT, .channel = name}, .number = subscribers};
    tow_buffer json = {0};
    if (!is_wanted(app, TOW_PUSHER_HOOK_COUNT)) {
        if (app->settings.subscription_counts)
            post(&notice);
        return;
    }
    int error = begin_write(&json, TOW_PUSHER_HOOK_COUNT, name);
    if (error == 0)
        error =
            tow_buffer_append_format(&json, ",\"subscription_count\":%llu", (unsigned long long)subscribers);
    end_and_post(&json, &notice, error);
}

void tow_pusher_watch_client_event(tow_pusher_app *app, const tow_pusher_message *message, tow_slice data,
    const char *socket_id, tow_slice user) {
    tow_pusher_notice notice = {
        .app = app, .event = {.type = TOW_PUSHER_HOOK_CLIENT_EVENT, .channel = message->channel}};
    tow_buffer json = {0};
    if (!is_wanted(app, TOW_PUSHER_HOOK_CLIENT_EVENT))
        return;
    int error = begin_write(&json, TOW_PUSHER_HOOK_CLIENT_EVENT, message->channel);
    if (error == 0)
        error = member_append(&json, ",\"event\":", message->event);
    if (error == 0)
        error = member_append(&json, ",\"data\":", data);
    if (error == 0)
        error = member_append(&json, ",\"socket_id\":", tow_slice_from(socket_id));
    if (error == 0 && user.length > 0)
        error = member_append(&json, ",\"user_id\":", user);
    end_and_post(&json, &notice, error);
}
