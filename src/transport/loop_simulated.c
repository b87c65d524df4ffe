/* loop_simulated: the loop over the simulated network, in virtual time.
 *
 * In each round chance decides which of the sockets that are ready hear of it, and in which order; time
 * passes a little. When nothing is ready, time jumps to the next timer. The same seed and the same program
 * give the same run. Several loops may share a network and its time: then no timer of another is jumped over.
 */
#include "loop_shared.h"
#include "simulated_network.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { BUFFER_SIZE = 64 * 1024, ROUND_MICROSECONDS = 100 };

/* Where virtual time begins: neither clock is ever zero. */
#define START_CLOCK (1000 * TOW_SECOND)
#define START_WALL_SECONDS INT64_C(1700000000)

typedef struct simulated_loop simulated_loop;

/* What the loops of one simulation have in common. */
typedef struct simulation {
    tow_network network;
    int64_t clock;
    uint64_t random; /* for tow_loop_random: what the program draws does not change the network's chances */
    simulated_loop *loops;
} simulation;

struct simulated_loop {
    tow_loop loop;
    simulation *simulation;
    simulated_loop *next; /* of those that share it */
    uint8_t buffer[BUFFER_SIZE];
};

static simulated_loop *of(tow_loop *loop) {
    return (simulated_loop *)loop;
}

static tow_network *network_of(tow_loop *loop) {
    return &of(loop)->simulation->network;
}

static tow_simulated_socket *socket_of(const tow_stream *stream) {
    return tow_network_socket(network_of(stream->loop), stream->fd);
}

/* Streams. */

static int start(tow_stream *stream) {
    tow_simulated_socket *socket = socket_of(stream);
    if (socket == NULL || !socket->connected || socket->owner != NULL)
        return TOW_ERROR_SYSTEM;
    socket->owner = stream;
    tow_network_stir(network_of(stream->loop), socket);
    return 0;
}

static int start_connect(tow_stream *stream, const tow_address *address) {
    int fd = tow_network_connect(network_of(stream->loop), address);
    if (fd < 0)
        return fd;
    stream->fd = fd;
    socket_of(stream)->owner = stream;
    return 0;
}

static ssize_t send_pieces(tow_stream *stream, const struct iovec *pieces, int count) {
    tow_count(&stream->loop->counters.writes);
    return tow_network_send(network_of(stream->loop), socket_of(stream), pieces, count);
}

static void update(tow_stream *stream) {
    const tow_simulated_socket *socket = socket_of(stream);
    if (socket != NULL)
        tow_network_stir(network_of(stream->loop), socket);
}

static void shut_down(tow_stream *stream) {
    tow_network_shutdown(network_of(stream->loop), socket_of(stream));
}

static void release(tow_stream *stream) {
    socket_of(stream)->owner = NULL;
}

static bool close_stream(tow_stream *stream) {
    if (stream->fd < 0)
        return true;
    tow_network_close(network_of(stream->loop), socket_of(stream), stream->flags & STREAM_RESET);
    tow_loop_descriptor_closed(stream->loop);
    return true;
}

static size_t untaken(const tow_stream *stream) {
    return tow_network_untaken(socket_of(stream));
}

static bool is_quiet(tow_stream *stream) {
    const tow_simulated_socket *socket = socket_of(stream);
    return socket->length == 0 && !socket->fin && !socket->reset;
}

static int peer(const tow_stream *stream, tow_address *address) {
    *address = socket_of(stream)->remote;
    return 0;
}

static int local(const tow_stream *stream, tow_address *address) {
    *address = socket_of(stream)->local;
    return 0;
}

static const tow_stream_class streams = {
    .start = start,
    .connect = start_connect,
    .send = send_pieces,
    .update = update,
    .shutdown = shut_down,
    .close = close_stream,
    .release = release,
    .untaken = untaken,
    .is_quiet = is_quiet,
    .peer = peer,
    .local = local,
};

/* What a socket is ready for. */

typedef enum readiness { NOTHING, TO_CONNECT, TO_ACCEPT, TO_FAIL, TO_READ, TO_HEAR_FIN, TO_WRITE } readiness;

static bool waits_for_room(const tow_stream *stream) {
    return (stream->flags & (STREAM_BLOCKED | STREAM_RESTING)) == STREAM_BLOCKED;
}

static const tow_loop *loop_of(const tow_simulated_socket *socket) {
    return socket->listening ? ((const tow_listener *)socket->owner)->loop
                             : ((const tow_stream *)socket->owner)->loop;
}

static readiness stream_readiness(const tow_network *network, const tow_simulated_socket *socket) {
    const tow_stream *stream = socket->owner;
    if (stream->flags & (STREAM_CLOSED | STREAM_FAILED))
        return NOTHING;
    if (!socket->connected)
        return TO_CONNECT;
    bool readable = !(stream->flags & STREAM_DEAF);
    if (socket->reset && (!readable || socket->length == 0))
        return TO_FAIL;
    if (readable && (socket->length > 0 || socket->fin))
        return TO_READ;
    if (socket->fin && tow_stream_awaits_fin(stream))
        return TO_HEAR_FIN;
    if (waits_for_room(stream) && tow_network_is_writable(network, socket))
        return TO_WRITE;
    return NOTHING;
}

static readiness readiness_of(const tow_network *network, const tow_simulated_socket *socket) {
    if (socket == NULL || socket->owner == NULL)
        return NOTHING;
    if (!socket->listening)
        return stream_readiness(network, socket);
    const tow_listener *listener = socket->owner;
    return socket->waiting != NULL && listener->armed ? TO_ACCEPT : NOTHING;
}

/* Nothing comes before the network or its owner stirs it. */
static bool is_put_by(const tow_simulated_socket *socket) {
    return !socket->listening && socket->connected && socket->length == 0 && !socket->fin && !socket->reset &&
           !(((const tow_stream *)socket->owner)->flags & STREAM_BLOCKED);
}

/* A stream that is always readable must not keep itself from writing. */
static readiness choose(simulated_loop *self, const tow_simulated_socket *socket) {
    readiness ready = readiness_of(&self->simulation->network, socket);
    if (ready != TO_READ)
        return ready;
    const tow_stream *stream = socket->owner;
    if (!waits_for_room(stream) || !tow_network_is_writable(&self->simulation->network, socket))
        return ready;
    return tow_network_chance(&self->simulation->network, 2) == 0 ? TO_READ : TO_WRITE;
}

/* Delivery. */

static void send_reply(tow_stream *stream) {
    if (stream->cork_first != 0)
        tow_stream_send_cork(stream);
}

static void connect_arrives(simulated_loop *self, tow_simulated_socket *socket) {
    tow_stream *stream = socket->owner;
    int result = tow_network_arrive(&self->simulation->network, socket);
    if (result < 0)
        tow_stream_fail(stream, result);
    else if (result > 0)
        tow_stream_unblock(stream);
}

static void receive(simulated_loop *self, tow_simulated_socket *socket) {
    tow_stream *stream = socket->owner;
    if (socket->length == 0) {
        tow_stream_end(stream);
        return;
    }
    uint8_t *buffer = NULL;
    size_t length = 0;
    if (stream->events->receive_into != NULL)
        buffer = stream->events->receive_into(stream, &length);
    if (buffer == NULL) {
        buffer = self->buffer;
        length = BUFFER_SIZE;
    }
    tow_stream_deliver(
        stream, buffer, tow_network_receive(&self->simulation->network, socket, buffer, length));
}

static void accept_one(simulated_loop *self, tow_simulated_socket *socket) {
    tow_listener_accepted(socket->owner, tow_network_accept(&self->simulation->network, socket));
}

static void dispatch(simulated_loop *self, int fd) {
    tow_simulated_socket *socket = tow_network_socket(&self->simulation->network, fd);
    readiness ready = choose(self, socket);
    tow_stream *stream = socket != NULL && !socket->listening ? socket->owner : NULL;
    switch (ready) {
    case NOTHING:
        return;
    case TO_ACCEPT:
        accept_one(self, socket);
        return;
    case TO_CONNECT:
        connect_arrives(self, socket);
        break;
    case TO_FAIL:
        tow_stream_fail(stream, TOW_ERROR_RESET);
        break;
    case TO_READ:
        receive(self, socket);
        break;
    case TO_HEAR_FIN:
        tow_stream_tell_fin(stream);
        break;
    case TO_WRITE:
        tow_stream_unblock(stream);
        break;
    }
    send_reply(stream);
}

/* Lists the loop's descriptors that are ready, and returns how many. */
static size_t find_ready(simulated_loop *self) {
    tow_network *network = &self->simulation->network;
    size_t count = 0;
    for (size_t i = 0; i < network->count; i++) {
        const tow_simulated_socket *socket = network->stirred[i] ? network->sockets[i] : NULL;
        if (socket == NULL || socket->owner == NULL)
            continue;
        if (is_put_by(socket))
            tow_network_put_by(network, socket);
        else if (readiness_of(network, socket) != NOTHING && loop_of(socket) == &self->loop)
            network->ready[count++] = TOW_SIMULATED_FD + (int)i;
    }
    return count;
}

static void shuffle(simulated_loop *self, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = tow_network_chance(&self->simulation->network, i);
        int fd = self->simulation->network.ready[i - 1];
        self->simulation->network.ready[i - 1] = self->simulation->network.ready[j];
        self->simulation->network.ready[j] = fd;
    }
}

/* The first hears in any case, the others perhaps later. */
static void deliver(simulated_loop *self, size_t count) {
    bool whole = self->simulation->network.options.whole;
    if (!whole)
        shuffle(self, count);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || whole || tow_network_chance(&self->simulation->network, 4) != 0)
            dispatch(self, self->simulation->network.ready[i]);
}

static void flush(tow_loop *loop) {
    tow_cork *cork = &loop->cork;
    for (uint32_t i = 0; i < cork->count; i++)
        if (cork->segments[i].stream != NULL)
            tow_stream_send_cork(cork->segments[i].stream);
}

/* Of a loop that is being freed: whatever else there may be to do is not done any more. */
static int64_t last_patience(simulated_loop *self) {
    int64_t deadline = tow_timer_wheel_next(&self->loop.timers);
    if (self->loop.attention != NULL)
        return 0;
    if (deadline == INT64_MAX)
        return -1;
    return deadline > self->simulation->clock ? deadline - self->simulation->clock : 0;
}

static bool has_nothing(tow_loop *loop) {
    return loop->open == 0 && loop->timers.count == 0 && tow_mailbox_is_empty(&loop->mailbox) &&
           tow_mailbox_is_empty(&loop->letters);
}

/* Time does not jump over what another loop has to do. */
static int64_t patience_of_all(simulated_loop *self) {
    int64_t patience = tow_loop_patience(&self->loop);
    for (simulated_loop *other = self->simulation->loops; other != NULL; other = other->next) {
        if (other == self || has_nothing(&other->loop))
            continue;
        int64_t theirs = find_ready(other) > 0 ? 0 : tow_loop_patience(&other->loop);
        if (theirs >= 0 && (patience < 0 || theirs < patience))
            patience = theirs;
    }
    return patience;
}

/* Nothing is ready. Returns an error if nothing will ever happen. */
static int pass_time(simulated_loop *self, bool wait) {
    int64_t patience = self->loop.ends ? last_patience(self) : patience_of_all(self);
    if (patience > 0)
        self->simulation->clock += patience;
    return patience < 0 && wait ? TOW_ERROR_STATE : 0;
}

static int turn(tow_loop *loop, bool wait) {
    simulated_loop *self = of(loop);
    int error = 0;
    flush(loop);
    size_t count = find_ready(self);
    if (count > 0)
        self->simulation->clock +=
            1000 * (int64_t)(1 + tow_network_chance(&self->simulation->network, ROUND_MICROSECONDS));
    else
        error = pass_time(self, wait);
    if (error != 0)
        return error;
    loop->now = self->simulation->clock;
    deliver(self, count);
    return 0;
}

/* Listeners. */

static int listen_at(
    tow_loop *loop, const tow_address *address, const tow_listen_options *options, tow_address *bound) {
    return tow_network_listen(network_of(loop), address, options->reuse_port, bound);
}

static int listener_start(tow_listener *listener) {
    tow_simulated_socket *socket = tow_network_socket(network_of(listener->loop), listener->fd);
    if (socket == NULL || !socket->listening || socket->owner != NULL)
        return TOW_ERROR_SYSTEM;
    socket->owner = listener;
    listener->armed = true;
    return 0;
}

static bool listener_arm(tow_listener *listener, bool armed) {
    listener->armed = armed;
    return true;
}

static void discard(tow_loop *loop, int fd) {
    tow_network *network = network_of(loop);
    tow_simulated_socket *socket = tow_network_socket(network, fd);
    if (socket != NULL)
        tow_network_close(network, socket, false);
}

static void listener_stop(tow_listener *listener) {
    discard(listener->loop, listener->fd);
}

/* The system's descriptors are not of this world. */
static int watch_start(tow_watch *watch) {
    (void)watch;
    return TOW_ERROR_UNSUPPORTED;
}

static void watch_stop(tow_watch *watch) {
    (void)watch;
}

static int descriptor(tow_loop *loop) {
    (void)loop;
    return TOW_ERROR_UNSUPPORTED;
}

static void arm(tow_loop *loop, int64_t deadline) {
    (void)loop;
    (void)deadline;
}

/* Time and chance. */

static int64_t virtual_clock(const tow_loop *loop) {
    return ((const simulated_loop *)loop)->simulation->clock;
}

static int64_t virtual_wall_milliseconds(const tow_loop *loop) {
    return INT64_C(1000) * START_WALL_SECONDS + (virtual_clock(loop) - START_CLOCK) / TOW_MILLISECOND;
}

static void seeded_random(tow_loop *loop, void *out, size_t length) {
    uint8_t *bytes = out;
    while (length > 0) {
        uint64_t number = tow_chance(&of(loop)->simulation->random);
        size_t part = length < sizeof(number) ? length : sizeof(number);
        memcpy(bytes, &number, part);
        bytes += part;
        length -= part;
    }
}

/* The network goes with its last loop. */
static void leave_simulation(simulated_loop *self) {
    simulation *shared = self->simulation;
    simulated_loop **link = &shared->loops;
    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    if (shared->loops != NULL)
        return;
    tow_network_clear(&shared->network);
    free(shared);
}

static void free_loop(tow_loop *loop) {
    leave_simulation(of(loop));
    tow_loop_clear(loop);
    free(of(loop));
}

static const tow_loop_kind kind = {
    .name = "simulated",
    .streams = &streams,
    .free = free_loop,
    .turn = turn,
    .flush = flush,
    .fd = descriptor,
    .arm = arm,
    .clock = virtual_clock,
    .wall_milliseconds = virtual_wall_milliseconds,
    .random = seeded_random,
    .listen = listen_at,
    .listener_start = listener_start,
    .listener_stop = listener_stop,
    .listener_arm = listener_arm,
    .discard = discard,
    .watch_start = watch_start,
    .watch_stop = watch_stop,
};

static simulation *simulation_new(const tow_simulation_options *options) {
    simulation *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    tow_network_init(&made->network, options);
    made->clock = START_CLOCK;
    made->random = ~options->seed;
    return made;
}

static int join_simulation(simulated_loop *self, simulation *shared) {
    if (shared == NULL)
        return TOW_ERROR_MEMORY;
    self->simulation = shared;
    self->next = shared->loops;
    shared->loops = self;
    int error = tow_loop_init(&self->loop, &kind, false);
    if (error != 0)
        leave_simulation(self);
    return error;
}

int tow_loop_new_simulated(tow_loop **loop, const tow_simulation_options *options) {
    static const tow_simulation_options defaults;
    simulated_loop *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    if (options == NULL)
        options = &defaults;
    int error = join_simulation(
        self, options->with != NULL ? of(options->with)->simulation : simulation_new(options));
    if (error != 0) {
        free(self);
        return error;
    }
    *loop = &self->loop;
    return 0;
}
