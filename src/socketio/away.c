#include "away.h"

#include "identity.h"
#include "past.h"
#include "server/address_table.h"
#include "transport/loop.h"
#include "websocket/websocket.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

struct tow_socketio_away {
    pthread_mutex_t mutex;
    void (*on_over)(tow_socketio_socket *socket);
    size_t max;
    size_t count;
    tow_address_table *addresses; /* how many each has; NULL: nobody has ever been away */
    tow_socketio_socket *buckets[BUCKETS];
};

tow_socketio_away *tow_socketio_away_new(size_t max, void (*on_over)(tow_socketio_socket *socket)) {
    tow_socketio_away *away = calloc(1, sizeof(*away));
    if (away == NULL)
        return NULL;
    away->max = max;
    away->on_over = on_over;
    pthread_mutex_init(&away->mutex, NULL);
    return away;
}

void tow_socketio_away_free(tow_socketio_away *away) {
    if (away == NULL)
        return;
    tow_address_table_free(away->addresses);
    pthread_mutex_destroy(&away->mutex);
    free(away);
}

static tow_socketio_socket **bucket_of(tow_socketio_away *away, const char *id) {
    return &away->buckets[tow_socketio_id_number(id) % BUCKETS];
}

static void take_out(tow_socketio_away *away, tow_socketio_socket *socket) {
    tow_socketio_socket **at = bucket_of(away, tow_socketio_past_id(socket->past));
    while (*at != socket)
        at = &(*at)->next;
    *at = socket->next;
    tow_address_table_leave(away->addresses, socket->address);
    away->count--;
    tow_metric_add(socket->scope->io->metrics.away, -1);
}

void tow_socketio_away_drop(tow_socketio_socket *socket) {
    tow_socketio_away *away = socket->scope->io->away;
    pthread_mutex_lock(&away->mutex);
    take_out(away, socket);
    pthread_mutex_unlock(&away->mutex);
    tow_timer_cancel(socket->loop, &socket->timer);
    away->on_over(socket);
}

static void on_timer(tow_timer *timer) {
    tow_socketio_away_drop(
        (tow_socketio_socket *)(void *)((char *)timer - offsetof(tow_socketio_socket, timer)));
}

/* An address that is alone gets half of the places, the next one half of what is left: however many one has,
 * others find some. */
static bool has_room(tow_socketio_away *away, uint64_t address) {
    size_t left = away->max - away->count;
    return left > 0 && (address == 0 || (size_t)tow_address_table_count(away->addresses, address) < left);
}

/* A loop knows what nobody can predict. */
static int need_addresses(tow_socketio_away *away, tow_loop *loop) {
    uint64_t seed;
    if (away->addresses != NULL)
        return 0;
    tow_loop_random(loop, &seed, sizeof(seed));
    return tow_address_table_new(&away->addresses, INT64_MAX, seed);
}

bool tow_socketio_away_keep(tow_socketio_socket *socket) {
    tow_socketio_away *away = socket->scope->io->away;
    int seconds = socket->scope->io->options.recovery_seconds;
    uint64_t address = tow_websocket_address_key(socket->connection->websocket);
    pthread_mutex_lock(&away->mutex);
    bool is_kept = need_addresses(away, socket->loop) == 0 && has_room(away, address) &&
                   tow_address_table_enter(away->addresses, address) == 0;
    if (is_kept) {
        tow_socketio_socket **bucket = bucket_of(away, tow_socketio_past_id(socket->past));
        socket->next = *bucket;
        *bucket = socket;
        socket->address = address;
        away->count++;
        tow_metric_add(socket->scope->io->metrics.away, 1);
    }
    pthread_mutex_unlock(&away->mutex);
    if (!is_kept) {
        tow_metric_count(socket->scope->io->metrics.over_away);
        return false;
    }
    tow_timer_set(socket->loop, &socket->timer, tow_loop_now(socket->loop) + seconds * TOW_SECOND, on_timer);
    return true;
}

/* In a time that does not tell how much of it is right. */
static bool is_same_id(const char *one, const char *other) {
    unsigned difference = 0;
    for (size_t i = 0; i < TOW_SOCKETIO_ID_LENGTH; i++)
        difference |= (unsigned)(one[i] ^ other[i]);
    return difference == 0;
}

static tow_socketio_socket *find(const tow_socketio_scope *scope, const char *id) {
    tow_socketio_socket *socket = *bucket_of(scope->io->away, id);
    while (socket != NULL && (socket->scope != scope || !is_same_id(tow_socketio_past_id(socket->past), id)))
        socket = socket->next;
    return socket;
}

bool tow_socketio_away_find(
    const tow_socketio_scope *scope, const char id[TOW_SOCKETIO_ID_LENGTH + 1], size_t *worker) {
    tow_socketio_away *away = scope->io->away;
    pthread_mutex_lock(&away->mutex);
    const tow_socketio_socket *socket = find(scope, id);
    if (socket != NULL)
        *worker = socket->worker;
    pthread_mutex_unlock(&away->mutex);
    return socket != NULL;
}

tow_socketio_socket *tow_socketio_away_take(
    const tow_socketio_scope *scope, size_t worker, const char id[TOW_SOCKETIO_ID_LENGTH + 1]) {
    tow_socketio_away *away = scope->io->away;
    pthread_mutex_lock(&away->mutex);
    tow_socketio_socket *socket = find(scope, id);
    if (socket != NULL && socket->worker != worker)
        socket = NULL;
    if (socket != NULL)
        take_out(away, socket);
    pthread_mutex_unlock(&away->mutex);
    if (socket != NULL)
        tow_timer_cancel(socket->loop, &socket->timer);
    return socket;
}
