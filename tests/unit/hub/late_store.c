#include "late_store.h"

#include "../unit.h"

#include "base/ring.h"
#include "transport/timer.h"

#include <stdlib.h>
#include <towline/error.h>

enum { LINKS = 2, KEPT_MAX = 1024, USERS_MAX = 64 };

enum { PUBLISH, SUBSCRIBE, HISTORY, MEMBERS, COUNT };

typedef struct user {
    tow_published *joined;
    unsigned leases[LINKS];
} user;

typedef struct channel {
    struct channel *next;
    char name[TOW_CHANNEL_NAME_MAX];
    size_t name_length;
    tow_position position;
    tow_published *kept[KEPT_MAX];
    size_t count;
    user users[USERS_MAX]; /* in order */
    size_t user_count;
    bool is_interesting[LINKS];
} channel;

struct tow_lease {
    tow_ring link; /* in the link's list, or on its way back */
    channel *at;
    char user[TOW_USER_MAX];
    size_t user_length;
};

/* What goes up: a call, the end of an interest, or a lease. */
typedef struct order {
    tow_ring link;
    tow_store_call *call;
    channel *ended; /* NULL: none */
} order;

/* And down: an answer, or what is brought. */
typedef struct parcel {
    tow_ring link;
    tow_store_call *call;
    int error;
    tow_store_result result;
    tow_published *published;
} parcel;

typedef struct late_store {
    tow_store store; /* first */
    late_server *server;
    size_t number;
    tow_ring up;
    tow_ring down;
    tow_ring leases;
    tow_ring returned;
    tow_timer timer;
    bool is_cut;
    bool holds;
    int fail_next;
} late_store;

struct late_server {
    tow_loop *loop;
    uint64_t chance;
    size_t kept;
    size_t max_members;
    late_store *links[LINKS];
    channel *channels;
    size_t count;
};

static unsigned dice(late_server *self, unsigned sides) {
    self->chance = self->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(self->chance >> 33) % sides;
}

static tow_slice name_of(const channel *at) {
    return (tow_slice){at->name, at->name_length};
}

static bool is_same(tow_slice one, tow_slice other) {
    return one.length == other.length && memcmp(one.data, other.data, one.length) == 0;
}

static channel *channel_of(late_server *self, tow_slice name) {
    for (channel *at = self->channels; at != NULL; at = at->next)
        if (is_same(name_of(at), name))
            return at;
    channel *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    made->next = self->channels;
    self->channels = made;
    self->count++;
    memcpy(made->name, name.data, name.length);
    made->name_length = name.length;
    made->position.epoch = 1000 + self->count;
    return made;
}

/* What is on its way. */

static void fired(tow_timer *timer);

static void wake(late_store *link) {
    late_server *server = link->server;
    if (!tow_timer_is_set(&link->timer))
        tow_timer_set(server->loop, &link->timer,
            tow_loop_now(server->loop) + (1 + dice(server, 20)) * (TOW_SECOND / 1000), fired);
}

static parcel *send_down(late_store *link) {
    parcel *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    tow_ring_add_last(&link->down, &made->link);
    wake(link);
    return made;
}

static tow_published *copy(const tow_published *from, const tow_position *position) {
    const tow_draft draft = {.event = tow_published_event(from),
        .type = tow_published_type(from),
        .form = tow_published_form_of(from),
        .data = tow_published_data(from),
        .key = tow_published_key(from),
        .user = tow_published_user(from)};
    tow_published *made;
    assert_int_equal(
        tow_store_read(&made, tow_published_kind_of(from), tow_published_channel(from), &draft), 0);
    tow_store_number(made, position, 1);
    return made;
}

/* Whoever has said it gets the publication itself, with its forms and who is left out. */
static void bring_to_all(
    late_server *self, const channel *at, const late_store *from, tow_published *published) {
    const tow_position position = tow_published_position(published);
    for (size_t i = 0; i < LINKS; i++)
        if (self->links[i] != NULL && at->is_interesting[i])
            send_down(self->links[i])->published =
                self->links[i] == from ? tow_published_retain(published) : copy(published, &position);
}

/* The server. */

static void keep(late_server *self, channel *at, const tow_published *published) {
    if (self->kept == 0)
        return;
    if (at->count == self->kept) {
        tow_published_release(at->kept[0]);
        memmove(at->kept, at->kept + 1, --at->count * sizeof(at->kept[0]));
    }
    at->kept[at->count++] = copy(published, &at->position);
}

static int do_publish(late_store *link, channel *at, const tow_store_call *call, tow_store_result *result) {
    late_server *self = link->server;
    bool is_numbered = tow_store_numbers(call->published);
    at->position.number += is_numbered;
    result->position = (tow_position){at->position.epoch, is_numbered ? at->position.number : 0};
    result->exists = true;
    tow_store_number(call->published, &result->position, 1);
    if (is_numbered)
        keep(self, at, call->published);
    bring_to_all(self, at, link, call->published);
    return 0;
}

static void do_history(late_server *self, const channel *at, const tow_store_ask *ask, bool has_limit,
    tow_store_result *result) {
    (void)self;
    uint64_t oldest = at->position.number - at->count;
    bool is_known = ask->since.epoch == at->position.epoch && ask->since.number <= at->position.number;
    result->exists = true;
    result->position = at->position;
    result->is_whole = ask->since.epoch == 0 || (is_known && ask->since.number >= oldest);
    bool is_behind = ask->since.epoch != 0 && result->is_whole;
    size_t last = ask->limit < at->count ? ask->limit : at->count;
    size_t first = is_behind ? (size_t)(ask->since.number - oldest) : at->count - last;
    size_t count = at->count - first;
    if (has_limit && count > ask->limit) {
        count = ask->limit;
        result->has_more = true;
    }
    if (count == 0)
        return;
    result->published = malloc(count * sizeof(tow_published *));
    for (size_t i = 0; i < count; i++)
        result->published[i] = tow_published_retain(at->kept[first + i]);
    result->count = count;
}

static int compare(tow_slice one, tow_slice other) {
    size_t length = one.length < other.length ? one.length : other.length;
    int difference = memcmp(one.data, other.data, length);
    return difference != 0 ? difference : (int)one.length - (int)other.length;
}

static size_t find_user(const channel *at, tow_slice name) {
    size_t i = 0;
    while (i < at->user_count && compare(tow_published_user(at->users[i].joined), name) < 0)
        i++;
    return i;
}

static void tell(late_server *self, const channel *at, const tow_published *joined, tow_published_kind kind) {
    const tow_draft draft = {
        .type = TOW_BINARY, .user = tow_published_user(joined), .data = tow_published_data(joined)};
    const tow_position none = {at->position.epoch, 0};
    tow_published *event;
    assert_int_equal(tow_store_read(&event, kind, name_of(at), &draft), 0);
    tow_store_number(event, &none, 1);
    bring_to_all(self, at, NULL, event);
    tow_published_release(event);
}

static int do_join(
    late_server *self, channel *at, late_store *link, const tow_member *member, tow_lease **lease) {
    size_t i = find_user(at, member->user);
    bool is_there = i < at->user_count && is_same(tow_published_user(at->users[i].joined), member->user);
    if (!is_there && at->user_count == self->max_members)
        return TOW_ERROR_LIMIT;
    if (!is_there) {
        const tow_draft draft = {.type = TOW_BINARY, .user = member->user, .data = member->info};
        memmove(&at->users[i + 1], &at->users[i], (at->user_count++ - i) * sizeof(user));
        at->users[i] = (user){0};
        assert_int_equal(tow_store_read(&at->users[i].joined, TOW_PUBLISHED_JOINED, name_of(at), &draft), 0);
        tell(self, at, at->users[i].joined, TOW_PUBLISHED_JOINED);
    }
    at->users[i].leases[link->number]++;
    *lease = calloc(1, sizeof(**lease));
    (*lease)->at = at;
    (*lease)->user_length = member->user.length;
    memcpy((*lease)->user, member->user.data, member->user.length);
    tow_ring_add_last(&link->leases, &(*lease)->link);
    return 0;
}

static bool is_held(const user *who) {
    for (size_t i = 0; i < LINKS; i++)
        if (who->leases[i] > 0)
            return true;
    return false;
}

static void settle_user(late_server *self, channel *at, size_t i) {
    tow_published *joined = at->users[i].joined;
    if (is_held(&at->users[i]))
        return;
    memmove(&at->users[i], &at->users[i + 1], (--at->user_count - i) * sizeof(user));
    tell(self, at, joined, TOW_PUBLISHED_LEFT);
    tow_published_release(joined);
}

static void do_members(const channel *at, const tow_store_ask *ask, size_t limit, tow_store_result *result) {
    size_t first = ask->after.length == 0 ? 0 : find_user(at, ask->after);
    if (first < at->user_count && is_same(tow_published_user(at->users[first].joined), ask->after))
        first++;
    size_t left = at->user_count - first;
    size_t count = left < limit ? left : limit;
    result->exists = true;
    result->has_more = left > count;
    result->present = count == 0 ? NULL : malloc(count * sizeof(tow_published *));
    for (size_t i = 0; i < count; i++)
        result->present[i] = tow_published_retain(at->users[first + i].joined);
    result->present_count = count;
}

static int do_subscribe(
    late_server *self, channel *at, late_store *link, const tow_store_ask *ask, tow_store_result *result) {
    at->is_interesting[link->number] = true;
    int error = ask->member == NULL ? 0 : do_join(self, at, link, ask->member, &result->lease);
    if (error != 0)
        return error;
    do_history(self, at, ask, false, result);
    if (ask->wants_members)
        do_members(at, ask, SIZE_MAX, result);
    return 0;
}

static int serve(late_store *link, const tow_store_call *call, tow_store_result *result) {
    late_server *self = link->server;
    channel *at = channel_of(self, call->ask.name);
    switch (call->what) {
    case PUBLISH:
        return do_publish(link, at, call, result);
    case SUBSCRIBE:
        return do_subscribe(self, at, link, &call->ask, result);
    case HISTORY:
        do_history(self, at, &call->ask, true, result);
        return 0;
    case MEMBERS:
        do_members(at, &call->ask, call->ask.limit, result);
        return 0;
    default:
        result->exists = true;
        result->position = at->position;
        result->users = at->user_count;
        return 0;
    }
}

static void serve_order(late_store *link, order *what) {
    if (what->call == NULL) {
        what->ended->is_interesting[link->number] = false;
    } else {
        tow_store_result result = {0};
        int error = link->fail_next != 0 ? link->fail_next : serve(link, what->call, &result);
        parcel *answer = send_down(link);
        *answer = (parcel){.link = answer->link, .call = what->call, .error = error, .result = result};
        link->fail_next = 0;
    }
    free(what);
}

static void take_lease_back(late_store *link, tow_lease *lease) {
    size_t i = find_user(lease->at, (tow_slice){lease->user, lease->user_length});
    channel *at = lease->at;
    free(lease);
    at->users[i].leases[link->number]--;
    settle_user(link->server, at, i);
}

/* The link. */

static tow_ring *take_first(tow_ring *list) {
    tow_ring *first = list->next;
    tow_ring_remove(first);
    return first;
}

static void open_parcel(late_store *link, parcel *what) {
    if (what->published != NULL) {
        assert_int_equal(tow_store_bring(link->store.hub, what->published), 0);
        tow_published_release(what->published);
    } else {
        tow_store_answer(what->call, what->error, &what->result);
    }
    free(what);
}

static void fired(tow_timer *timer) {
    late_store *link = (late_store *)((char *)timer - offsetof(late_store, timer));
    if (link->holds || link->is_cut)
        return;
    for (unsigned i = dice(link->server, 12); i > 0 && !tow_ring_is_empty(&link->up); i--)
        serve_order(link, (order *)(void *)take_first(&link->up));
    for (unsigned i = dice(link->server, 3); i > 0 && !tow_ring_is_empty(&link->returned); i--)
        take_lease_back(link, (tow_lease *)(void *)take_first(&link->returned));
    for (unsigned i = dice(link->server, 12); i > 0 && !tow_ring_is_empty(&link->down); i--)
        open_parcel(link, (parcel *)(void *)take_first(&link->down));
    if (!tow_ring_is_empty(&link->up) || !tow_ring_is_empty(&link->down) ||
        !tow_ring_is_empty(&link->returned))
        wake(link);
}

static order *send_up(late_store *link) {
    order *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    tow_ring_add_last(&link->up, &made->link);
    wake(link);
    return made;
}

static int ask(tow_store *store, const tow_store_ask *asked, unsigned what) {
    late_store *link = (late_store *)store;
    tow_store_call *call;
    if (link->is_cut)
        return TOW_ERROR_REFUSED;
    int error = tow_store_keep(store, asked, &call);
    if (error != 0)
        return error;
    call->what = what;
    send_up(link)->call = call;
    return TOW_STORE_LATER;
}

static int publish(tow_store *store, struct tow_hold *hold, tow_published *published) {
    late_store *link = (late_store *)store;
    tow_store_call *call;
    if (link->is_cut)
        return TOW_ERROR_REFUSED;
    int error = tow_store_keep_publication(store, hold, published, &call);
    if (error != 0)
        return error;
    call->what = PUBLISH;
    send_up(link)->call = call;
    return TOW_STORE_LATER;
}

static int subscribe(tow_store *store, const tow_store_ask *asked, tow_store_result *result) {
    (void)result;
    return ask(store, asked, SUBSCRIBE);
}

static int history(tow_store *store, const tow_store_ask *asked, tow_store_result *result) {
    (void)result;
    return ask(store, asked, HISTORY);
}

static int members(tow_store *store, const tow_store_ask *asked, tow_store_result *result) {
    (void)result;
    return ask(store, asked, MEMBERS);
}

static int count(tow_store *store, const tow_store_ask *asked, tow_store_result *result) {
    (void)result;
    return ask(store, asked, COUNT);
}

static void unsubscribe(tow_store *store, tow_slice name) {
    late_store *link = (late_store *)store;
    if (link->is_cut)
        channel_of(link->server, name)->is_interesting[link->number] = false;
    else
        send_up(link)->ended = channel_of(link->server, name);
}

static void leave(tow_store *store, const tow_store_ask *asked, tow_lease *lease) {
    (void)asked;
    late_store *link = (late_store *)store;
    tow_ring_remove(&lease->link);
    tow_ring_add_last(&link->returned, &lease->link);
    wake(link);
}

static void drop_parcel(parcel *what) {
    if (what->result.lease != NULL) {
        tow_ring_remove(&what->result.lease->link);
        free(what->result.lease);
    }
    for (size_t i = 0; i < what->result.count; i++)
        tow_published_release(what->result.published[i]);
    for (size_t i = 0; i < what->result.present_count; i++)
        tow_published_release(what->result.present[i]);
    free(what->result.published);
    free(what->result.present);
    tow_published_release(what->published);
    if (what->call != NULL)
        tow_store_answer(what->call, TOW_ERROR_REFUSED, NULL);
    free(what);
}

void late_store_cut(tow_store *store) {
    late_store *link = (late_store *)store;
    link->is_cut = true;
    while (!tow_ring_is_empty(&link->up)) {
        order *what = (order *)(void *)take_first(&link->up);
        if (what->call != NULL)
            tow_store_answer(what->call, TOW_ERROR_REFUSED, NULL);
        else
            what->ended->is_interesting[link->number] = false;
        free(what);
    }
    while (!tow_ring_is_empty(&link->down)) {
        parcel *what = (parcel *)(void *)take_first(&link->down);
        tow_lease *lease = what->result.lease;
        if (lease != NULL) {
            tow_ring_remove(&lease->link);
            tow_ring_add_last(&link->returned, &lease->link);
            what->result.lease = NULL;
        }
        drop_parcel(what);
    }
}

void late_store_mend(tow_store *store) {
    late_store *link = (late_store *)store;
    link->is_cut = false;
    for (const channel *at = link->server->channels; at != NULL; at = at->next)
        if (at->is_interesting[link->number])
            tow_store_lose(store->hub, name_of(at));
    wake(link);
}

void late_store_hold(tow_store *store, bool holds) {
    late_store *link = (late_store *)store;
    link->holds = holds;
    wake(link);
}

void late_store_fail_next(tow_store *store, int error) {
    ((late_store *)store)->fail_next = error;
}

static size_t length_of(const tow_ring *list) {
    size_t count = 0;
    for (const tow_ring *link = list->next; link != list; link = link->next)
        count++;
    return count;
}

size_t late_store_waiting(const tow_store *store) {
    const late_store *link = (const late_store *)store;
    return length_of(&link->up) + length_of(&link->down);
}

size_t late_store_leases(const tow_store *store) {
    return length_of(&((const late_store *)store)->leases);
}

size_t late_store_interests(const tow_store *store) {
    const late_store *link = (const late_store *)store;
    size_t count = 0;
    for (const channel *at = link->server->channels; at != NULL; at = at->next)
        count += at->is_interesting[link->number];
    return count;
}

static void free_leases(tow_ring *list) {
    while (!tow_ring_is_empty(list))
        free(take_first(list));
}

static void free_store(tow_store *store) {
    late_store *link = (late_store *)store;
    late_store_cut(store);
    tow_timer_cancel(link->server->loop, &link->timer);
    free_leases(&link->leases);
    free_leases(&link->returned);
    link->server->links[link->number] = NULL;
    for (channel *at = link->server->channels; at != NULL; at = at->next)
        at->is_interesting[link->number] = false;
    free(link);
}

static const tow_store_class late_class = {.publish = publish,
    .subscribe = subscribe,
    .unsubscribe = unsubscribe,
    .history = history,
    .members = members,
    .count = count,
    .leave = leave,
    .free = free_store};

tow_store *late_store_new(late_server *server) {
    late_store *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    made->store.class = &late_class;
    made->server = server;
    while (server->links[made->number] != NULL)
        made->number++;
    assert_true(made->number < LINKS);
    tow_ring_init(&made->up);
    tow_ring_init(&made->down);
    tow_ring_init(&made->leases);
    tow_ring_init(&made->returned);
    server->links[made->number] = made;
    return &made->store;
}

void late_server_expire(late_server *server) {
    for (channel *at = server->channels; at != NULL; at = at->next) {
        for (size_t j = at->user_count; j > 0; j--) {
            for (size_t number = 0; number < LINKS; number++)
                if (server->links[number] == NULL)
                    at->users[j - 1].leases[number] = 0;
            settle_user(server, at, j - 1);
        }
    }
}

late_server *late_server_new(tow_loop *loop, uint64_t seed, size_t kept, size_t max_members) {
    late_server *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    assert_true(kept <= KEPT_MAX && max_members < USERS_MAX);
    made->loop = loop;
    made->chance = seed;
    made->kept = kept;
    made->max_members = max_members;
    return made;
}

void late_server_free(late_server *server) {
    for (channel *at = server->channels, *next; at != NULL; at = next) {
        next = at->next;
        for (size_t j = 0; j < at->count; j++)
            tow_published_release(at->kept[j]);
        for (size_t j = 0; j < at->user_count; j++)
            tow_published_release(at->users[j].joined);
        free(at);
    }
    free(server);
}
