#include "call.h"

#include "told.h"
#include "unheard.h"
#include "watch.h"

#include <stdlib.h>

/* The question */

static char *copy(tow_slice *text, char *at) {
    if (text->length > 0)
        memcpy(at, text->data, text->length);
    text->data = at;
    return at + text->length;
}

static void copy_texts(tow_store_call *call) {
    char *at = copy(&call->ask.name, call->texts);
    at = copy(&call->ask.after, at);
    if (call->ask.member == NULL)
        return;
    call->member = *call->ask.member;
    call->ask.member = &call->member;
    at = copy(&call->member.user, at);
    copy(&call->member.info, at);
}

static size_t size_of(const tow_store_ask *ask, const tow_published *published) {
    size_t member = ask->member == NULL ? 0 : ask->member->user.length + ask->member->info.length;
    return sizeof(tow_store_call) + ask->name.length + ask->after.length + member +
           (published == NULL ? 0 : tow_published_size(published));
}

/* As what is on the way to workers: one alone always may. */
static bool has_room(tow_hub *hub, size_t size) {
    int64_t before = atomic_fetch_add_explicit(&hub->asked_bytes, (int64_t)size, memory_order_relaxed);
    if (before == 0 || before + (int64_t)size <= hub->max_pending)
        return true;
    atomic_fetch_sub_explicit(&hub->asked_bytes, (int64_t)size, memory_order_relaxed);
    return false;
}

static void give_room_back(tow_hub *hub, size_t size) {
    atomic_fetch_sub_explicit(&hub->asked_bytes, (int64_t)size, memory_order_relaxed);
}

static int keep(tow_store *store, const tow_store_ask *ask, tow_published *published, tow_store_call **call) {
    size_t size = size_of(ask, published);
    if (!has_room(store->hub, size))
        return TOW_ERROR_QUEUE_FULL;
    tow_store_call *made = malloc(size);
    if (made == NULL) {
        give_room_back(store->hub, size);
        return TOW_ERROR_MEMORY;
    }
    *made = (tow_store_call){.ask = *ask, .hub = store->hub, .size = size};
    made->published = published == NULL ? NULL : tow_published_retain(published);
    copy_texts(made);
    made->ask.hold = NULL;
    ask->hold->call = *call = made;
    return 0;
}

int tow_store_keep(tow_store *store, const tow_store_ask *ask, tow_store_call **call) {
    return keep(store, ask, NULL, call);
}

int tow_store_keep_publication(
    tow_store *store, tow_hold *hold, tow_published *published, tow_store_call **call) {
    const tow_store_ask ask = {.hold = hold, .name = tow_published_channel(published)};
    return keep(store, &ask, published, call);
}

void tow_call_expect(tow_store_call *call, tow_hub_part *part, void *asker,
    void (*arrive)(tow_store_call *call, tow_hold *hold)) {
    call->part = part;
    call->asker = asker;
    call->arrive = arrive;
}

/* The answer */

void tow_call_give_up(tow_store_call *call, tow_hold *hold) {
    const tow_store_ask ask = {.hold = hold, .name = call->ask.name};
    call->asker = NULL;
    if (call->result.lease != NULL)
        call->hub->store->class->leave(call->hub->store, &ask, call->result.lease);
    call->result.lease = NULL;
}

void tow_call_free(tow_store_call *call) {
    tow_store_result_clear(&call->result);
    tow_published_release(call->published);
    free(call);
}

/* An answer as well: that there are as many members as may be, or that there is no presence. */
static bool is_refused_by_rule(int error) {
    return error == TOW_ERROR_LIMIT || error == TOW_ERROR_UNSUPPORTED;
}

static void count_answer(tow_hub *hub, const tow_store_call *call) {
    bool has_failed = call->error != 0 && !is_refused_by_rule(call->error);
    _Atomic uint64_t *counter = tow_call_is_over_members(call) ? &hub->counters.over_members
                                : has_failed                   ? &hub->counters.store_errors
                                                               : NULL;
    if (counter != NULL)
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void tow_store_answer(tow_store_call *call, int error, const tow_store_result *result) {
    tow_hub *hub = call->hub;
    tow_hold hold = tow_hub_hold(hub, call->ask.name);
    bool is_wanted = call->asker != NULL;
    call->is_answered = true;
    call->error = error;
    if (error == 0)
        call->result = *result;
    give_room_back(hub, call->size);
    count_answer(hub, call);
    if (is_wanted)
        call->arrive(call, &hold);
    else
        tow_call_give_up(call, &hold);
    tow_hub_let_go(&hold);
    if (is_wanted)
        return;
    if (error != 0 && call->published != NULL)
        tow_unheard_note(hub, call);
    tow_call_free(call);
}

/* What comes from a store */

void tow_hub_set_store(tow_hub *hub, tow_store *store) {
    store->hub = hub;
    hub->store = store;
}

int tow_store_read(
    tow_published **published, tow_published_kind kind, tow_slice channel, const tow_draft *draft) {
    return tow_published_new(published, kind, channel, draft);
}

bool tow_store_numbers(const tow_published *published) {
    return !published->not_kept;
}

void tow_store_number(tow_published *published, const tow_position *position, int64_t milliseconds) {
    published->position = *position;
    published->milliseconds = milliseconds;
}

static int bring(tow_hub *hub, tow_channel *channel, tow_published *published) {
    int error = tow_channel_reserve(channel, published);
    if (error != 0)
        return error;
    if (published->position.number != 0)
        channel->position = published->position;
    tow_channel_spread(channel, published);
    if (published->kind == TOW_PUBLISHED_JOINED || published->kind == TOW_PUBLISHED_LEFT) {
        const tow_member member = {tow_published_user(published), tow_published_data(published)};
        tow_watch_member(hub, channel, &member, published->kind == TOW_PUBLISHED_JOINED);
    }
    return 0;
}

int tow_store_bring(tow_hub *hub, tow_published *published) {
    tow_hold hold = tow_hub_hold(hub, tow_published_channel(published));
    bool is_for_somebody = hold.channel != NULL && hold.channel->subscribers > 0;
    int error = is_for_somebody ? bring(hub, hold.channel, published) : 0;
    tow_hub_let_go(&hold);
    return error;
}

void tow_store_lose(tow_hub *hub, tow_slice name) {
    tow_hold hold = tow_hub_hold(hub, name);
    if (hold.channel != NULL)
        tow_channel_doom(hold.channel, TOW_FATE_ALL_LOST);
    tow_hub_let_go(&hold);
}
