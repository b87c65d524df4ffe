#include "backlog.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

enum { CAPACITY_MIN = 16 };

/* What is there moves to the front, in new memory if it has to. */
static int make_room(tow_backlog *backlog, size_t more) {
    if (backlog->capacity - backlog->end >= more)
        return 0;
    size_t capacity = backlog->capacity == 0 ? CAPACITY_MIN : backlog->capacity;
    while (capacity < 2 * (backlog->count + more))
        capacity *= 2;
    tow_waiting *items = malloc(capacity * sizeof(*items));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    size_t end = 0;
    for (size_t i = backlog->first; i < backlog->end; i++)
        if (backlog->items[i].published != NULL)
            items[end++] = backlog->items[i];
    free(backlog->items);
    backlog->items = items;
    backlog->capacity = capacity;
    backlog->first = 0;
    backlog->end = end;
    return 0;
}

static void append(tow_backlog *backlog, tow_published *published) {
    backlog->items[backlog->end++] =
        (tow_waiting){.published = tow_published_retain(published), .key_hash = published->key_hash};
    backlog->count++;
    backlog->bytes += tow_published_size(published);
}

int tow_backlog_load(tow_backlog *backlog, tow_published *const *items, size_t count) {
    int error = make_room(backlog, count);
    for (size_t i = 0; error == 0 && i < count; i++)
        append(backlog, items[i]);
    backlog->loaded = backlog->count;
    backlog->loaded_bytes = backlog->bytes;
    return error;
}

/* The oldest that is there; the reference is the caller's. */
static tow_published *take_oldest(tow_backlog *backlog) {
    assert(backlog->count > 0);
    while (backlog->items[backlog->first].published == NULL)
        backlog->first++;
    tow_published *oldest = backlog->items[backlog->first++].published;
    backlog->count--;
    backlog->bytes -= tow_published_size(oldest);
    if (backlog->loaded > 0) {
        backlog->loaded--;
        backlog->loaded_bytes -= tow_published_size(oldest);
    }
    return oldest;
}

/* Those that are missing are one gap, though others may wait between them: it is told before all of these. */
static void lose(tow_backlog *backlog, tow_published *lost) {
    backlog->has_gap = true;
    backlog->gap.count++;
    if (lost->position.number > backlog->gap.position.number)
        backlog->gap.position = lost->position;
    tow_published_release(lost);
}

/* One that the later one takes the place of. Only one of each key waits; but those that were loaded are as
 * the history has them. */
static void lose_same_key(tow_backlog *backlog, const tow_published *later) {
    for (size_t i = backlog->end; i > backlog->first + backlog->loaded; i--) {
        tow_waiting *waiting = &backlog->items[i - 1];
        backlog->looked_at++;
        if (waiting->key_hash != later->key_hash || waiting->published == NULL ||
            !tow_published_has_same_key(waiting->published, later))
            continue;
        backlog->count--;
        backlog->bytes -= tow_published_size(waiting->published);
        lose(backlog, waiting->published);
        waiting->published = NULL;
        return;
    }
}

static bool is_over(const tow_backlog *backlog, const tow_channel_policy *policy, size_t more) {
    return backlog->count - backlog->loaded >= policy->slow_count ||
           backlog->bytes - backlog->loaded_bytes + more > policy->slow_bytes;
}

int tow_backlog_add(tow_backlog *backlog, tow_published *published, const tow_channel_policy *policy) {
    size_t size = tow_published_size(published);
    if (policy->slow == TOW_SLOW_ENDS && is_over(backlog, policy, size))
        return TOW_ERROR_LIMIT;
    int error = make_room(backlog, 1);
    if (error != 0)
        return error;
    if (policy->slow == TOW_SLOW_LATEST && published->key_hash != 0)
        lose_same_key(backlog, published);
    while (backlog->count > 0 && is_over(backlog, policy, size))
        lose(backlog, take_oldest(backlog));
    append(backlog, published);
    return 0;
}

size_t tow_backlog_take(tow_backlog *backlog, tow_published **out) {
    size_t count = 0;
    for (size_t i = backlog->first; i < backlog->end && count < TOW_BURST_ITEMS_MAX; i++)
        if (backlog->items[i].published != NULL)
            out[count++] = backlog->items[i].published;
    count = tow_burst_fit(out, count);
    for (size_t i = 0; i < count; i++)
        take_oldest(backlog);
    return count;
}

bool tow_backlog_take_gap(tow_backlog *backlog, tow_gap *gap) {
    bool has_gap = backlog->has_gap;
    *gap = backlog->gap;
    backlog->has_gap = false;
    backlog->gap = (tow_gap){0};
    return has_gap;
}

void tow_backlog_clear(tow_backlog *backlog) {
    while (backlog->count > 0)
        tow_published_release(take_oldest(backlog));
    assert(backlog->bytes == 0 && backlog->loaded == 0);
    free(backlog->items);
    *backlog = (tow_backlog){0};
}
