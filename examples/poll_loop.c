/* A towline loop inside a loop of one's own over poll(2): sends three ticks from that loop's timer, prints
 * the answers and leaves. Usage: example-poll-loop [URL] [io_uring|epoll] */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <towline.h>

enum { TICKS = 3, TICK_MILLISECONDS = 50 };

static bool closed;
static bool clean;
static int answers;

static void print(tow_websocket *socket, const tow_message *message) {
    printf("%.*s\n", (int)message->length, (const char *)message->data);
    if (++answers == TICKS)
        tow_websocket_close(socket, 1000, "done");
}

static void complain(tow_websocket *socket, const tow_error_event *event) {
    fprintf(stderr, "%s\n", event->text);
}

static void leave(tow_websocket *socket, const tow_close_event *event) {
    clean = event->was_clean;
    closed = true;
}

int main(int count, char **arguments) {
    const char *url = count > 1 ? arguments[1] : "ws://localhost:9998/echo";
    tow_io io = count > 2 && strcmp(arguments[2], "epoll") == 0 ? TOW_IO_EPOLL : TOW_IO_AUTO;
    tow_loop *loop;
    tow_websocket *socket;
    if (tow_loop_new(&loop, &(tow_loop_options){.io = io}) != 0 ||
        tow_websocket_open(&socket, loop, url,
            &(tow_websocket_options){
                .on_message = print, .on_error = complain, .on_close = leave, .limits.ping_seconds = 1}) != 0)
        return 1;
    struct pollfd wake = {.fd = tow_loop_fd(loop), .events = POLLIN};
    for (int tick = 0; !closed;) {
        int ready = poll(&wake, 1, TICK_MILLISECONDS);
        if (ready > 0 && tow_loop_step(loop) < 0)
            return 1;
        bool open = tow_websocket_ready_state(socket) == TOW_OPEN;
        if (ready == 0 && open && tick < TICKS) {
            char text[16];
            int length = snprintf(text, sizeof(text), "tick %d", ++tick);
            tow_websocket_send(socket, TOW_TEXT, text, (size_t)length); /* arms the descriptor */
        }
    }
    tow_websocket_free(socket);
    tow_loop_free(loop);
    return clean ? 0 : 1;
}
