#include "asks.h"

#include "inside.h"
#include "transport/loop.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

enum { DEFAULT_MILLISECONDS = 30000 };

struct tow_socketio_ask {
    tow_socketio_ask *next;
    tow_socketio_socket *socket;
    int64_t id;
    tow_socketio_wait wait;
    tow_timer timer;
};

static void take_out(tow_socketio_ask **at) {
    tow_socketio_ask *ask = *at;
    *at = ask->next;
    ask->socket->ask_count--;
    tow_timer_cancel(ask->socket->loop, &ask->timer);
}

static tow_socketio_ask **place_of(tow_socketio_socket *socket, const tow_socketio_ask *ask) {
    tow_socketio_ask **at = &socket->asks;
    while (*at != ask)
        at = &(*at)->next;
    return at;
}

/* It is not waited for any more: it is gone when its application hears of it. */
static void tell(tow_socketio_ask *ask, const tow_socketio_arguments *answer, int error) {
    tow_socketio_socket *socket = ask->socket;
    tow_socketio_wait wait = ask->wait;
    free(ask);
    if (wait.on_ack == NULL)
        return;
    tow_socketio_socket_enter(socket);
    wait.on_ack(socket, wait.user, answer, error);
    tow_socketio_socket_leave(socket);
}

static void on_timer(tow_timer *timer) {
    tow_socketio_ask *ask = (tow_socketio_ask *)(void *)((char *)timer - offsetof(tow_socketio_ask, timer));
    take_out(place_of(ask->socket, ask));
    tell(ask, NULL, TOW_ERROR_TIMED_OUT);
}

int tow_socketio_ask_begin(tow_socketio_socket *socket, const tow_socketio_wait *wait) {
    int64_t milliseconds =
        wait->timeout_milliseconds != 0 ? wait->timeout_milliseconds : DEFAULT_MILLISECONDS;
    if (milliseconds < TOW_OFF)
        return TOW_ERROR_ARGUMENT;
    if (socket->ask_count >= socket->scope->io->options.max_acks)
        return TOW_ERROR_LIMIT;
    tow_socketio_ask *ask = calloc(1, sizeof(*ask));
    if (ask == NULL)
        return TOW_ERROR_MEMORY;
    *ask =
        (tow_socketio_ask){.next = socket->asks, .socket = socket, .id = socket->next_ask++, .wait = *wait};
    socket->asks = ask;
    socket->ask_count++;
    if (milliseconds != TOW_OFF)
        tow_timer_set(
            socket->loop, &ask->timer, tow_loop_now(socket->loop) + milliseconds * TOW_MILLISECOND, on_timer);
    return 0;
}

void tow_socketio_ask_undo(tow_socketio_socket *socket) {
    tow_socketio_ask *ask = socket->asks;
    take_out(&socket->asks);
    free(ask);
}

void tow_socketio_ask_answer(tow_socketio_socket *socket, int64_t id, const tow_socketio_arguments *answer) {
    tow_socketio_ask **at = &socket->asks;
    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    tow_socketio_ask *ask = *at;
    if (ask == NULL)
        return;
    take_out(at);
    tell(ask, answer, 0);
}

void tow_socketio_asks_end(tow_socketio_socket *socket) {
    for (tow_socketio_ask *ask = socket->asks; ask != NULL; ask = socket->asks) {
        take_out(&socket->asks);
        tell(ask, NULL, TOW_ERROR_CLOSED);
    }
    assert(socket->ask_count == 0);
}
