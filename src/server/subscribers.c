#include "subscribers.h"

#include "state.h"
#include "websocket/carrier.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/protocol.h>

/* A socket's subscription. Its `owner` has the chain, and of which kind it is. */
typedef struct socket_subscription {
    tow_subscription subscription; /* first */
    tow_websocket *socket;
} socket_subscription;
_Static_assert(
    sizeof(socket_subscription) + sizeof(uint32_t) <= 64, "with its bucket, an idle one costs this");

/* That a socket subscribes, or does not any more, is more work than a message: see tow_websocket_note_work.
 */
enum { WORK = 16 };

enum { KIND_BITS = 8, LINK_BITS = 32 - KIND_BITS, LINK_MAX = (1 << LINK_BITS) - 1, BUCKETS_MIN = 16 };

static uint32_t link_of(const socket_subscription *one) {
    return one->subscription.owner & LINK_MAX;
}

static void set_link(socket_subscription *one, uint32_t link) {
    one->subscription.owner = (one->subscription.owner & ~(uint32_t)LINK_MAX) | link;
}

static tow_worker *worker_of(const tow_websocket *socket) {
    return tow_websocket_context_owner(tow_websocket_context_of(socket));
}

static tow_worker_channels *channels_of(const tow_websocket *socket) {
    return &worker_of(socket)->channels;
}

static const tow_socket_subscriber *kind_of(const socket_subscription *one) {
    return channels_of(one->socket)->kinds[one->subscription.owner >> LINK_BITS];
}

static socket_subscription *at(const tow_worker_channels *self, uint32_t link) {
    return tow_slab_at(&self->subscriptions, link - 1);
}

/* Chains of what sockets have: a socket's are all in one. */

static uint32_t *bucket_of(const tow_worker_channels *self, const tow_websocket *socket) {
    uint64_t hash = (uint64_t)(uintptr_t)socket * UINT64_C(0x9e3779b97f4a7c15);
    return &self->buckets[(hash >> 32) & (self->bucket_count - 1)];
}

/* Twice as many, once there are three of them in a chain; or as they are, where there is no memory. */
static void grow(tow_worker_channels *self) {
    tow_worker_channels before = *self;
    uint32_t count = before.bucket_count == 0 ? BUCKETS_MIN : 2 * before.bucket_count;
    uint32_t *buckets = calloc(count, sizeof(*buckets));
    if (buckets == NULL)
        return;
    self->buckets = buckets;
    self->bucket_count = count;
    for (uint32_t i = 0; i < before.bucket_count; i++) {
        for (uint32_t link = before.buckets[i], next; link != 0; link = next) {
            socket_subscription *one = at(self, link);
            uint32_t *bucket = bucket_of(self, one->socket);
            next = link_of(one);
            set_link(one, *bucket);
            *bucket = link;
        }
    }
    free(before.buckets);
}

/* The next of a socket, from a link on; 0: there is none. */
static uint32_t find_from(const tow_worker_channels *self, const tow_websocket *socket, uint32_t link) {
    while (link != 0 && at(self, link)->socket != socket)
        link = link_of(at(self, link));
    return link;
}

static uint32_t find_first(const tow_worker_channels *self, const tow_websocket *socket) {
    return self->bucket_count == 0 ? 0 : find_from(self, socket, *bucket_of(self, socket));
}

static bool is_to(const socket_subscription *one, tow_slice name) {
    tow_slice channel = tow_subscription_channel(&one->subscription);
    return channel.length == name.length && memcmp(channel.data, name.data, name.length) == 0;
}

static uint32_t find(const tow_worker_channels *self, const tow_websocket *socket, tow_slice name) {
    uint32_t link = find_first(self, socket);
    while (link != 0 && !is_to(at(self, link), name))
        link = find_from(self, socket, link_of(at(self, link)));
    return link;
}

/* When there are none. */
static void clear(tow_worker_channels *self) {
    tow_slab_clear(&self->subscriptions);
    free(self->buckets);
    self->buckets = NULL;
    self->bucket_count = 0;
}

static void note_change(tow_worker_channels *self, const tow_websocket *socket, int change) {
    if (self->counted == socket)
        self->count += (size_t)change;
}

static void unlink_and_free(tow_worker_channels *self, uint32_t link) {
    const socket_subscription *gone = at(self, link);
    note_change(self, gone->socket, -1);
    uint32_t *bucket = bucket_of(self, gone->socket);
    if (*bucket == link) {
        *bucket = link_of(gone);
    } else {
        uint32_t before = *bucket;
        while (link_of(at(self, before)) != link)
            before = link_of(at(self, before));
        set_link(at(self, before), link_of(gone));
    }
    tow_slab_give(&self->subscriptions, link - 1);
    if (self->subscriptions.used == 0)
        clear(self);
}

/* What the hub tells a socket. */

static void subscribed(tow_subscription *subscription, const tow_subscribed *what) {
    socket_subscription *self = (socket_subscription *)subscription;
    if (kind_of(self)->subscribed != NULL)
        kind_of(self)->subscribed(self->socket, tow_subscription_channel(subscription), what);
}

static void gap(tow_subscription *subscription, const tow_gap *what) {
    socket_subscription *self = (socket_subscription *)subscription;
    if (kind_of(self)->gap != NULL)
        kind_of(self)->gap(self->socket, tow_subscription_channel(subscription), what);
}

static uint64_t identify(const tow_subscription *subscription) {
    return tow_websocket_identify(((const socket_subscription *)subscription)->socket);
}

/* Has no effect on a socket that is not open any more. */
static void close_for(tow_websocket *socket, tow_subscription_end why) {
    static const char *const reasons[] = {
        [TOW_SUBSCRIPTION_SLOW] = "too slow for its channel",
        [TOW_SUBSCRIPTION_REVOKED] = "subscribing to this channel is not allowed any more",
        [TOW_SUBSCRIPTION_REFUSED] = "the channel is not available",
        [TOW_SUBSCRIPTION_FULL] = "the channel has as many members as it may",
        [TOW_SUBSCRIPTION_LOST] = "a message of the channel was lost",
    };
    bool may_come_later = why == TOW_SUBSCRIPTION_REFUSED || why == TOW_SUBSCRIPTION_FULL;
    if (why != TOW_SUBSCRIPTION_OVER)
        tow_websocket_close(
            socket, may_come_later ? TOW_CLOSE_TRY_AGAIN_LATER : TOW_CLOSE_POLICY, reasons[why]);
}

static void tell_ended(
    tow_websocket *socket, const tow_socket_subscriber *kind, tow_slice channel, tow_subscription_end why) {
    if (kind->ended != NULL)
        kind->ended(socket, channel, why);
    else
        close_for(socket, why);
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    const socket_subscription *self = (socket_subscription *)subscription;
    tow_worker_channels *channels = channels_of(self->socket);
    const tow_socket_subscriber *kind = kind_of(self);
    tow_websocket *socket = self->socket;
    uint32_t link = find_first(channels, socket);
    while (at(channels, link) != self)
        link = link_of(at(channels, link));
    unlink_and_free(channels, link);
    tell_ended(socket, kind, tow_subscription_ended_channel(channels->part), why);
}

static bool may_stay(const tow_subscription *subscription) {
    const socket_subscription *self = (const socket_subscription *)subscription;
    const tow_socket_subscriber *kind = kind_of(self);
    return kind->may_stay == NULL || kind->may_stay(self->socket, tow_subscription_channel(subscription));
}

/* A publication that finds no memory is lost: the channel's order is worth more than the connection. */
static bool send_one_by_one(tow_websocket *socket, const tow_encoding *encoding, const tow_burst *burst) {
    for (size_t i = 0; i < tow_burst_count(burst); i++) {
        tow_shared *message = tow_published_form(tow_burst_at(burst, i), encoding);
        if (message == NULL)
            return false;
        tow_websocket_send_posted(socket, message);
    }
    return true;
}

/* A socket with more than the high mark waits for the low one, whichever of its channels that is from:
 * meanwhile their policies hold. */
static bool takes(const tow_subscription *subscription) {
    return !((const socket_subscription *)subscription)->socket->above_high;
}

static const tow_encoding *encoding_of(const socket_subscription *self) {
    const tow_carrier *carrier = self->socket->behaviour->carrier;
    const tow_encoding *encoding = kind_of(self)->encoding;
    return carrier != NULL && carrier->texts_only && encoding == &tow_plain_encoding.encoding
               ? &tow_plain_texts_encoding.encoding
               : encoding;
}

/* The subscription may be gone when something was sent. */
static void deliver(tow_subscription *subscription, tow_burst *burst) {
    const socket_subscription *self = (socket_subscription *)subscription;
    tow_websocket *socket = self->socket;
    const tow_encoding *encoding = encoding_of(self);
    tow_shared *messages = tow_burst_form(burst, encoding);
    if (messages != NULL)
        tow_websocket_send_posted(socket, messages);
    else if (!send_one_by_one(socket, encoding, burst))
        close_for(socket, TOW_SUBSCRIPTION_LOST);
}

static const tow_subscriber socket_subscriber = {.subscribed = subscribed,
    .takes = takes,
    .deliver = deliver,
    .gap = gap,
    .ended = ended,
    .identify = identify,
    .may_stay = may_stay};
/* The same for kinds that do not want to know: such a subscription has nothing to wait for. */
static const tow_subscriber silent_subscriber = {
    .takes = takes, .deliver = deliver, .gap = gap, .ended = ended, .identify = identify, .is_inside = true};

/* What becomes of sockets. */

static void closing(tow_websocket *socket) {
    tow_worker_channels *self = channels_of(socket);
    uint32_t link;
    while ((link = find_first(self, socket)) != 0) {
        tow_unsubscribe(&at(self, link)->subscription);
        unlink_and_free(self, link);
    }
}

static void ready(const tow_websocket *socket, size_t first, size_t end) {
    const tow_worker_channels *self = channels_of(socket);
    uint32_t link = find_first(self, socket);
    for (size_t i = 0; i < end; i++, link = find_from(self, socket, link_of(at(self, link))))
        if (i >= first)
            tow_subscription_ready(&at(self, link)->subscription);
}

/* The channels that come first take what the socket takes: those are others each time, spread evenly. */
static void drained(tow_websocket *socket) {
    size_t count = tow_socket_subscription_count(socket);
    uint32_t turn = channels_of(socket)->turn += UINT32_C(0x9e3779b9);
    size_t first = (size_t)((uint64_t)turn * count >> 32);
    ready(socket, first, count);
    ready(socket, 0, first);
}

static const tow_socket_watcher watcher = {.closing = closing, .drained = drained};

/* Subscribing */

static int kind_number(tow_worker_channels *self, const tow_socket_subscriber *kind) {
    int number = 0;
    while (number < self->kind_count && self->kinds[number] != kind)
        number++;
    if (number == TOW_SOCKET_SUBSCRIBERS_MAX)
        return TOW_ERROR_LIMIT;
    if (number == self->kind_count)
        self->kinds[self->kind_count++] = kind;
    return number;
}

static int socket_check(const tow_websocket *socket) {
    tow_ready_state state = tow_websocket_ready_state(socket);
    if (state == TOW_CONNECTING)
        return TOW_ERROR_CONNECTING;
    if (tow_websocket_context_watcher(tow_websocket_context_of(socket)) != &watcher)
        return TOW_ERROR_ARGUMENT;
    return state == TOW_OPEN ? 0 : TOW_ERROR_CLOSED;
}

static int add(tow_websocket *socket, tow_slice name, const tow_subscriber *subscriber,
    const tow_socket_subscriber *kind, const tow_subscribe_options *options) {
    tow_worker_channels *self = channels_of(socket);
    uint32_t number;
    int kind_index = kind_number(self, kind);
    if (kind_index < 0)
        return kind_index;
    if (self->subscriptions.used >= 2 * self->bucket_count)
        grow(self);
    socket_subscription *made = self->bucket_count == 0 || self->subscriptions.used == LINK_MAX - 1
                                    ? NULL
                                    : tow_slab_take(&self->subscriptions, &number);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->socket = socket;
    made->subscription.owner = (uint32_t)kind_index << LINK_BITS;
    uint32_t *bucket = bucket_of(self, socket);
    set_link(made, *bucket);
    *bucket = number + 1;
    note_change(self, socket, 1);
    int error = tow_subscribe(self->part, &made->subscription, subscriber, name, options);
    if (error != 0)
        unlink_and_free(self, number + 1);
    return error;
}

int tow_socket_subscribe(tow_websocket *socket, tow_slice name, const tow_socket_subscriber *kind,
    const tow_subscribe_options *options) {
    int error = socket_check(socket);
    if (error != 0)
        return error;
    tow_worker_channels *self = channels_of(socket);
    tow_websocket_note_work(socket, WORK);
    if (self->part == NULL || find(self, socket, name) != 0)
        return TOW_ERROR_STATE;
    return add(socket, name, &socket_subscriber, kind, options);
}

int tow_socket_subscribe_silently(tow_websocket *socket, tow_slice name, const tow_socket_subscriber *kind) {
    int error = socket_check(socket);
    if (error != 0)
        return error;
    const tow_worker_channels *self = channels_of(socket);
    if (self->part == NULL)
        return TOW_ERROR_CLOSED;
    return find(self, socket, name) != 0 ? 0 : add(socket, name, &silent_subscriber, kind, NULL);
}

int tow_socket_unsubscribe(tow_websocket *socket, tow_slice name) {
    if (socket_check(socket) != 0)
        return TOW_ERROR_STATE;
    tow_worker_channels *self = channels_of(socket);
    uint32_t link = find(self, socket, name);
    tow_websocket_note_work(socket, WORK);
    if (link == 0)
        return TOW_ERROR_STATE;
    tow_unsubscribe(&at(self, link)->subscription);
    unlink_and_free(self, link);
    return 0;
}

static void end_as_revoked(tow_websocket *socket, uint32_t link) {
    tow_worker_channels *self = channels_of(socket);
    socket_subscription *gone = at(self, link);
    const tow_socket_subscriber *kind = kind_of(gone);
    tow_slice channel = tow_subscription_channel(&gone->subscription);
    char name[TOW_CHANNEL_NAME_MAX];
    memcpy(name, channel.data, channel.length);
    tow_unsubscribe(&gone->subscription);
    unlink_and_free(self, link);
    tell_ended(socket, kind, (tow_slice){name, channel.length}, TOW_SUBSCRIPTION_REVOKED);
}

void tow_socket_sift(tow_websocket *socket, bool (*stays)(tow_websocket *socket, tow_slice channel)) {
    const tow_worker_channels *self = channels_of(socket);
    uint32_t link = find_first(self, socket);
    while (link != 0 && tow_websocket_ready_state(socket) == TOW_OPEN) {
        const socket_subscription *one = at(self, link);
        uint32_t next = find_from(self, socket, link_of(one));
        if (!stays(socket, tow_subscription_channel(&one->subscription)))
            end_as_revoked(socket, link);
        link = next;
    }
}

tow_subscription *tow_socket_subscription(const tow_websocket *socket, tow_slice name) {
    const tow_worker_channels *self = channels_of(socket);
    uint32_t link = find(self, socket, name);
    return link == 0 ? NULL : &at(self, link)->subscription;
}

size_t tow_socket_subscription_count(const tow_websocket *socket) {
    tow_worker_channels *self = channels_of(socket);
    if (self->counted == socket)
        return self->count;
    self->counted = socket;
    self->count = 0;
    for (uint32_t link = find_first(self, socket); link != 0;
         link = find_from(self, socket, link_of(at(self, link))))
        self->count++;
    return self->count;
}

tow_slice tow_socket_channel(const tow_websocket *socket) {
    const tow_worker_channels *self = channels_of(socket);
    uint32_t link = find_first(self, socket);
    if (link == 0)
        return (tow_slice){0};
    return tow_subscription_channel(&at(self, link)->subscription);
}

/* The worker */

int tow_worker_channels_begin(tow_worker *worker) {
    tow_hub *hub = worker->server->hub;
    size_t number = (size_t)(worker - worker->server->workers);
    int error = tow_hub_part_begin(hub, number, worker->loop);
    if (error != 0)
        return error;
    tow_slab_init(&worker->channels.subscriptions, sizeof(socket_subscription));
    worker->channels.part = tow_hub_part_at(hub, number);
    tow_websocket_context_watch(worker->context, &watcher);
    return 0;
}

void tow_worker_channels_end(tow_worker *worker) {
    tow_worker_channels *self = &worker->channels;
    if (self->part == NULL)
        return;
    tow_hub_part_end(self->part);
    assert(self->subscriptions.used == 0);
    clear(self); /* also where there was memory for a part of the first only */
    self->part = NULL;
}

tow_hub_part *tow_websocket_hub(const tow_websocket *socket) {
    return channels_of(socket)->part;
}
