/* A clock: everybody who is connected hears the time each second, in one message that is encoded once and
 * shared by all. The server lives on a loop of this program's, which also has the clock's timer. Usage:
 * example-broadcast [[HOST:]PORT] */
#include <poll.h>
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

static void tell_time(void) {
    char text[32];
    time_t now = time(NULL);
    size_t length = strftime(text, sizeof(text), "%FT%TZ", gmtime(&now));
    tow_shared *message;
    if (tow_shared_new(&message, TOW_TEXT, text, length) != 0)
        return;
    for (size_t i = 0; i < listener_count; i++)
        tow_websocket_send_shared(listeners[i], message);
    tow_shared_release(message); /* what still waits to be sent has references of its own */
}

static int milliseconds_to_next_second(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return 1000 - (int)(now.tv_nsec / 1000000);
}

int main(int count, char **arguments) {
    tow_loop *loop;
    tow_server *server;
    if (tow_loop_new(&loop, NULL) != 0 ||
        tow_server_new(
            &server, &(tow_server_options){.loop = loop, .listen = count > 1 ? arguments[1] : NULL}) != 0)
        return 1;
    tow_server_route(server, "/clock", &(tow_handler){.on_open = enter, .on_close = leave});
    if (tow_server_listen(server) != 0)
        return 1;
    struct pollfd wake = {.fd = tow_loop_fd(loop), .events = POLLIN};
    for (time_t told = time(NULL);;) {
        int ready = poll(&wake, 1, milliseconds_to_next_second());
        if (ready > 0 && tow_loop_step(loop) < 0)
            return 1;
        if (time(NULL) != told) {
            told = time(NULL);
            tell_time();
        }
    }
}
