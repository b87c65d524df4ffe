/* post: what other threads have for a connection travels as a letter to its worker, which looks whether the
 * connection is still there. */
#include "connection.h"
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* An id, from its lowest bits: generation, slot, number of the worker. */
enum { SLOT_SHIFT = TOW_GENERATION_BITS, WORKER_SHIFT = SLOT_SHIFT + TOW_SLOT_BITS };

typedef struct post {
    tow_letter letter; /* first */
    tow_worker *worker;
    tow_websocket_id id;
    tow_shared *message; /* NULL: a Close */
    uint16_t code;
    char reason[]; /* of the Close; ends with a zero */
} post;

static uint32_t bits(tow_websocket_id id, int shift, int count) {
    return (uint32_t)(id >> shift) & ((UINT32_C(1) << count) - 1);
}

tow_websocket_id tow_websocket_identify(const tow_websocket *socket) {
    if (socket->behaviour->role != TOW_ROLE_SERVER)
        return 0;
    const tow_connection *connection = (const tow_connection *)socket;
    tow_websocket_id number = (tow_websocket_id)(tow_connection_worker(connection) -
                                                 tow_connection_worker(connection)->server->workers);
    return number << WORKER_SHIFT | (tow_websocket_id)connection->slot << SLOT_SHIFT | connection->generation;
}

static tow_worker *worker_of(tow_server *server, tow_websocket_id id) {
    size_t number = (size_t)(id >> WORKER_SHIFT);
    if (bits(id, 0, TOW_GENERATION_BITS) == 0 || number >= server->worker_count)
        return NULL;
    return &server->workers[number];
}

/* The socket, if its connection is still there. */
static tow_websocket *socket_of(tow_worker *worker, tow_websocket_id id) {
    uint32_t slot = bits(id, SLOT_SHIFT, TOW_SLOT_BITS);
    if (slot >= worker->slots.fresh)
        return NULL;
    tow_connection *connection = tow_slab_at(&worker->slots, slot);
    bool is_there = connection->kind == TOW_CONNECTION_SERVED &&
                    tow_connection_exchange(connection) == NULL &&
                    connection->generation == bits(id, 0, TOW_GENERATION_BITS);
    return is_there ? &connection->socket : NULL;
}

static void post_free(tow_letter *letter) {
    post *self = (post *)letter;
    tow_shared_release(self->message);
    free(self);
}

static void send_message(tow_worker *worker, tow_websocket *socket, tow_shared *message) {
    if (tow_websocket_send_shared(socket, message) == TOW_ERROR_STATE)
        tow_count(&worker->counters.refused_posts);
}

static void post_arrives(tow_letter *letter) {
    post *self = (post *)letter;
    tow_worker_opened(self->worker);
    tow_websocket *socket = socket_of(self->worker, self->id);
    if (socket == NULL)
        tow_count(&self->worker->counters.stale_posts);
    else if (self->message != NULL)
        send_message(self->worker, socket, self->message);
    else
        tow_websocket_close(socket, self->code, self->reason);
    post_free(letter);
}

/* A post with room for a reason of that length. Errors: ARGUMENT, MEMORY. */
static int post_new(post **out, tow_server *server, tow_websocket_id id, size_t reason_length) {
    tow_worker *worker = worker_of(server, id);
    if (worker == NULL)
        return TOW_ERROR_ARGUMENT;
    post *made = calloc(1, sizeof(*made) + reason_length + 1);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->letter = (tow_letter){.open = post_arrives, .drop = post_free, .work = 1};
    made->worker = worker;
    made->id = id;
    *out = made;
    return 0;
}

static int leave(post *made) {
    if (tow_worker_post(made->worker, &made->letter))
        return 0;
    post_free(&made->letter);
    return TOW_ERROR_STATE;
}

int tow_post_shared(tow_server *server, tow_websocket_id id, tow_shared *shared) {
    post *made;
    int error = post_new(&made, server, id, 0);
    if (error != 0)
        return error;
    tow_shared_retain(shared);
    made->message = shared;
    return leave(made);
}

int tow_post_message(tow_server *server, tow_websocket_id id, const tow_message *message) {
    tow_shared *shared;
    int error = tow_shared_new(&shared, message->type, message->data, message->length);
    if (error != 0)
        return error;
    error = tow_post_shared(server, id, shared);
    tow_shared_release(shared);
    return error;
}

int tow_post_close(tow_server *server, tow_websocket_id id, uint16_t code, const char *reason) {
    post *made;
    int error = tow_websocket_close_check(TOW_ROLE_SERVER, code, reason);
    size_t reason_length = error != 0 || reason == NULL ? 0 : strlen(reason);
    if (error == 0)
        error = post_new(&made, server, id, reason_length);
    if (error != 0)
        return error;
    made->code = code;
    if (reason_length > 0)
        memcpy(made->reason, reason, reason_length);
    return leave(made);
}
