#include "tls_waiting.h"

#include "tls_failure.h"

#include <stdlib.h>
#include <towline/error.h>

enum { BYTES_MAX = 64 * 1024 }; /* of one that waits: more than a read brings, and than any ClientHello has */

struct tow_tls_waiting {
    tow_tls_waiting *next;      /* came later */
    tow_tls_waiting **previous; /* what points here */
    tow_tls_stream *tls;
    tow_buffer bytes;
};

static void take_out(tow_tls_loop *shared, tow_tls_waiting *waiting) {
    *waiting->previous = waiting->next;
    if (waiting->next != NULL)
        waiting->next->previous = waiting->previous;
    else
        shared->waiting_end = waiting->previous;
}

static void free_waiting(tow_tls_waiting *waiting) {
    tow_buffer_clear(&waiting->bytes);
    free(waiting);
}

void tow_tls_waiting_end(tow_tls_stream *tls) {
    if (tls->waiting == NULL)
        return;
    take_out(tow_tls_shared(tls), tls->waiting);
    free_waiting(tls->waiting);
    tls->waiting = NULL;
}

/* Whether one more may begin now. */
static bool enter_round(tow_tls_loop *shared, const tow_loop *loop) {
    if (shared->round != loop->counters.rounds) {
        shared->round = loop->counters.rounds;
        shared->begun = 0;
    }
    return shared->begun < TOW_TLS_ROUND && ++shared->begun > 0;
}

static void go_on(tow_timer *timer);

static void wait_for_round(tow_tls_loop *shared, tow_loop *loop) {
    if (!tow_timer_is_set(&shared->timer))
        tow_timer_set(loop, &shared->timer, tow_loop_now(loop), go_on);
}

/* The oldest, as if it had come just now. */
static void deliver(tow_tls_waiting *waiting) {
    tow_stream *inner = &waiting->tls->layer.inner;
    take_out(tow_tls_shared(waiting->tls), waiting);
    waiting->tls->waiting = NULL;
    inner->events->on_bytes(inner, waiting->bytes.data, waiting->bytes.length);
    free_waiting(waiting);
}

static void go_on(tow_timer *timer) {
    tow_tls_loop *shared = (tow_tls_loop *)(void *)((char *)timer - offsetof(tow_tls_loop, timer));
    tow_loop *loop = shared->loop;
    shared->is_theirs = true;
    for (int i = 0; i < TOW_TLS_ROUND && shared->waiting != NULL; i++)
        deliver(shared->waiting); // NOLINT(clang-analyzer-unix.Malloc): take_out lets go of what is freed
    shared->is_theirs = false;
    if (shared->waiting != NULL)
        wait_for_round(shared, loop);
}

static tow_tls_waiting *waiting_new(tow_tls_stream *tls) {
    tow_tls_loop *shared = tow_tls_shared(tls);
    tow_tls_waiting *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    made->tls = tls;
    made->previous = shared->waiting_end;
    *shared->waiting_end = tls->waiting = made;
    shared->waiting_end = &made->next;
    wait_for_round(shared, shared->loop);
    return made;
}

/* Those that come while others wait stand behind them. */
static bool is_its_turn(const tow_tls_stream *tls) {
    tow_tls_loop *shared = tow_tls_shared(tls);
    bool begins = tls->context->server && tls->state == TOW_TLS_HANDSHAKE && SSL_in_before(tls->ssl);
    bool is_first = shared->is_theirs || shared->waiting == NULL;
    return !begins || (is_first && enter_round(shared, shared->loop));
}

static int keep(tow_tls_stream *tls, const uint8_t *bytes, size_t length) {
    if (tls->waiting == NULL && waiting_new(tls) == NULL)
        return TOW_ERROR_MEMORY;
    if (length > BYTES_MAX - tls->waiting->bytes.length) {
        tow_tls_failure_note(tls, "the peer says too much before the TLS handshake");
        return TOW_ERROR_TLS;
    }
    return tow_buffer_append(&tls->waiting->bytes, bytes, length);
}

bool tow_tls_waits(tow_tls_stream *tls, const uint8_t *bytes, size_t length) {
    if (tls->waiting == NULL && is_its_turn(tls))
        return false;
    int error = keep(tls, bytes, length);
    if (error != 0)
        tow_stream_fail(tls->layer.outer, error);
    return true;
}
