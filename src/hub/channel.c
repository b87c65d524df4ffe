#include "channel.h"

#include "part.h"

#include <assert.h>
#include <towline/error.h>

tow_place *tow_channel_place(const tow_channel *channel, const tow_hub_part *part) {
    tow_place *place = channel->subscribers == 0 ? NULL : channel->places;
    while (place != NULL && place->part != part)
        place = place->next;
    return place;
}

static tow_place *first_place(const tow_channel *channel) {
    return channel->subscribers == 0 ? NULL : channel->places;
}

/* Events are for those alone who want them. */
static bool takes(const tow_place *place, const tow_published *published) {
    return published->kind == TOW_PUBLISHED_MESSAGE || place->listeners > 0;
}

int tow_channel_reserve(tow_channel *channel, const tow_published *published) {
    size_t size = tow_published_size(published);
    for (tow_place *place = first_place(channel); place != NULL; place = place->next) {
        if (!takes(place, published))
            continue;
        if (!tow_hub_part_has_room(place->part, size))
            return TOW_ERROR_QUEUE_FULL;
        if (tow_batch_reserve(&place->pending) != 0)
            return TOW_ERROR_MEMORY;
    }
    return 0;
}

void tow_place_post(tow_place *place) {
    if (place->posted)
        return;
    place->posted = true;
    tow_loop_post_letter(place->part->loop, &place->letter);
}

static void leave_at(tow_place *place, tow_published *published) {
    tow_batch_add(place->pending, published);
    tow_hub_part_expect(place->part, tow_published_size(published));
    tow_place_post(place);
}

void tow_channel_spread(tow_channel *channel, tow_published *published) {
    published->order = ++channel->order;
    for (tow_place *place = first_place(channel); place != NULL; place = place->next)
        if (takes(place, published))
            leave_at(place, published);
}

void tow_channel_spread_surely(tow_channel *channel, tow_published *published) {
    published->order = ++channel->order;
    for (tow_place *place = first_place(channel); place != NULL; place = place->next) {
        if (!takes(place, published))
            continue;
        if (tow_batch_reserve(&place->pending) == 0)
            leave_at(place, published);
        else
            tow_place_doom(place, TOW_FATE_LOST);
    }
}

void tow_place_doom(tow_place *place, tow_fate fate) {
    place->fates |= (uint8_t)fate;
    tow_place_post(place);
}

void tow_channel_doom(tow_channel *channel, tow_fate fate) {
    for (tow_place *place = first_place(channel); place != NULL; place = place->next)
        tow_place_doom(place, fate);
}
