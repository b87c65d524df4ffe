#include "presence.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/protocol.h>

enum { CAPACITY_MIN = 8 };

static int compare(tow_slice one, tow_slice other) {
    size_t length = one.length < other.length ? one.length : other.length;
    int order = length == 0 ? 0 : memcmp(one.data, other.data, length);
    return order != 0 ? order : (one.length > other.length) - (one.length < other.length);
}

static tow_slice user_at(const tow_presence *presence, size_t index) {
    return tow_published_user(presence->items[index]->joined);
}

/* The index of the first user that is not before this one. */
static size_t lower(const tow_presence *presence, tow_slice user) {
    size_t from = 0;
    size_t to = presence->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare(user_at(presence, middle), user) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_at(const tow_presence *presence, size_t index, tow_slice user) {
    return index < presence->count && compare(user_at(presence, index), user) == 0;
}

size_t tow_presence_after(const tow_presence *presence, tow_slice user) {
    size_t index = lower(presence, user);
    return index + is_at(presence, index, user);
}

tow_member tow_present_member(const tow_present *present) {
    return (tow_member){
        .user = tow_published_user(present->joined), .info = tow_published_data(present->joined)};
}

void tow_present_free(tow_present *present) {
    tow_published_release(present->joined);
    tow_published_release(present->left);
    free(present);
}

static int present_new(tow_present **present, tow_slice channel, const tow_member *member) {
    tow_draft draft = {.type = TOW_BINARY, .user = member->user, .data = member->info, .not_kept = true};
    tow_present *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_published_new(&made->joined, TOW_PUBLISHED_JOINED, channel, &draft);
    draft.data = (tow_slice){0};
    if (error == 0)
        error = tow_published_new(&made->left, TOW_PUBLISHED_LEFT, channel, &draft);
    if (error == 0)
        *present = made;
    else
        tow_present_free(made);
    return error;
}

static int reserve(tow_presence *presence) {
    if (presence->count < presence->capacity)
        return 0;
    size_t capacity = presence->capacity == 0 ? CAPACITY_MIN : 2 * presence->capacity;
    tow_present **items = realloc(presence->items, capacity * sizeof(tow_present *));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    presence->items = items;
    presence->capacity = capacity;
    return 0;
}

static int add(tow_presence *presence, tow_present **present, size_t index, tow_slice channel,
    const tow_member *member) {
    tow_present *made;
    int error = reserve(presence);
    if (error == 0)
        error = present_new(&made, channel, member);
    if (error != 0)
        return error;
    memmove(&presence->items[index + 1], &presence->items[index],
        (presence->count - index) * sizeof(tow_present *));
    presence->items[index] = made;
    presence->count++;
    made->leases = 1;
    *present = made;
    return 0;
}

int tow_presence_join(
    tow_presence *presence, tow_present **present, tow_slice channel, const tow_member *member, size_t max) {
    size_t index = lower(presence, member->user);
    if (is_at(presence, index, member->user)) {
        *present = presence->items[index];
        (*present)->leases++;
        return 0;
    }
    return presence->count >= max ? TOW_ERROR_LIMIT : add(presence, present, index, channel, member);
}

bool tow_presence_leave(tow_presence *presence, tow_present *present) {
    assert(present->leases > 0);
    if (--present->leases > 0)
        return false;
    size_t index = lower(presence, tow_published_user(present->joined));
    assert(presence->items[index] == present);
    presence->count--;
    memmove(&presence->items[index], &presence->items[index + 1],
        (presence->count - index) * sizeof(tow_present *));
    return true;
}

void tow_presence_clear(tow_presence *presence) {
    assert(presence->count == 0);
    free(presence->items);
    *presence = (tow_presence){0};
}
