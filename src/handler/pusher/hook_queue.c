#include "hook_queue.h"

#include "base/hash.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

enum { SECOND = 1000000000 };

typedef struct tow_pusher_waiting_event {
    tow_ring link; /* among the channel's */
    struct tow_pusher_hook_channel *channel;
    struct tow_pusher_waiting_event *same; /* of a bucket of ends */
    int64_t due;
    tow_pusher_hook_type type;
    size_t user_length, json_length;
    char text[]; /* the user, and behind it the JSON */
} waiting_event;

typedef struct tow_pusher_hook_channel {
    tow_ring link; /* in `ready` or `waiting`, by its first event; in neither from when that has gone */
    struct tow_pusher_hook_channel *next;
    tow_ring events;
    size_t length;
    char name[];
} hook_channel;

const char *tow_pusher_hook_name(tow_pusher_hook_type type) {
    static const char *const names[] = {"channel_occupied", "channel_vacated", "member_added",
        "member_removed", "client_event", "cache_miss", "subscription_count"};
    return names[type];
}

void tow_pusher_hook_queue_init(tow_pusher_hook_queue *queue, uint64_t seed, size_t max) {
    *queue = (tow_pusher_hook_queue){.seed = seed, .max = max};
    tow_ring_init(&queue->ready);
    tow_ring_init(&queue->waiting);
}

/* Channels. */

static hook_channel *of(tow_ring *link) {
    return (hook_channel *)(void *)((char *)link - offsetof(hook_channel, link));
}

static hook_channel **bucket_of(tow_pusher_hook_queue *queue, tow_slice name) {
    return &queue->buckets[tow_hash(name, queue->seed) % TOW_PUSHER_HOOK_BUCKETS];
}

/* Where its pointer stands, or is to stand. */
static hook_channel **channel_find(tow_pusher_hook_queue *queue, tow_slice name) {
    hook_channel **at = bucket_of(queue, name);
    while (*at != NULL && ((*at)->length != name.length || memcmp((*at)->name, name.data, name.length) != 0))
        at = &(*at)->next;
    return at;
}

static hook_channel *channel_make(hook_channel **at, tow_slice name) {
    hook_channel *made = malloc(sizeof(*made) + name.length);
    if (made == NULL)
        return NULL;
    *made = (hook_channel){.length = name.length};
    memcpy(made->name, name.data, name.length);
    tow_ring_init(&made->link);
    tow_ring_init(&made->events);
    return *at = made;
}

/* Its first event; NULL: it has none. */
static waiting_event *first_of(const hook_channel *channel) {
    /* The ring lets go of what is freed. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return tow_ring_is_empty(&channel->events)
               ? NULL
               : (waiting_event *)(void *)((char *)channel->events.next - offsetof(waiting_event, link));
}

/* Puts it where its first event says, or frees it where it has none. */
static void channel_settle(tow_pusher_hook_queue *queue, hook_channel *channel) {
    const waiting_event *first = first_of(channel);
    tow_ring_remove(&channel->link);
    if (first == NULL) {
        *channel_find(queue, (tow_slice){channel->name, channel->length}) = channel->next;
        free(channel);
    } else if (first->due == 0)
        tow_ring_add_last(&queue->ready, &channel->link);
    else {
        tow_ring *before = queue->waiting.previous;
        while (before != &queue->waiting && first_of(of(before))->due > first->due)
            before = before->previous;
        tow_ring_add_behind(before, &channel->link);
    }
}

/* Events. */

static waiting_event *event_make(const tow_pusher_hook_event *event, int64_t due) {
    waiting_event *made = malloc(sizeof(*made) + event->user.length + event->json.length);
    if (made == NULL)
        return NULL;
    *made = (waiting_event){.due = due,
        .type = event->type,
        .user_length = event->user.length,
        .json_length = event->json.length};
    if (event->user.length > 0)
        memcpy(made->text, event->user.data, event->user.length);
    memcpy(made->text + event->user.length, event->json.data, event->json.length);
    return made;
}

/* Those that the opposite, or a later one, takes back. */
static bool may_be_taken_back(tow_pusher_hook_type type) {
    return type == TOW_PUSHER_HOOK_VACATED || type == TOW_PUSHER_HOOK_REMOVED ||
           type == TOW_PUSHER_HOOK_COUNT;
}

static waiting_event **end_bucket(
    tow_pusher_hook_queue *queue, const hook_channel *channel, tow_pusher_hook_type type, tow_slice user) {
    uint64_t seed = queue->seed ^ (uintptr_t)channel ^ (uint64_t)type;
    return &queue->ends[tow_hash(user, seed) % TOW_PUSHER_HOOK_BUCKETS];
}

static bool is_for(
    const waiting_event *waiting, const hook_channel *channel, tow_pusher_hook_type type, tow_slice user) {
    return waiting->channel == channel && waiting->type == type && waiting->user_length == user.length &&
           memcmp(waiting->text, user.length > 0 ? user.data : "", user.length) == 0;
}

static void event_add(tow_pusher_hook_queue *queue, hook_channel *channel, waiting_event *event) {
    event->channel = channel;
    tow_ring_add_last(&channel->events, &event->link);
    queue->count++;
    queue->bytes += event->json_length;
    if (!may_be_taken_back(event->type))
        return;
    waiting_event **bucket =
        end_bucket(queue, channel, event->type, (tow_slice){event->text, event->user_length});
    event->same = *bucket;
    *bucket = event;
}

static void channel_take_out(hook_channel *channel) {
    tow_ring_remove(&channel->link);
    tow_ring_init(&channel->link);
}

/* If it is the channel's first the channel is to be settled. */
static void event_free(tow_pusher_hook_queue *queue, waiting_event *event) {
    waiting_event **at =
        end_bucket(queue, event->channel, event->type, (tow_slice){event->text, event->user_length});
    while (*at != NULL && *at != event)
        at = &(*at)->same;
    if (*at != NULL)
        *at = event->same;
    if (event == first_of(event->channel))
        channel_take_out(event->channel);
    tow_ring_remove(&event->link);
    queue->count--;
    queue->bytes -= event->json_length;
    free(event);
}

/* Takes one of this type and user out; false: there is none. */
static bool take_back(
    tow_pusher_hook_queue *queue, hook_channel *channel, tow_pusher_hook_type type, tow_slice user) {
    waiting_event *at = *end_bucket(queue, channel, type, user);
    while (at != NULL && !is_for(at, channel, type, user))
        at = at->same;
    if (at != NULL)
        event_free(queue, at);
    return at != NULL;
}

/* Whether an end that still waits is taken back, so that nothing is to be told. */
static bool is_return(
    tow_pusher_hook_queue *queue, hook_channel *channel, const tow_pusher_hook_event *event) {
    if (event->type == TOW_PUSHER_HOOK_OCCUPIED)
        return take_back(queue, channel, TOW_PUSHER_HOOK_VACATED, event->user);
    if (event->type == TOW_PUSHER_HOOK_ADDED)
        return take_back(queue, channel, TOW_PUSHER_HOOK_REMOVED, event->user);
    if (event->type == TOW_PUSHER_HOOK_COUNT)
        (void)take_back(queue, channel, TOW_PUSHER_HOOK_COUNT, event->user);
    return false;
}

static int64_t due_of(const tow_pusher_hook_event *event, int64_t now) {
    bool waits = event->type == TOW_PUSHER_HOOK_VACATED || event->type == TOW_PUSHER_HOOK_REMOVED;
    return waits ? now + (int64_t)TOW_PUSHER_HOOK_SECONDS * SECOND : 0;
}

int tow_pusher_hook_queue_add(tow_pusher_hook_queue *queue, const tow_pusher_hook_event *event, int64_t now) {
    hook_channel **at = channel_find(queue, event->channel);
    hook_channel *channel = *at != NULL ? *at : channel_make(at, event->channel);
    int error = 0;
    if (channel == NULL)
        return TOW_ERROR_MEMORY;
    if (!is_return(queue, channel, event)) {
        bool is_full =
            queue->count >= queue->max || queue->bytes + event->json.length > TOW_PUSHER_HOOK_BYTES_MAX;
        waiting_event *made = is_full ? NULL : event_make(event, due_of(event, now));
        if (made != NULL)
            event_add(queue, channel, made);
        else
            error = is_full ? TOW_ERROR_LIMIT : TOW_ERROR_MEMORY;
    }
    if (tow_ring_is_empty(&channel->link))
        channel_settle(queue, channel);
    return error;
}

/* What is due. */

int64_t tow_pusher_hook_queue_next(const tow_pusher_hook_queue *queue) {
    if (!tow_ring_is_empty(&queue->ready))
        return 0;
    return tow_ring_is_empty(&queue->waiting) ? INT64_MAX : first_of(of(queue->waiting.next))->due;
}

static void wake(tow_pusher_hook_queue *queue, int64_t now) {
    /* The same. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    while (!tow_ring_is_empty(&queue->waiting) && first_of(of(queue->waiting.next))->due <= now) {
        hook_channel *channel = of(queue->waiting.next);
        first_of(channel)->due = 0;
        channel_settle(queue, channel);
    }
}

int64_t tow_pusher_hook_queue_take(tow_pusher_hook_queue *queue, int64_t now, size_t max, tow_buffer *out) {
    int64_t taken = 0;
    wake(queue, now);
    while ((size_t)taken < max && !tow_ring_is_empty(&queue->ready)) {
        /* The ring lets go of what is freed. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        hook_channel *channel = of(queue->ready.next);
        waiting_event *event = first_of(channel);
        int error = tow_buffer_reserve(out, event->json_length + 1);
        if (error != 0)
            return taken > 0 ? taken : error;
        if (taken++ > 0)
            (void)tow_buffer_append(out, ",", 1);
        (void)tow_buffer_append(out, event->text + event->user_length, event->json_length);
        event_free(queue, event);
        channel_settle(queue, channel);
        wake(queue, now);
    }
    return taken;
}

void tow_pusher_hook_queue_clear(tow_pusher_hook_queue *queue) {
    for (size_t i = 0; i < TOW_PUSHER_HOOK_BUCKETS; i++)
        while (queue->buckets[i] != NULL) {
            hook_channel *channel = queue->buckets[i];
            queue->buckets[i] = channel->next;
            while (!tow_ring_is_empty(&channel->events))
                event_free(queue, first_of(channel));
            free(channel);
        }
    tow_pusher_hook_queue_init(queue, queue->seed, queue->max);
}
