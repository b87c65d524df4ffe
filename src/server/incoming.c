#include "incoming.h"

#include <sched.h>

bool tow_worker_call(tow_worker *worker) {
    atomic_fetch_add(&worker->callers, 1);
    return atomic_load(&worker->accepting);
}

void tow_worker_hang_up(tow_worker *worker) {
    atomic_fetch_sub(&worker->callers, 1);
}

void tow_worker_expect(tow_worker *worker, size_t bytes) {
    atomic_fetch_add(&worker->incoming, (int64_t)bytes);
}

/* The last of a server that was freed takes its memory along. */
void tow_worker_opened(tow_worker *worker, size_t bytes) {
    tow_server *server = worker->server;
    atomic_fetch_sub(&worker->incoming, (int64_t)bytes);
    if (tow_server_is_freed(server))
        server->on_gone(server);
}

bool tow_worker_expects_something(const tow_worker *worker) {
    return atomic_load(&worker->callers) > 0 || atomic_load(&worker->incoming) > 0;
}

bool tow_worker_reserve(tow_worker *worker, size_t bytes) {
    if (atomic_fetch_add(&worker->incoming, (int64_t)bytes) <= worker->server->settings.max_posted)
        return true;
    tow_worker_opened(worker, bytes);
    atomic_fetch_add_explicit(&worker->over_posted, 1, memory_order_relaxed);
    return false;
}

bool tow_worker_post_from_worker(tow_worker *worker, tow_letter *letter) {
    (void)tow_worker_call(worker);
    bool accepted = atomic_load(&worker->accepting_from_workers);
    if (accepted)
        tow_loop_post_letter(worker->loop, letter);
    tow_worker_hang_up(worker);
    return accepted;
}

bool tow_worker_post(tow_worker *worker, tow_letter *letter) {
    bool accepted = tow_worker_call(worker);
    if (accepted)
        tow_loop_post_letter(worker->loop, letter);
    tow_worker_hang_up(worker);
    return accepted;
}

bool tow_worker_post_urgently(tow_worker *worker, tow_letter *letter) {
    bool accepted = tow_worker_call(worker);
    if (accepted)
        tow_loop_post_urgently(worker->loop, letter);
    tow_worker_hang_up(worker);
    return accepted;
}

void tow_worker_accept_letters(tow_worker *worker) {
    atomic_store(&worker->accepting, true);
    atomic_store(&worker->accepting_from_workers, true);
}

void tow_worker_refuse_letters(tow_worker *worker) {
    atomic_store(&worker->accepting_from_workers, false);
    atomic_store(&worker->accepting, false);
    while (atomic_load(&worker->callers) > 0)
        sched_yield();
}
