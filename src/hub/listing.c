#include "listing.h"

#include <stdlib.h>
#include <towline/error.h>

enum { LOOKED_AT_A_TURN = 4096 };

/* A channel with a copy of its name. */
typedef struct row {
    tow_channel_count count;
    char name[TOW_CHANNEL_NAME_MAX];
} row;

/* Rows are a heap whose first is the last by name, as long as channels are looked at: it goes when there are
 * more than the limit. */
struct tow_hub_listing {
    tow_slice prefix;
    tow_slice after;
    size_t limit;
    size_t next_shard;
    bool has_more;
    bool failed;
    row **rows;
    size_t count;
    size_t capacity;
    tow_channel_count *counts;
};

tow_hub_listing *tow_hub_listing_new(tow_slice prefix, tow_slice after, size_t limit) {
    tow_hub_listing *made = calloc(1, sizeof(*made));
    if (made != NULL)
        *made = (tow_hub_listing){.prefix = prefix, .after = after, .limit = limit};
    return made;
}

void tow_hub_listing_free(tow_hub_listing *listing) {
    if (listing == NULL)
        return;
    for (size_t i = 0; i < listing->count; i++)
        free(listing->rows[i]);
    free(listing->rows);
    free(listing->counts);
    free(listing);
}

static int compare(tow_slice one, tow_slice other) {
    size_t length = one.length < other.length ? one.length : other.length;
    int order = length == 0 ? 0 : memcmp(one.data, other.data, length);
    return order != 0 ? order : (one.length > other.length) - (one.length < other.length);
}

static int compare_rows(const void *one, const void *other) {
    const row *const *a = one;
    const row *const *b = other;
    return compare((*a)->count.name, (*b)->count.name);
}

static bool is_behind(const tow_hub_listing *listing, size_t one, size_t other) {
    return compare(listing->rows[one]->count.name, listing->rows[other]->count.name) > 0;
}

static void swap(tow_hub_listing *listing, size_t one, size_t other) {
    row *between = listing->rows[one];
    listing->rows[one] = listing->rows[other];
    listing->rows[other] = between;
}

static void sift_up(tow_hub_listing *listing, size_t at) {
    for (; at > 0 && is_behind(listing, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(listing, at, (at - 1) / 2);
}

static void sift_down(tow_hub_listing *listing) {
    for (size_t at = 0;;) {
        size_t last = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < listing->count && is_behind(listing, child, last))
                last = child;
        if (last == at)
            return;
        swap(listing, at, last);
        at = last;
    }
}

void tow_hub_listing_count(const tow_channel *channel, tow_channel_count *count) {
    *count = (tow_channel_count){.name = tow_channel_name(channel),
        .subscribers = channel->subscribers,
        .users = channel->presence == NULL ? 0 : channel->presence->count,
        .position = channel->position};
}

static bool is_wanted(const tow_hub_listing *listing, tow_slice name) {
    return (unsigned char)name.data[0] >= ' ' && name.length >= listing->prefix.length &&
           (listing->prefix.length == 0 ||
               memcmp(name.data, listing->prefix.data, listing->prefix.length) == 0) &&
           compare(name, listing->after) > 0;
}

static int reserve(tow_hub_listing *listing) {
    if (listing->count < listing->capacity)
        return 0;
    size_t capacity = listing->capacity == 0 ? 16 : 2 * listing->capacity;
    row **rows = realloc(listing->rows, capacity * sizeof(row *));
    if (rows == NULL)
        return TOW_ERROR_MEMORY;
    listing->rows = rows;
    listing->capacity = capacity;
    return 0;
}

static void add(tow_hub_listing *listing, const tow_channel *channel) {
    row *made = reserve(listing) != 0 ? NULL : malloc(sizeof(*made));
    if (made == NULL) {
        listing->failed = true;
        return;
    }
    tow_hub_listing_count(channel, &made->count);
    memcpy(made->name, made->count.name.data, made->count.name.length);
    made->count.name.data = made->name;
    listing->rows[listing->count] = made;
    sift_up(listing, listing->count++);
}

static void drop_last(tow_hub_listing *listing) {
    free(listing->rows[0]);
    listing->rows[0] = listing->rows[--listing->count];
    sift_down(listing);
}

static void look_at(tow_hub_listing *listing, const tow_channel *channel) {
    tow_slice name = tow_channel_name(channel);
    if (!is_wanted(listing, name) || tow_channel_is_forgotten(channel))
        return;
    bool is_full = listing->count == listing->limit;
    listing->has_more |= is_full;
    if (listing->limit == 0 || (is_full && compare(name, listing->rows[0]->count.name) > 0))
        return;
    if (is_full)
        drop_last(listing);
    add(listing, channel);
}

static size_t look_at_shard(tow_hub_listing *listing, tow_shard *shard) {
    pthread_mutex_lock(&shard->mutex);
    for (size_t i = 0; i < shard->bucket_count; i++)
        for (const tow_channel *channel = shard->buckets[i]; channel != NULL; channel = channel->next)
            look_at(listing, channel);
    size_t count = shard->count;
    pthread_mutex_unlock(&shard->mutex);
    return count;
}

bool tow_hub_listing_go_on(tow_hub_listing *listing, tow_hub *hub) {
    size_t looked_at = 0;
    while (listing->next_shard < TOW_HUB_SHARDS && looked_at < LOOKED_AT_A_TURN)
        looked_at += look_at_shard(listing, &hub->shards[listing->next_shard++]);
    return listing->next_shard == TOW_HUB_SHARDS;
}

void tow_hub_listing_finish(tow_hub_listing *listing, tow_hub_answer *answer) {
    if (listing->count > 0)
        listing->counts = malloc(listing->count * sizeof(*listing->counts));
    if (listing->failed || (listing->count > 0 && listing->counts == NULL)) {
        answer->error = TOW_ERROR_MEMORY;
        return;
    }
    if (listing->count > 0)
        qsort(listing->rows, listing->count, sizeof(row *), compare_rows);
    for (size_t i = 0; i < listing->count; i++)
        listing->counts[i] = listing->rows[i]->count;
    answer->exists = listing->count > 0;
    answer->channels = listing->counts;
    answer->count = listing->count;
    answer->has_more = listing->has_more;
}
