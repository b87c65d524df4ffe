/* life: how a part begins and ends, and where its letters arrive. */
#include "answered.h"
#include "give.h"
#include "place.h"
#include "question.h"
#include "state.h"
#include "sweep.h"
#include "turn.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

static void part_free(tow_hub_part *part) {
    tow_slab_clear(&part->asides);
    free(part);
}

/* Letters of a part that has ended come home, the last frees it. */
static void free_when_home(tow_hub_part *part) {
    if (part->hub == NULL && !part->posted && !part->sweep_posted)
        part_free(part);
}

static void turn_arrives(tow_letter *letters) {
    tow_hub_part *part =
        (tow_hub_part *)letters; /* it has one only, but parts of one loop follow each other */
    for (tow_letter *next; part != NULL; part = (tow_hub_part *)next) {
        next = part->letter.next;
        part->posted = false;
        if (part->hub != NULL)
            tow_turn_run(part);
        else
            free_when_home(part);
    }
}

static void turn_drop(tow_letter *letter) {
    tow_hub_part *part = (tow_hub_part *)letter;
    part->posted = false;
    free_when_home(part);
}

static tow_hub_part *part_of_sweep(tow_letter *letter) {
    return (tow_hub_part *)((char *)letter - offsetof(tow_hub_part, sweep_letter));
}

static void sweep_arrives(tow_letter *letters) {
    for (tow_letter *letter = letters, *next; letter != NULL; letter = next) {
        next = letter->next;
        tow_hub_part *part = part_of_sweep(letter);
        part->sweep_posted = false;
        if (part->hub != NULL)
            tow_sweep_begin(part);
        else
            free_when_home(part);
    }
}

static void sweep_drop(tow_letter *letter) {
    tow_hub_part *part = part_of_sweep(letter);
    part->sweep_posted = false;
    free_when_home(part);
}

/* Before anything is published, and nobody else has it. */
static void begin_hub(tow_hub *hub, tow_loop *loop) {
    hub->loop = loop;
    while (hub->seed == 0)
        tow_loop_random(loop, &hub->seed, sizeof(hub->seed));
    while (hub->epoch_seed == 0)
        tow_loop_random(loop, &hub->epoch_seed, sizeof(hub->epoch_seed));
}

int tow_hub_part_begin(tow_hub *hub, size_t number, tow_loop *loop) {
    assert(number < hub->part_count && hub->parts[number] == NULL);
    tow_hub_part *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->letter = (tow_letter){.open = turn_arrives, .drop = turn_drop, .work = 1};
    made->sweep_letter = (tow_letter){.open = sweep_arrives, .drop = sweep_drop, .work = 1};
    made->hub = hub;
    made->open_places = tow_turn_places_arrive;
    made->number = number;
    made->loop = loop;
    made->due_end = &made->due;
    tow_ring_init(&made->fresh);
    tow_ring_init(&made->ready);
    tow_ring_init(&made->questions);
    tow_ring_init(&made->asked);
    tow_slab_init(&made->asides, (sizeof(tow_aside) + 7) / 8 * 8);
    if (hub->loop == NULL)
        begin_hub(hub, loop);
    pthread_mutex_lock(&hub->mutex);
    hub->parts[number] = made;
    pthread_mutex_unlock(&hub->mutex);
    return 0;
}

/* The end: all its subscriptions, found channel by channel, as places are in no list of the part's. */

static tow_place *place_in(tow_shard *shard, const tow_hub_part *part, size_t *bucket) {
    for (; *bucket < shard->bucket_count; (*bucket)++) {
        for (const tow_channel *channel = shard->buckets[*bucket]; channel != NULL; channel = channel->next) {
            tow_place *place = tow_channel_place(channel, part);
            if (place != NULL)
                return place;
        }
    }
    return NULL;
}

/* Buckets are gone through once more when there are more of them meanwhile. */
static tow_place *find_place(tow_shard *shard, const tow_hub_part *part, size_t *bucket, size_t *count) {
    pthread_mutex_lock(&shard->mutex);
    if (*count != shard->bucket_count)
        *bucket = 0;
    *count = shard->bucket_count;
    tow_place *place = place_in(shard, part, bucket);
    pthread_mutex_unlock(&shard->mutex);
    return place;
}

static void end_subscriptions(tow_place *place) {
    place->delivering = true;
    while (place->count > 0)
        tow_give_end((tow_subscription *)((char *)place->subscribers.next - offsetof(tow_subscription, link)),
            TOW_SUBSCRIPTION_OVER);
    place->delivering = false;
    tow_place_settle(place);
}

static void end_all_subscriptions(tow_hub_part *part) {
    for (size_t i = 0; i < TOW_HUB_SHARDS; i++) {
        tow_shard *shard = &part->hub->shards[i];
        size_t bucket = 0;
        size_t count = 0;
        tow_place *place;
        while ((place = find_place(shard, part, &bucket, &count)) != NULL)
            end_subscriptions(place);
    }
}

static void drop_due(tow_hub_part *part) {
    for (tow_letter *letter = part->due, *next; letter != NULL; letter = next) {
        next = letter->next;
        ((tow_place *)letter)->posted = false;
        tow_place_settle((tow_place *)letter);
    }
    part->due = NULL;
    part->due_end = &part->due;
}

void tow_hub_part_end(tow_hub_part *part) {
    if (part == NULL)
        return;
    tow_hub *hub = part->hub;
    pthread_mutex_lock(&hub->mutex); /* others look whether it is, who want channels swept */
    part->is_ending = true;
    pthread_mutex_unlock(&hub->mutex);
    end_all_subscriptions(part);
    tow_answered_settle(part); /* nobody waits for them */
    tow_questions_drop(part);
    drop_due(part);
    tow_sweep_stop(part);
    pthread_mutex_lock(&hub->mutex);
    hub->parts[part->number] = NULL;
    tow_hub_add_counters(&hub->gone, &part->counters);
    part->hub = NULL;
    pthread_mutex_unlock(&hub->mutex);
    free_when_home(part);
}
