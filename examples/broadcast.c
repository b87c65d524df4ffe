/* A clock: everybody who is connected hears the time each second, in one message that is encoded once and
 * shared by all. The server lives on a loop of this program's, which also has the clock's timer. Usage:
 * example-broadcast [[HOST:]PORT] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <towline.h>

enum { LISTENERS_MAX = 100000 };

static tow_websocket *listeners[LISTENERS_MAX];
static size_t listener_count;

/* The user pointer is the listener's place in the array. */
static void enter(tow_websocket *socket) {
    if (listener_count == LISTENERS_MAX) {
        tow_websocket_close(socket, 1013, "too many listeners");
        return;
    }
    tow_websocket_set_user(socket, &listeners[listener_count]);
    listeners[listener_count++] = socket;
}

/* The last one takes the place of the one that leaves. */
static void leave(tow_websocket *socket, const tow_close_event *event) {
    tow_websocket **place = tow_websocket_user(socket);
    if (place == NULL)
        return;
    *place = listeners[--listener_count];
    tow_websocket_set_user(*place, place);
}

static void tell_time(time_t seconds) {
    char text[32];
    size_t length = strftime(text, sizeof(text), "%FT%TZ", gmtime(&seconds));
    tow_shared *message;
    if (tow_shared_new(&message, TOW_TEXT, text, length) != 0)
        return;
    for (size_t i = 0; i < listener_count; i++)
        tow_websocket_send_shared(listeners[i], message);
    tow_shared_release(message); /* what still waits to be sent has references of its own */
}

/* Until the next second begins: a timer that repeats by itself would not follow a clock that is set. */
static void tick(tow_timer *timer) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    tell_time(now.tv_sec);
    tow_timer_start(timer, 1000 - now.tv_nsec / 1000000, 0);
}

int main(int count, char **arguments) {
    tow_loop *loop;
    tow_server *server;
    tow_timer *timer;
    if (tow_loop_new(&loop, NULL) != 0 || tow_timer_new(&timer, loop, tick, NULL) != 0 ||
        tow_server_new(
            &server, &(tow_server_options){.loop = loop, .listen = count > 1 ? arguments[1] : NULL}) != 0)
        return 1;
    tow_server_route(server, "/clock", &(tow_handler){.on_open = enter, .on_close = leave});
    tow_timer_start(timer, 0, 0);
    int error = tow_server_run(server);
    tow_timer_free(timer);
    tow_server_free(server);
    tow_loop_free(loop);
    return error != 0;
}
