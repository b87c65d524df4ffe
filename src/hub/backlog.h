/* backlog: what waits for one subscriber that takes no more, or not yet, within the bounds of the channel's
 * policy; and what it has lost by that. What was missed while it was away (it resumes) is loaded at the
 * beginning, and no bound applies to that: the history has its own. */
#ifndef TOW_HUB_BACKLOG_H
#define TOW_HUB_BACKLOG_H

#include "burst.h"
#include "hub/policy.h"
#include "hub/subscription.h"

typedef struct tow_waiting {
    tow_published *published; /* a reference; NULL: its place was taken by a later one of its key */
    uint32_t key_hash;
} tow_waiting;

typedef struct tow_backlog { /* zeroed: empty */
    tow_waiting *items;
    size_t capacity;
    size_t first; /* items before it are gone */
    size_t end;
    size_t count;  /* those that are there */
    size_t loaded; /* of these, from the front */
    uint64_t bytes;
    uint64_t loaded_bytes;
    size_t looked_at; /* since somebody asked: items that were gone through for a key */
    bool has_gap;
    tow_gap gap;
} tow_backlog;

static inline bool tow_backlog_is_empty(const tow_backlog *backlog) {
    return backlog->count == 0 && !backlog->has_gap;
}

/* Loads references to those that were missed. Errors: MEMORY (none is loaded). */
int tow_backlog_load(tow_backlog *backlog, tow_published *const *items, size_t count);

/* Adds a reference. Errors: MEMORY, LIMIT (TOW_SLOW_ENDS, and a bound is reached): it is not added. */
int tow_backlog_add(tow_backlog *backlog, tow_published *published, const tow_channel_policy *policy);

/* Takes the next ones that go out together, at most TOW_BURST_ITEMS_MAX; the references are the caller's.
 * Returns how many. */
size_t tow_backlog_take(tow_backlog *backlog, tow_published **out);

/* Takes the gap that is to be told before them. */
bool tow_backlog_take_gap(tow_backlog *backlog, tow_gap *gap);

void tow_backlog_clear(tow_backlog *backlog);

#endif
