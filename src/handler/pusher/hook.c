#include "hook.h"

#include "client/url.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/log.h>

enum {
    BATCH_EVENTS = 100,
    GATHER_MILLISECONDS = 20, /* that the first of a batch waits for others */
    CALL_SECONDS = 30,
    RETRY_SECONDS_MAX = 60,  /* between two tries */
    GIVE_UP_SECONDS = 5 * 60 /* after the first */
};

struct tow_pusher_hook {
    tow_ring link;
    tow_pusher_hooks *hooks;
    tow_pusher_app *app; /* held */
    const char *url;     /* the app's */
    tow_pusher_hook_queue queue;
    tow_timer timer;
    int64_t wakes;       /* when it is set */
    tow_http_call *call; /* NULL: none is under way */
    tow_buffer body;     /* of the batch that is being told; empty: none */
    int64_t told;        /* events of it */
    int tries;
    int64_t first_try;
    uint64_t dropped; /* events that found no room, since the log said so */
};

static void go_on(tow_timer *timer);

static void say(const tow_pusher_hook *hook, int level, const char *text) {
    char line[512];
    tow_url url = {0};
    if (hook->hooks->log.write == NULL)
        return;
    bool is_read = tow_url_read(&url, hook->url, NULL) == 0; /* without a password */
    snprintf(line, sizeof(line), "pusher: app %s: webhook %s%.100s%.100s: %.200s", hook->app->settings.id,
        url.secure ? "https://" : "http://", is_read ? url.authority : "", is_read ? url.target : "", text);
    hook->hooks->log.write(hook->hooks->log.user, level, line);
    tow_url_clear(&url);
}

static void hook_free(tow_pusher_hook *hook) {
    tow_metric_add(hook->hooks->metrics.waiting, -((int64_t)hook->queue.count + hook->told));
    tow_timer_cancel(hook->hooks->loop, &hook->timer);
    tow_http_call_free(hook->call);
    tow_pusher_hook_queue_clear(&hook->queue);
    tow_buffer_clear(&hook->body);
    tow_ring_remove(&hook->link);
    tow_pusher_app_release(hook->app);
    free(hook);
}

/* Who waits already is not put off. */
static void wait_until(tow_pusher_hook *hook, int64_t then) {
    if (tow_timer_is_set(&hook->timer) && hook->wakes <= then)
        return;
    hook->wakes = then;
    tow_timer_set(hook->hooks->loop, &hook->timer, then, go_on);
}

/* For what comes next; without that it is of no use. */
static void settle(tow_pusher_hook *hook) {
    const int64_t now = tow_loop_now(hook->hooks->loop);
    const int64_t next = tow_pusher_hook_queue_next(&hook->queue);
    if (next == INT64_MAX)
        hook_free(hook);
    else
        wait_until(hook, next > now ? next : now + GATHER_MILLISECONDS * TOW_MILLISECOND);
}

/* Telling. */

/* `metric` counts what became of its events. */
static void batch_over(tow_pusher_hook *hook, tow_metric *metric) {
    tow_metric_add(metric, hook->told);
    tow_metric_add(hook->hooks->metrics.waiting, -hook->told);
    hook->told = 0;
    tow_buffer_clear(&hook->body);
    hook->tries = 0;
    settle(hook);
}

static void failed(tow_pusher_hook *hook, const char *why) {
    const int64_t now = tow_loop_now(hook->hooks->loop);
    int64_t seconds = hook->tries < 6 ? INT64_C(1) << hook->tries : RETRY_SECONDS_MAX;
    hook->tries++;
    tow_metric_count(hook->hooks->metrics.failures);
    if (now + seconds * TOW_SECOND > hook->first_try + GIVE_UP_SECONDS * TOW_SECOND) {
        say(hook, TOW_LOG_ERROR, "it could not be told for five minutes: a batch of events is dropped");
        batch_over(hook, hook->hooks->metrics.dropped);
        return;
    }
    say(hook, TOW_LOG_WARNING, why);
    wait_until(hook, now + seconds * TOW_SECOND);
}

static void answered(tow_http_call *call, const tow_http_result *result) {
    tow_pusher_hook *hook = tow_http_call_user(call);
    char text[64];
    hook->call = NULL;
    if (result->error == 0 && result->head->status >= 200 && result->head->status < 300)
        batch_over(hook, hook->hooks->metrics.told);
    else if (result->error != 0)
        failed(hook, result->text);
    else {
        snprintf(text, sizeof(text), "it answered with %d", result->head->status);
        failed(hook, text);
    }
    tow_http_call_free(call);
}

static void call_start(tow_pusher_hook *hook) {
    const tow_slice body = {(const char *)hook->body.data, hook->body.length};
    char signature[TOW_HMAC_TEXT];
    const tow_header_field fields[] = {{"Content-Type", "application/json"},
        {"X-Pusher-Key", hook->app->settings.key}, {"X-Pusher-Signature", signature}, {NULL, NULL}};
    int error = tow_hmac_make(signature, hook->app->credentials.secret, &body, 1, "");
    if (error == 0)
        error = tow_http_call_start(&hook->call, hook->hooks->client,
            &(tow_http_call_options){.url = hook->url,
                .method = "POST",
                .headers = fields,
                .body = body.data,
                .body_length = body.length,
                .total_seconds = CALL_SECONDS,
                .on_done = answered,
                .user = hook});
    if (error != 0)
        failed(hook, tow_strerror(error));
}

/* {"time_ms":…,"events":[…]} Errors: MEMORY; what was taken is lost then. */
static int batch_make(tow_pusher_hook *hook) {
    tow_loop *loop = hook->hooks->loop;
    int error = tow_buffer_append_format(
        &hook->body, "{\"time_ms\":%" PRId64 ",\"events\":[", tow_loop_wall_milliseconds(loop));
    int64_t taken =
        error != 0 ? error
                   : tow_pusher_hook_queue_take(&hook->queue, tow_loop_now(loop), BATCH_EVENTS, &hook->body);
    if (taken < 0)
        return TOW_ERROR_MEMORY;
    if (taken == 0) {
        tow_buffer_clear(&hook->body);
        return 0;
    }
    hook->told = taken;
    hook->first_try = tow_loop_now(loop);
    return tow_buffer_append_text(&hook->body, "]}");
}

static void go_on(tow_timer *timer) {
    tow_pusher_hook *hook = (tow_pusher_hook *)(void *)((char *)timer - offsetof(tow_pusher_hook, timer));
    if (hook->body.length == 0 && batch_make(hook) != 0) {
        say(hook, TOW_LOG_ERROR,
            hook->told > 0 ? "there is no memory: a batch of events is dropped"
                           : "there is no memory: events are told later");
        batch_over(hook, hook->hooks->metrics.dropped);
    } else if (hook->body.length == 0)
        settle(hook);
    else
        call_start(hook);
}

/* Who is told. */

static tow_pusher_hook *hook_make(tow_pusher_hooks *hooks, tow_pusher_app *app, const char *url) {
    tow_pusher_hook *hook = calloc(1, sizeof(*hook));
    uint64_t seed;
    if (hook == NULL)
        return NULL;
    hook->hooks = hooks;
    hook->app = tow_pusher_app_retain(app);
    hook->url = url;
    tow_loop_random(hooks->loop, &seed, sizeof(seed));
    const int max = app->settings.webhook_queue;
    tow_pusher_hook_queue_init(&hook->queue, seed, max > 0 ? (size_t)max : TOW_PUSHER_HOOK_EVENTS);
    tow_ring_add_last(&hooks->list, &hook->link);
    return hook;
}

static tow_pusher_hook *of(tow_ring *link) {
    return (tow_pusher_hook *)(void *)((char *)link - offsetof(tow_pusher_hook, link));
}

static tow_pusher_hook *hook_find(tow_pusher_hooks *hooks, tow_pusher_app *app, const char *url) {
    for (tow_ring *link = hooks->list.next; link != &hooks->list; link = link->next)
        if (of(link)->app == app && of(link)->url == url)
            return of(link);
    return hook_make(hooks, app, url);
}

static void tell_of_dropped(tow_pusher_hook *hook) {
    tow_metric_count(hook->hooks->metrics.dropped);
    if (hook->dropped++ % TOW_PUSHER_HOOK_EVENTS == 0)
        say(hook, TOW_LOG_ERROR, "too much waits to be told: events are dropped");
}

static void hook_tell(tow_pusher_hook *hook, const tow_pusher_hook_event *event) {
    int64_t before = (int64_t)hook->queue.count;
    if (tow_pusher_hook_queue_add(&hook->queue, event, tow_loop_now(hook->hooks->loop)) != 0)
        tell_of_dropped(hook);
    tow_metric_add(hook->hooks->metrics.waiting, (int64_t)hook->queue.count - before);
    if (hook->body.length == 0)
        settle(hook);
}

void tow_pusher_hooks_tell(tow_pusher_hooks *hooks, tow_pusher_app *app, const tow_pusher_hook_event *event) {
    const char *const *urls = app->settings.webhooks;
    for (size_t i = 0; urls != NULL && urls[i] != NULL; i++) {
        tow_pusher_hook *hook = hook_find(hooks, app, urls[i]);
        if (hook != NULL)
            hook_tell(hook, event);
    }
}

int tow_pusher_hooks_init(tow_pusher_hooks *hooks, const tow_handler_place *place) {
    *hooks = (tow_pusher_hooks){.loop = place->loop, .log = place->log};
    TOW_SERVER_METRICS(place->server, &hooks->metrics, TOW_PUSHER_HOOK_METRICS);
    tow_ring_init(&hooks->list);
    return tow_http_client_new(&hooks->client, place->loop, NULL);
}

void tow_pusher_hooks_clear(tow_pusher_hooks *hooks) {
    for (tow_ring *link = hooks->list.next, *next; link != &hooks->list; link = next) {
        next = link->next;
        hook_free(of(link));
    }
    tow_http_client_free(hooks->client);
    hooks->client = NULL;
}
