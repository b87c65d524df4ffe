#include "history.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

enum { CAPACITY_MIN = 8 };

int tow_history_new(tow_history **home) {
    *home = calloc(1, sizeof(**home));
    if (*home == NULL)
        return TOW_ERROR_MEMORY;
    (*home)->home = home;
    return 0;
}

void tow_history_free(tow_history *history) {
    while (history->count > 0)
        tow_history_drop_oldest(history);
    if (history->link.next != NULL)
        tow_ring_remove(&history->link);
    *history->home = NULL;
    free(history->items);
    free(history);
}

tow_published *tow_history_at(const tow_history *history, size_t index) {
    assert(index < history->count);
    return history->items[(history->first + index) & (history->capacity - 1)];
}

int tow_history_reserve(tow_history *history) {
    if (history->count < history->capacity)
        return 0;
    size_t capacity = history->capacity == 0 ? CAPACITY_MIN : 2 * history->capacity;
    tow_published **items = malloc(capacity * sizeof(tow_published *));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < history->count; i++)
        items[i] = tow_history_at(history, i);
    free(history->items);
    history->items = items;
    history->capacity = capacity;
    history->first = 0;
    return 0;
}

void tow_history_add(tow_history *history, tow_published *published) {
    assert(history->count < history->capacity);
    history->items[(history->first + history->count) & (history->capacity - 1)] =
        tow_published_retain(published);
    history->count++;
    history->bytes += tow_published_size(published);
}

void tow_history_drop_oldest(tow_history *history) {
    tow_published *oldest = tow_history_at(history, 0);
    history->bytes -= tow_published_size(oldest);
    history->first = (history->first + 1) & (history->capacity - 1);
    history->count--;
    tow_published_release(oldest);
}

static bool is_over(const tow_history *history, const tow_channel_policy *policy, int64_t now) {
    int64_t oldest = now - (int64_t)policy->history_seconds * 1000;
    return history->count > policy->history_count || history->bytes > policy->history_bytes ||
           tow_history_at(history, 0)->milliseconds < oldest;
}

void tow_history_prune(tow_history *history, const tow_channel_policy *policy, int64_t now) {
    while (history->count > 0 && is_over(history, policy, now))
        tow_history_drop_oldest(history);
}
