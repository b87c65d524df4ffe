#include "hook_queue.h"

#include "channel_name.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

enum { SECOND = 1000000000 };

typedef struct waiting_event {
    struct waiting_event *next;
    int64_t due;
    tow_pusher_hook_type type;
    size_t user_length, json_length;
    char text[]; /* the user, and behind it the JSON */
} waiting_event;

typedef struct tow_pusher_hook_channel {
    tow_ring link; /* in `ready` or `waiting`, by its first event */
    struct tow_pusher_hook_channel *next;
    waiting_event *first, *last;
    size_t length;
    char name[];
} hook_channel;

const char *tow_pusher_hook_name(tow_pusher_hook_type type) {
    static const char *const names[] = {"channel_occupied", "channel_vacated", "member_added",
        "member_removed", "client_event", "cache_miss", "subscription_count"};
    return names[type];
}

void tow_pusher_hook_queue_init(tow_pusher_hook_queue *queue) {
    *queue = (tow_pusher_hook_queue){0};
    tow_ring_init(&queue->ready);
    tow_ring_init(&queue->waiting);
}

/* Channels. */

static hook_channel *of(tow_ring *link) {
    return (hook_channel *)(void *)((char *)link - offsetof(hook_channel, link));
}

static hook_channel **bucket_of(tow_pusher_hook_queue *queue, tow_slice name) {
    return &queue->buckets[tow_pusher_hash(name) % TOW_PUSHER_HOOK_BUCKETS];
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
    return *at = made;
}

/* Puts it where its first event says, or frees it where it has none. */
static void channel_settle(tow_pusher_hook_queue *queue, hook_channel *channel) {
    tow_ring_remove(&channel->link);
    if (channel->first == NULL) {
        *channel_find(queue, (tow_slice){channel->name, channel->length}) = channel->next;
        free(channel);
    } else if (channel->first->due == 0)
        tow_ring_add_last(&queue->ready, &channel->link);
    else {
        tow_ring *before = queue->waiting.previous;
        while (before != &queue->waiting && of(before)->first->due > channel->first->due)
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

static void event_free(tow_pusher_hook_queue *queue, waiting_event *event) {
    queue->count--;
    queue->bytes -= event->json_length;
    free(event);
}

static bool is_for(const waiting_event *waiting, tow_pusher_hook_type type, tow_slice user) {
    return waiting->type == type && waiting->user_length == user.length &&
           memcmp(waiting->text, user.length > 0 ? user.data : "", user.length) == 0;
}

/* Takes the first of this type and user out; false: there is none. */
static bool take_back(
    tow_pusher_hook_queue *queue, hook_channel *channel, tow_pusher_hook_type type, tow_slice user) {
    waiting_event *before = NULL, *at = channel->first;
    for (; at != NULL && !is_for(at, type, user); at = at->next)
        before = at;
    if (at == NULL)
        return false;
    if (before == NULL)
        channel->first = at->next;
    else
        before->next = at->next;
    if (channel->last == at)
        channel->last = before;
    event_free(queue, at);
    return true;
}

static void append(tow_pusher_hook_queue *queue, hook_channel *channel, waiting_event *event) {
    if (channel->last == NULL)
        channel->first = event;
    else
        channel->last->next = event;
    channel->last = event;
    queue->count++;
    queue->bytes += event->json_length;
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
    const waiting_event *first = channel->first;
    if (!is_return(queue, channel, event)) {
        bool is_full = queue->count >= TOW_PUSHER_HOOK_EVENTS_MAX ||
                       queue->bytes + event->json.length > TOW_PUSHER_HOOK_BYTES_MAX;
        waiting_event *made = is_full ? NULL : event_make(event, due_of(event, now));
        if (made != NULL)
            append(queue, channel, made);
        else
            error = is_full ? TOW_ERROR_LIMIT : TOW_ERROR_MEMORY;
    }
    if (channel->first != first || first == NULL)
        channel_settle(queue, channel);
    return error;
}

/* What is due. */

int64_t tow_pusher_hook_queue_next(const tow_pusher_hook_queue *queue) {
    if (!tow_ring_is_empty(&queue->ready))
        return 0;
    return tow_ring_is_empty(&queue->waiting) ? INT64_MAX : of(queue->waiting.next)->first->due;
}

static void wake(tow_pusher_hook_queue *queue, int64_t now) {
    while (!tow_ring_is_empty(&queue->waiting) && of(queue->waiting.next)->first->due <= now) {
        hook_channel *channel = of(queue->waiting.next);
        channel->first->due = 0;
        channel_settle(queue, channel);
    }
}

int64_t tow_pusher_hook_queue_take(tow_pusher_hook_queue *queue, int64_t now, size_t max, tow_buffer *out) {
    int64_t taken = 0;
    wake(queue, now);
    while ((size_t)taken < max && !tow_ring_is_empty(&queue->ready)) {
        /* The ring lets go of what is freed. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        hook_channel *channel = of(queue->ready.next);
        waiting_event *event = channel->first;
        int error = tow_buffer_reserve(out, event->json_length + 1);
        if (error != 0)
            return taken > 0 ? taken : error;
        if (taken++ > 0)
            (void)tow_buffer_append(out, ",", 1);
        (void)tow_buffer_append(out, event->text + event->user_length, event->json_length);
        channel->first = event->next;
        if (channel->first == NULL)
            channel->last = NULL;
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
            while (channel->first != NULL) {
                waiting_event *event = channel->first;
                channel->first = event->next;
                event_free(queue, event);
            }
            free(channel);
        }
    tow_pusher_hook_queue_init(queue);
}
