/* Tells everybody the time, each second. Each worker has a clock of its own, which begins with its first
 * connection and needs no lock. */
#include <stdlib.h>
#include <time.h>
#include <towline/error.h>
#include <towline/handler.h>
#include <towline/timer.h>

typedef struct listener {
    struct listener *next;
    tow_websocket *socket;
} listener;

static _Thread_local tow_timer *timer;
static _Thread_local listener *listeners;

static void tick(tow_timer *ticking) {
    char text[16];
    time_t now = time(NULL);
    struct tm parts;
    size_t length = strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&now, &parts));
    for (listener *each = listeners; each != NULL; each = each->next)
        tow_websocket_send(each->socket, TOW_TEXT, text, length);
}

static int begin(tow_loop *loop) {
    int error = timer != NULL ? 0 : tow_timer_new(&timer, loop, tick, NULL);
    return error != 0 || tow_timer_is_started(timer) ? error : tow_timer_start(timer, 0, 1000);
}

static void on_open(tow_websocket *socket) {
    listener *added = begin(tow_websocket_loop(socket)) == 0 ? malloc(sizeof(*added)) : NULL;
    if (added == NULL) {
        tow_websocket_close(socket, 1011, "out of memory");
        return;
    }
    *added = (listener){listeners, socket};
    listeners = added;
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    listener **link = &listeners;
    while (*link != NULL && (*link)->socket != socket)
        link = &(*link)->next;
    listener *gone = *link;
    if (gone != NULL)
        *link = gone->next;
    free(gone);
    if (listeners == NULL)
        tow_timer_stop(timer);
}

/* On each worker's thread, when the last connection of this version is gone. */
static void on_worker_end(void) {
    tow_timer_free(timer);
}

TOW_HANDLER(.on_open = on_open, .on_close = on_close, .any_origin = true);
TOW_HANDLER_LIFE(.on_worker_end = on_worker_end);
