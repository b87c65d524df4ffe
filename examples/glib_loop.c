/* A towline loop inside a GLib main loop: sends three ticks from a GLib timeout, prints the answers and
 * leaves. Usage: example-glib-loop [URL] [io_uring|epoll] */
#include <glib-unix.h>
#include <glib.h>
#include <string.h>
#include <towline.h>

enum { TICKS = 3, TICK_MILLISECONDS = 50 };

static GMainLoop *main_loop;
static gboolean clean;
static int answers;
static int ticks;

static void print(tow_websocket *socket, const tow_message *message) {
    g_print("%.*s\n", (int)message->length, (const char *)message->data);
    if (++answers == TICKS)
        tow_websocket_close(socket, 1000, "done");
}

static void complain(tow_websocket *socket, const tow_error_event *event) {
    g_printerr("%s\n", event->text);
}

static void leave(tow_websocket *socket, const tow_close_event *event) {
    clean = event->was_clean;
    g_main_loop_quit(main_loop);
}

static gboolean step(gint fd, GIOCondition condition, gpointer loop) {
    return tow_loop_step(loop) >= 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean tick(gpointer socket) {
    if (tow_websocket_ready_state(socket) != TOW_OPEN)
        return G_SOURCE_CONTINUE;
    g_autofree char *text = g_strdup_printf("tick %d", ++ticks);
    tow_websocket_send(socket, TOW_TEXT, text, strlen(text)); /* arms the descriptor */
    return ticks < TICKS ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
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
    main_loop = g_main_loop_new(NULL, FALSE);
    guint source = g_unix_fd_add(tow_loop_fd(loop), G_IO_IN, step, loop);
    g_timeout_add(TICK_MILLISECONDS, tick, socket);
    g_main_loop_run(main_loop);
    g_source_remove(source);
    g_main_loop_unref(main_loop);
    tow_websocket_free(socket);
    tow_loop_free(loop);
    return clean ? 0 : 1;
}
