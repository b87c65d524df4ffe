#include "guests.h"

#include "worker.h"

#include <stdlib.h>
#include <towline/error.h>

static size_t index_of(const tow_worker *worker) {
    return (size_t)(worker - worker->server->workers);
}

/* Notes that a guest leaves the worker now: the first of those that were dismissed, or of all. */
static tow_guest *next_to_leave(tow_worker *worker, bool all) {
    tow_server *server = worker->server;
    pthread_mutex_lock(&server->mutex);
    tow_guest *guest = server->guests;
    while (guest != NULL && (guest->gone[index_of(worker)] || !(all || guest->dismissed)))
        guest = guest->next;
    if (guest != NULL)
        guest->gone[index_of(worker)] = true;
    pthread_mutex_unlock(&server->mutex);
    return guest;
}

/* Under the mutex. Whether it is gone for good; then nobody knows it any more. */
static bool forget_if_gone(tow_guest *guest) {
    if (!guest->dismissed || guest->remaining > 0)
        return false;
    tow_guest **place = &guest->server->guests;
    while (*place != guest)
        place = &(*place)->next;
    *place = guest->next;
    return true;
}

static void tell_left(tow_guest *guest) {
    free(guest->gone);
    guest->on_left(guest);
}

static void leave(tow_guest *guest) {
    tow_server *server = guest->server;
    guest->on_leave(guest);
    pthread_mutex_lock(&server->mutex);
    guest->remaining--;
    bool is_gone = forget_if_gone(guest);
    pthread_mutex_unlock(&server->mutex);
    if (is_gone)
        tell_left(guest);
}

void tow_guests_dismissed_leave_worker(tow_worker *worker) {
    tow_guest *guest;
    while ((guest = next_to_leave(worker, false)) != NULL)
        leave(guest);
}

void tow_guests_leave_worker(tow_worker *worker) {
    tow_guest *guest;
    while ((guest = next_to_leave(worker, true)) != NULL)
        leave(guest);
}

int tow_server_welcome(tow_server *server, tow_guest *guest) {
    guest->server = server;
    guest->letters = NULL;
    guest->dismissed = false;
    guest->remaining = server->worker_count;
    guest->gone = calloc(server->worker_count, sizeof(*guest->gone));
    int error = guest->gone == NULL
                    ? TOW_ERROR_MEMORY
                    : tow_errands_make(server, tow_guests_dismissed_leave_worker, &guest->letters);
    if (error != 0) {
        tow_errands_leave(guest->letters, false);
        free(guest->gone);
        return error;
    }
    pthread_mutex_lock(&server->mutex);
    guest->next = server->guests;
    server->guests = guest;
    pthread_mutex_unlock(&server->mutex);
    return 0;
}

/* A worker that takes no letter is left when it begins, or, if it drains, when it ends. */
void tow_server_dismiss(tow_guest *guest) {
    tow_server *server = guest->server;
    tow_letter *letters = guest->letters;
    pthread_mutex_lock(&server->mutex);
    guest->dismissed = true;
    bool is_gone = forget_if_gone(guest);
    pthread_mutex_unlock(&server->mutex);
    tow_errands_leave(letters, !is_gone);
    if (is_gone)
        tell_left(guest);
}
