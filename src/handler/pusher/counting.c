#include "counting.h"

#include "base/hash.h"
#include "server/channels.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>

enum { SECONDS = 1, SECONDS_OF_MANY = 5, MANY = 100, CHANNELS_MAX = 10000 };

/* A channel that was told; it is forgotten when its time is over and nothing has changed. */
typedef struct told {
    tow_ring link;
    tow_timer timer;
    tow_pusher_counting *counting;
    tow_pusher_app *app; /* held */
    uint64_t number;
    bool is_new; /* the number was not told yet */
    size_t length;
    char channel[];
} told;

static void look(tow_timer *timer);

static void told_free(told *self) {
    tow_timer_cancel(self->counting->loop, &self->timer);
    tow_ring_remove(&self->link);
    self->counting->count--;
    tow_pusher_app_release(self->app);
    free(self);
}

static void say(told *self) {
    char data[24];
    int length = snprintf(data, sizeof(data), "%" PRIu64, self->number);
    const tow_draft draft = {
        .type = TOW_TEXT, .data = {data, (size_t)length}, .not_kept = true, .is_count = true};
    tow_pusher_hub_name name;
    tow_pusher_app_hub_name(self->app, (tow_slice){self->channel, self->length}, &name);
    (void)tow_hub_publish(tow_server_hub(self->app->server), tow_pusher_hub_slice(&name), &draft);
    self->is_new = false;
    tow_timer_set(self->counting->loop, &self->timer,
        tow_loop_now(self->counting->loop) + (self->number > MANY ? SECONDS_OF_MANY : SECONDS) * TOW_SECOND,
        look);
}

static void look(tow_timer *timer) {
    told *self = (told *)(void *)((char *)timer - offsetof(told, timer));
    if (self->is_new)
        say(self);
    else
        told_free(self);
}

static told *of(tow_ring *link) {
    return (told *)(void *)((char *)link - offsetof(told, link));
}

static tow_ring *bucket_of(tow_pusher_counting *counting, tow_slice channel) {
    return &counting->buckets[tow_hash(channel, counting->seed) % TOW_PUSHER_COUNTING_BUCKETS];
}

static told *find(tow_pusher_counting *counting, const tow_pusher_app *app, tow_slice channel) {
    const tow_ring *bucket = bucket_of(counting, channel);
    for (tow_ring *link = bucket->next; link != bucket; link = link->next)
        if (of(link)->app == app && of(link)->length == channel.length &&
            memcmp(of(link)->channel, channel.data, channel.length) == 0)
            return of(link);
    return NULL;
}

static told *make(tow_pusher_counting *counting, tow_pusher_app *app, tow_slice channel) {
    told *made = counting->count < CHANNELS_MAX ? calloc(1, sizeof(*made) + channel.length) : NULL;
    if (made == NULL)
        return NULL;
    made->counting = counting;
    made->app = tow_pusher_app_retain(app);
    made->length = channel.length;
    memcpy(made->channel, channel.data, channel.length);
    tow_ring_add_last(bucket_of(counting, channel), &made->link);
    counting->count++;
    return made;
}

void tow_pusher_counting_tell(
    tow_pusher_counting *counting, tow_pusher_app *app, tow_slice channel, uint64_t number) {
    told *self = find(counting, app, channel);
    if (self == NULL)
        self = make(counting, app, channel);
    if (self == NULL)
        return;
    self->number = number;
    self->is_new = true;
    if (!tow_timer_is_set(&self->timer))
        say(self);
}

void tow_pusher_counting_init(tow_pusher_counting *counting, tow_loop *loop) {
    *counting = (tow_pusher_counting){.loop = loop};
    tow_loop_random(loop, &counting->seed, sizeof(counting->seed));
    for (size_t i = 0; i < TOW_PUSHER_COUNTING_BUCKETS; i++)
        tow_ring_init(&counting->buckets[i]);
}

void tow_pusher_counting_clear(tow_pusher_counting *counting) {
    for (size_t i = 0; i < TOW_PUSHER_COUNTING_BUCKETS; i++)
        for (tow_ring *link = counting->buckets[i].next, *next; link != &counting->buckets[i]; link = next) {
            next = link->next;
            told_free(of(link));
        }
}
