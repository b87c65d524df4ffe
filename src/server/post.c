/* post: what other threads have for connections travels as letters to their workers. */
#include "post.h"

#include "incoming.h"
#include "server/carried.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static size_t worker_number(tow_websocket_id id) {
    return (size_t)(id >> TOW_ID_WORKER_SHIFT);
}

static bool is_id_of(const tow_server *server, tow_websocket_id id) {
    return tow_id_generation(id) != 0 && worker_number(id) < server->worker_count;
}

static size_t size_with(size_t count, size_t more) {
    return sizeof(tow_post) + count * sizeof(tow_websocket_id) + more;
}

/* There is room for it. */
static int post_make(
    tow_post **out, tow_worker *worker, size_t count, tow_shared *message, size_t more, size_t bytes) {
    tow_post *made = malloc(size_with(count, more));
    if (made == NULL) {
        tow_worker_opened(worker, bytes);
        return TOW_ERROR_MEMORY;
    }
    tow_shared_retain(message);
    *made = (tow_post){.letter = {.open = tow_posts_arrive, .drop = tow_post_drop, .work = (uint32_t)count},
        .worker = worker,
        .message = message,
        .bytes = bytes,
        .filled = (uint32_t)count,
        .holders = 1,
        .count = (uint32_t)count};
    *out = made;
    return 0;
}

/* A letter about `count` ids, which are still to be filled in, with `more` bytes behind them; `message` may
 * be NULL. Errors: QUEUE_FULL, MEMORY. */
static int post_new(tow_post **out, tow_worker *worker, size_t count, tow_shared *message, size_t more) {
    size_t bytes = size_with(count, more) + (message != NULL ? tow_shared_length(message) : 0);
    if (!tow_worker_reserve(worker, bytes))
        return TOW_ERROR_QUEUE_FULL;
    return post_make(out, worker, count, message, more, bytes);
}

/* A worker that was lent and takes nothing has no connections: the ids are stale. */
static int put(tow_post *made) {
    if (tow_worker_post(made->worker, &made->letter))
        return 0;
    bool is_idle = made->worker->lent && !atomic_load(&made->worker->server->stopping);
    tow_post_drop(&made->letter);
    return is_idle ? 0 : TOW_ERROR_STATE;
}

/* What was posted before has no ids added any more, and what another thread posts goes before both or behind
 * both. */
static int leave(tow_post *made) {
    tow_row *row = &made->worker->row;
    pthread_mutex_lock(&row->mutex);
    tow_post_forget(row->last);
    row->last = NULL;
    int error = put(made);
    pthread_mutex_unlock(&row->mutex);
    return error;
}

/* A message to one after another: ids are added to the letter that was left last, as long as it is about the
 * same message and was not opened. So telling all of a worker's connections by single calls makes few
 * letters.
 */

static bool add_to_last(tow_worker *worker, tow_websocket_id id, const tow_shared *shared) {
    tow_post *last = worker->row.last;
    if (last == NULL || last->message != shared || !atomic_load(&worker->accepting))
        return false;
    uint32_t filled = atomic_load(&last->filled);
    if (filled >= last->letter.work) /* or closed */
        return false;
    last->ids[filled] = id;
    return atomic_compare_exchange_strong(&last->filled, &filled, filled + 1);
}

/* With room for as many ids as the message went to so far, or the one before it to in all. */
static int begin_letter(tow_worker *worker, tow_websocket_id id, tow_shared *shared) {
    tow_row *row = &worker->row;
    bool goes_on = row->last != NULL && row->last->message == shared;
    size_t room = row->length == 0 ? 1 : row->length;
    tow_post *made;
    int error = post_new(&made, worker, room < TOW_LETTER_WORK_MAX ? room : TOW_LETTER_WORK_MAX, shared, 0);
    if (error != 0)
        return error;
    made->ids[0] = id;
    atomic_init(&made->filled, 1);
    atomic_init(&made->holders, 2);
    tow_post_forget(row->last);
    row->last = made;
    row->length = goes_on ? row->length : 0;
    return put(made);
}

int tow_post_shared(tow_server *server, tow_websocket_id id, tow_shared *shared) {
    if (server == NULL || shared == NULL || !is_id_of(server, id))
        return TOW_ERROR_ARGUMENT;
    tow_worker *worker = &server->workers[worker_number(id)];
    pthread_mutex_lock(&worker->row.mutex);
    int error = add_to_last(worker, id, shared) ? 0 : begin_letter(worker, id, shared);
    worker->row.length += error == 0;
    pthread_mutex_unlock(&worker->row.mutex);
    return error;
}

int tow_post_message(tow_server *server, tow_websocket_id id, const tow_message *message) {
    if (server == NULL || message == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_shared *shared;
    int error = tow_shared_new(&shared, message->type, message->data, message->length);
    if (error != 0)
        return error;
    error = tow_post_shared(server, id, shared);
    tow_shared_release(shared);
    return error;
}

/* One that is owed goes whatever waits. */
static int post_close(
    tow_server *server, tow_websocket_id id, uint16_t code, const char *reason, bool is_owed) {
    tow_post *made;
    if (server == NULL || !is_id_of(server, id))
        return TOW_ERROR_ARGUMENT;
    const char *text = reason == NULL ? "" : reason;
    tow_worker *worker = &server->workers[worker_number(id)];
    size_t bytes = size_with(1, strlen(text) + 1);
    int error = tow_websocket_close_check(TOW_ROLE_SERVER, code, reason);
    if (error == 0 && is_owed)
        tow_worker_expect(worker, bytes);
    else if (error == 0 && !tow_worker_reserve(worker, bytes))
        error = TOW_ERROR_QUEUE_FULL;
    if (error == 0)
        error = post_make(&made, worker, 1, NULL, strlen(text) + 1, bytes);
    if (error != 0)
        return error;
    made->ids[0] = id;
    made->code = code;
    memcpy(tow_post_reason(made), text, strlen(text) + 1);
    return leave(made);
}

int tow_post_close(tow_server *server, tow_websocket_id id, uint16_t code, const char *reason) {
    return post_close(server, id, code, reason, false);
}

int tow_server_close_socket(tow_server *server, tow_websocket_id id, uint16_t code, const char *reason) {
    return post_close(server, id, code, reason, true);
}

/* To many: letters for each worker that has some of them, all of which are made before the first is left. */

/* Of one worker. */
typedef struct share {
    size_t count; /* ids for which there is no letter yet */
    size_t room;  /* for further ids in the last letter */
    tow_post *last;
} share;

typedef struct batch {
    tow_server *server;
    tow_shared *message;
    share *shares; /* of each worker */
    tow_letter *first;
    tow_letter **end;
} batch;

static int count_shares(batch *made, const tow_websocket_id *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!is_id_of(made->server, ids[i]))
            return TOW_ERROR_ARGUMENT;
        made->shares[worker_number(ids[i])].count++;
    }
    return 0;
}

static int add_letter(batch *made, size_t number) {
    share *of = &made->shares[number];
    size_t room = of->count < TOW_LETTER_WORK_MAX ? of->count : TOW_LETTER_WORK_MAX;
    int error = post_new(&of->last, &made->server->workers[number], room, made->message, 0);
    if (error != 0)
        return error;
    of->count -= room;
    of->room = room;
    *made->end = &of->last->letter;
    made->end = &of->last->letter.next;
    return 0;
}

static int add_ids(batch *made, const tow_websocket_id *ids, size_t count) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        share *of = &made->shares[worker_number(ids[i])];
        if (of->room == 0)
            error = add_letter(made, worker_number(ids[i]));
        if (error == 0)
            of->last->ids[of->last->count - of->room--] = ids[i];
    }
    return error;
}

/* Takes all letters back after an error, else leaves them. */
static int finish(const batch *made, int error) {
    int result = error;
    for (tow_letter *letter = made->first, *next; letter != NULL; letter = next) {
        next = letter->next;
        if (error != 0)
            tow_post_drop(letter);
        else if (leave((tow_post *)letter) != 0)
            result = TOW_ERROR_STATE;
    }
    free(made->shares);
    return result;
}

int tow_post_shared_many(tow_server *server, const tow_websocket_id *ids, size_t count, tow_shared *shared) {
    if (server == NULL || shared == NULL || (ids == NULL && count > 0))
        return TOW_ERROR_ARGUMENT;
    batch made = {.server = server, .message = shared, .end = &made.first};
    made.shares = calloc(server->worker_count, sizeof(*made.shares));
    if (made.shares == NULL)
        return TOW_ERROR_MEMORY;
    int error = count_shares(&made, ids, count);
    return finish(&made, error != 0 ? error : add_ids(&made, ids, count));
}

int64_t tow_server_posted_amount(const tow_server *server) {
    int64_t sum = 0;
    for (size_t i = 0; server != NULL && i < server->worker_count; i++)
        sum += atomic_load(&server->workers[i].incoming);
    return sum;
}
