/* A towline loop inside a libuv loop: sends three ticks from a libuv timer, prints the answers and leaves.
 * Usage: example-libuv-loop [URL] [io_uring|epoll] */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <towline.h>
#include <uv.h>

enum { TICKS = 3, TICK_MILLISECONDS = 50 };

static uv_poll_t wake;
static uv_timer_t timer;
static bool clean;
static int answers;
static int ticks;

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
    uv_poll_stop(&wake);
    uv_timer_stop(&timer);
}

static void step(uv_poll_t *handle, int status, int events) {
    tow_loop_step(handle->data);
}

static void tick(uv_timer_t *handle) {
    tow_websocket *socket = handle->data;
    if (tow_websocket_ready_state(socket) != TOW_OPEN)
        return;
    char text[16];
    int length = snprintf(text, sizeof(text), "tick %d", ++ticks);
    tow_websocket_send(socket, TOW_TEXT, text, (size_t)length); /* arms the descriptor */
    if (ticks == TICKS)
        uv_timer_stop(handle);
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
    uv_poll_init(uv_default_loop(), &wake, tow_loop_fd(loop));
    uv_timer_init(uv_default_loop(), &timer);
    wake.data = loop;
    timer.data = socket;
    uv_poll_start(&wake, UV_READABLE, step);
    uv_timer_start(&timer, tick, TICK_MILLISECONDS, TICK_MILLISECONDS);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    tow_websocket_free(socket);
    tow_loop_free(loop);
    return clean ? 0 : 1;
}
