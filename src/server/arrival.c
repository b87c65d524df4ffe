/* arrival: letters are opened on their worker's thread, which looks whether the connections are still there.
 * What came meanwhile for one socket is sent together, so that it leaves in one write: a worker that fell
 * behind catches up. The order for each socket stays. */
#include "post.h"

#include "incoming.h"

#include <stdlib.h>
#include <string.h>

void tow_post_forget(tow_post *self) {
    if (self != NULL && atomic_fetch_sub(&self->holders, 1) == 1)
        free(self);
}

void tow_post_drop(tow_letter *letter) {
    tow_post *self = (tow_post *)letter;
    tow_shared_release(self->message);
    tow_worker_opened(self->worker, self->bytes);
    tow_post_forget(self);
}

tow_websocket *tow_worker_socket(tow_worker *worker, tow_websocket_id id) {
    tow_connection *connection = tow_slab_find(&worker->slots, tow_id_slot(id));
    if (connection == NULL)
        return NULL;
    bool is_socket = connection->kind == TOW_CONNECTION_CARRIED ||
                     (connection->kind == TOW_CONNECTION_SERVED && tow_connection_http1(connection) == NULL);
    return is_socket && connection->generation == tow_id_generation(id) ? &connection->socket : NULL;
}

static void arrive_at(tow_post *self, tow_websocket *socket) {
    if (socket == NULL)
        tow_count(&self->worker->counters.stale_posts);
    else if (self->message != NULL)
        tow_websocket_send_posted(socket, self->message);
    else
        tow_websocket_close(socket, self->code, tow_post_reason(self));
}

/* Letters in a row for the same sockets: socket by socket. */
static void arrive(tow_letter *first, const tow_letter *end) {
    const tow_post *to = (tow_post *)first;
    for (uint32_t i = 0; i < to->count; i++) {
        tow_websocket *socket = tow_worker_socket(to->worker, to->ids[i]);
        for (tow_letter *letter = first; letter != end; letter = letter->next)
            arrive_at((tow_post *)letter, socket);
    }
}

static bool is_like(const tow_post *one, const tow_post *other) {
    return one->worker == other->worker && one->count == other->count &&
           memcmp(one->ids, other->ids, one->count * sizeof(one->ids[0])) == 0;
}

static int compare(const void *one, const void *other) {
    tow_websocket_id a = *(const tow_websocket_id *)one;
    tow_websocket_id b = *(const tow_websocket_id *)other;
    return (a > b) - (a < b);
}

/* Whether an id stands there twice: such letters are opened one by one, for the order at that socket. */
static bool has_twice(const tow_post *self) {
    tow_websocket_id sorted[TOW_LETTER_WORK_MAX];
    memcpy(sorted, self->ids, self->count * sizeof(sorted[0]));
    qsort(sorted, self->count, sizeof(sorted[0]), compare);
    for (uint32_t i = 1; i < self->count; i++) {
        if (sorted[i] == sorted[i - 1])
            return true;
    }
    return false;
}

/* Opens the first of the letters and those behind it that are for the same sockets; returns the rest. */
static tow_letter *open_alike(tow_letter *first) {
    tow_letter *end = first->next;
    bool alone = end == NULL || !is_like((tow_post *)first, (tow_post *)end) || has_twice((tow_post *)first);
    while (!alone && end != NULL && is_like((tow_post *)first, (tow_post *)end))
        end = end->next;
    arrive(first, end);
    while (first != end) {
        tow_letter *opened = first;
        first = first->next;
        tow_post_drop(opened);
    }
    return end;
}

static void close_all(tow_letter *letters) {
    for (; letters != NULL; letters = letters->next) {
        tow_post *self = (tow_post *)letters;
        self->count = atomic_fetch_or(&self->filled, TOW_POST_CLOSED) & ~TOW_POST_CLOSED;
    }
}

void tow_posts_arrive(tow_letter *letters) {
    close_all(letters);
    while (letters != NULL)
        letters = open_alike(letters);
}
