#include "simulated_network.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { DEFAULT_CAPACITY = 64 * 1024, BACKLOG = 128, FIRST_PORT = 20000 };

void tow_network_init(tow_network *network, const tow_simulation_options *options) {
    *network = (tow_network){.options = *options, .chance = options->seed, .next_port = FIRST_PORT};
    if (network->options.stream_capacity == 0)
        network->options.stream_capacity = DEFAULT_CAPACITY;
}

static void free_socket(tow_simulated_socket *socket) {
    free(socket->bytes);
    free(socket);
}

void tow_network_clear(tow_network *network) {
    for (size_t i = 0; i < network->count; i++)
        while (network->sockets[i] != NULL)
            tow_network_close(network, network->sockets[i], true);
    free(network->sockets);
    free(network->ready);
    free(network->stirred);
    network->sockets = NULL;
    network->ready = NULL;
    network->stirred = NULL;
    network->count = 0;
}

uint64_t tow_chance(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t tow_network_chance(tow_network *network, size_t limit) {
    return tow_chance(&network->chance) % limit;
}

/* How much of `length` bytes one call moves: now all, now a few, now any number. */
static size_t cut(tow_network *network, size_t length) {
    if (network->options.whole || length == 0)
        return length;
    switch (tow_network_chance(network, 4)) {
    case 0:
        return 1 + tow_network_chance(network, length);
    case 1:
        return 1 + tow_network_chance(network, length < 16 ? length : 16);
    default:
        return length;
    }
}

/* Descriptors. */

tow_simulated_socket *tow_network_socket(const tow_network *network, int fd) {
    if (!tow_is_simulated_fd(fd) || (size_t)(fd - TOW_SIMULATED_FD) >= network->count)
        return NULL;
    return network->sockets[fd - TOW_SIMULATED_FD];
}

/* One that is not accepted yet has no descriptor. */
void tow_network_stir(tow_network *network, const tow_simulated_socket *socket) {
    if (tow_is_simulated_fd(socket->fd))
        network->stirred[socket->fd - TOW_SIMULATED_FD] = true;
}

void tow_network_put_by(tow_network *network, const tow_simulated_socket *socket) {
    network->stirred[socket->fd - TOW_SIMULATED_FD] = false;
}

static bool has_free_descriptor(const tow_network *network) {
    return network->options.descriptors == 0 || network->open < network->options.descriptors;
}

static int add_descriptors(tow_network *network) {
    size_t count = network->count * 2 + 16;
    int *ready = realloc(network->ready, count * sizeof(*ready));
    if (ready == NULL)
        return TOW_ERROR_MEMORY;
    network->ready = ready;
    bool *stirred = realloc(network->stirred, count * sizeof(*stirred));
    if (stirred == NULL)
        return TOW_ERROR_MEMORY;
    network->stirred = stirred;
    tow_simulated_socket **sockets = realloc(network->sockets, count * sizeof(void *));
    if (sockets == NULL)
        return TOW_ERROR_MEMORY;
    memset(sockets + network->count, 0, (count - network->count) * sizeof(void *));
    memset(stirred + network->count, 0, (count - network->count) * sizeof(*stirred));
    network->sockets = sockets;
    network->count = count;
    return 0;
}

/* Gives the socket the lowest free descriptor. */
static int assign_descriptor(tow_network *network, tow_simulated_socket *socket) {
    size_t index = 0;
    while (index < network->count && network->sockets[index] != NULL)
        index++;
    if (index == network->count && add_descriptors(network) != 0)
        return TOW_ERROR_MEMORY;
    network->sockets[index] = socket;
    network->open++;
    socket->fd = TOW_SIMULATED_FD + (int)index;
    tow_network_stir(network, socket);
    return socket->fd;
}

static tow_simulated_socket *new_socket(size_t capacity) {
    tow_simulated_socket *socket = calloc(1, sizeof(*socket));
    if (socket == NULL || capacity == 0)
        return socket;
    socket->bytes = malloc(capacity);
    if (socket->bytes != NULL)
        return socket;
    free(socket);
    return NULL;
}

static int open_socket(tow_network *network, size_t capacity, tow_simulated_socket **out) {
    if (!has_free_descriptor(network))
        return TOW_ERROR_DESCRIPTORS;
    tow_simulated_socket *socket = new_socket(capacity);
    if (socket == NULL)
        return TOW_ERROR_MEMORY;
    int fd = assign_descriptor(network, socket);
    if (fd < 0)
        free_socket(socket);
    else
        *out = socket;
    return fd;
}

/* Addresses. */

static bool is_equal(const tow_address *a, const tow_address *b) {
    return a->length == b->length && memcmp(&a->storage, &b->storage, a->length) == 0;
}

static bool is_every(const tow_address *address) {
    if (address->storage.ss_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)&address->storage)->sin_addr.s_addr == INADDR_ANY;
    return address->storage.ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(
               &((const struct sockaddr_in6 *)(const void *)&address->storage)->sin6_addr);
}

static bool accepts(const tow_simulated_socket *socket, const tow_address *address) {
    if (is_equal(&socket->local, address))
        return true;
    return is_every(&socket->local) && socket->local.storage.ss_family == address->storage.ss_family &&
           tow_address_port(&socket->local) == tow_address_port(address);
}

/* The listener for an address; chance decides between those that share it. */
static tow_simulated_socket *find_listener(tow_network *network, const tow_address *address) {
    tow_simulated_socket *found = NULL;
    size_t count = 0;
    for (tow_simulated_socket *each = network->listeners; each != NULL; each = each->next)
        if (accepts(each, address) && tow_network_chance(network, ++count) == 0)
            found = each;
    return found;
}

static bool is_used(const tow_network *network, const tow_address *address, bool reuse_port) {
    for (const tow_simulated_socket *each = network->listeners; each != NULL; each = each->next)
        if (is_equal(&each->local, address) && !reuse_port)
            return true;
    return false;
}

static tow_simulated_socket **last_link(tow_simulated_socket **link) {
    while (*link != NULL)
        link = &(*link)->next;
    return link;
}

static uint16_t pick_port(tow_network *network) {
    uint16_t port = network->next_port++;
    if (network->next_port == 0)
        network->next_port = FIRST_PORT;
    return port;
}

int tow_network_listen(
    tow_network *network, const tow_address *address, bool reuse_port, tow_address *bound) {
    tow_address name = *address;
    if (!tow_address_is_unix(&name) && tow_address_port(&name) == 0)
        tow_address_set_port(&name, pick_port(network));
    if (is_used(network, &name, reuse_port))
        return TOW_ERROR_ADDRESS_IN_USE;
    tow_simulated_socket *socket;
    int fd = open_socket(network, 0, &socket);
    if (fd < 0)
        return fd;
    socket->listening = true;
    socket->reuse_port = reuse_port;
    socket->local = name;
    *last_link(&network->listeners) = socket;
    if (bound != NULL)
        *bound = name;
    return fd;
}

/* Connections. */

int tow_network_connect(tow_network *network, const tow_address *address) {
    tow_simulated_socket *socket;
    int fd = open_socket(network, network->options.stream_capacity, &socket);
    if (fd < 0)
        return fd;
    socket->remote = *address;
    socket->local = *address;
    if (tow_address_is_unix(address))
        socket->local.length = sizeof(sa_family_t);
    else
        tow_address_set_port(&socket->local, pick_port(network));
    return fd;
}

int tow_network_arrive(tow_network *network, tow_simulated_socket *socket) {
    tow_simulated_socket *listener = find_listener(network, &socket->remote);
    if (listener == NULL)
        return tow_address_is_unix(&socket->remote) ? TOW_ERROR_NO_FILE : TOW_ERROR_REFUSED;
    if (listener->waiting_count == BACKLOG)
        return 0;
    tow_simulated_socket *peer = new_socket(network->options.stream_capacity);
    if (peer == NULL)
        return TOW_ERROR_REFUSED;
    peer->local = socket->remote;
    peer->remote = socket->local;
    peer->connected = socket->connected = true;
    peer->peer = socket;
    socket->peer = peer;
    *last_link(&listener->waiting) = peer;
    listener->waiting_count++;
    return 1;
}

int tow_network_accept(tow_network *network, tow_simulated_socket *listener) {
    tow_simulated_socket *socket = listener->waiting;
    if (socket == NULL)
        return -EAGAIN;
    if (!has_free_descriptor(network))
        return -EMFILE;
    int fd = assign_descriptor(network, socket);
    if (fd < 0)
        return -ENOMEM;
    listener->waiting = socket->next;
    listener->waiting_count--;
    return fd;
}

static size_t room(const tow_network *network, const tow_simulated_socket *socket) {
    return network->options.stream_capacity - tow_network_untaken(socket);
}

bool tow_network_is_writable(const tow_network *network, const tow_simulated_socket *socket) {
    return room(network, socket) >= (network->options.stream_capacity + 2) / 3;
}

size_t tow_network_untaken(const tow_simulated_socket *socket) {
    return socket->peer == NULL ? 0 : socket->peer->length;
}

static void append(tow_network *network, tow_simulated_socket *to, const uint8_t *bytes, size_t length) {
    size_t capacity = network->options.stream_capacity;
    size_t end = (to->begin + to->length) % capacity;
    size_t first = length < capacity - end ? length : capacity - end;
    memcpy(to->bytes + end, bytes, first);
    memcpy(to->bytes, bytes + first, length - first);
    to->length += length;
    tow_network_stir(network, to);
}

ssize_t tow_network_send(
    tow_network *network, tow_simulated_socket *socket, const struct iovec *pieces, int count) {
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += pieces[i].iov_len;
    if (socket->reset)
        return TOW_ERROR_RESET;
    if (socket->peer == NULL) {
        socket->reset = true;
        tow_network_stir(network, socket);
        return (ssize_t)total;
    }
    size_t most = room(network, socket);
    size_t taken = cut(network, total < most ? total : most);
    size_t left = taken;
    for (int i = 0; left > 0; i++) {
        size_t part = pieces[i].iov_len < left ? pieces[i].iov_len : left;
        append(network, socket->peer, pieces[i].iov_base, part);
        left -= part;
    }
    return (ssize_t)taken;
}

size_t tow_network_receive(tow_network *network, tow_simulated_socket *socket, uint8_t *out, size_t length) {
    size_t capacity = network->options.stream_capacity;
    size_t taken = cut(network, length < socket->length ? length : socket->length);
    size_t first = taken < capacity - socket->begin ? taken : capacity - socket->begin;
    memcpy(out, socket->bytes + socket->begin, first);
    memcpy(out + first, socket->bytes, taken - first);
    socket->begin = (socket->begin + taken) % capacity;
    socket->length -= taken;
    return taken;
}

static void send_fin(tow_network *network, tow_simulated_socket *peer) {
    peer->fin = true;
    tow_network_stir(network, peer);
}

void tow_network_shutdown(tow_network *network, tow_simulated_socket *socket) {
    if (socket->peer != NULL)
        send_fin(network, socket->peer);
}

/* RST overtakes what is on the way, or does not. */
static void send_reset(tow_network *network, tow_simulated_socket *peer) {
    peer->reset = true;
    tow_network_stir(network, peer);
    if (network->options.whole || tow_network_chance(network, 2) == 0)
        peer->length = 0;
}

static void leave_peer(tow_network *network, tow_simulated_socket *socket, bool reset) {
    tow_simulated_socket *peer = socket->peer;
    if (peer == NULL)
        return;
    peer->peer = NULL;
    if (reset || socket->length > 0)
        send_reset(network, peer);
    else
        send_fin(network, peer);
}

static void stop_listening(tow_network *network, const tow_simulated_socket *socket) {
    tow_simulated_socket **link = &network->listeners;
    while (*link != socket)
        link = &(*link)->next;
    *link = socket->next;
}

void tow_network_close(tow_network *network, tow_simulated_socket *socket, bool reset) {
    if (socket->listening)
        stop_listening(network, socket);
    while (socket->waiting != NULL) {
        tow_simulated_socket *unheard = socket->waiting;
        socket->waiting = unheard->next;
        leave_peer(network, unheard, true);
        free_socket(unheard);
    }
    leave_peer(network, socket, reset);
    network->sockets[socket->fd - TOW_SIMULATED_FD] = NULL;
    network->open--;
    free_socket(socket);
}
