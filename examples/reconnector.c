/* Prints the messages of a server for as long as there is one: a connection that is lost is opened again.
 * Usage: example-reconnector [URL] */
#include <stdio.h>
#include <towline.h>

static void greet(tow_websocket *socket) {
    fprintf(stderr, "connected\n");
    tow_websocket_send(socket, TOW_TEXT, "hello", 5);
}

static void print(tow_websocket *socket, const tow_message *message) {
    printf("%.*s\n", (int)message->length, (const char *)message->data);
    fflush(stdout);
}

static void complain(tow_websocket *socket, const tow_error_event *event) {
    fprintf(stderr, "%s\n", event->text);
}

static void announce(tow_reconnector *reconnector, int64_t milliseconds, int attempt) {
    fprintf(stderr, "attempt %d in %lld ms\n", attempt, (long long)milliseconds);
}

int main(int count, char **arguments) {
    tow_loop *loop;
    tow_reconnector *reconnector;
    const char *url = count > 1 ? arguments[1] : "ws://localhost:9998/echo";
    tow_websocket_options socket_options = {.on_open = greet, .on_message = print, .on_error = complain};
    tow_reconnector_options options = {.on_wait = announce, .max_attempts = 10};
    if (tow_loop_new(&loop, NULL) != 0 ||
        tow_reconnector_new(&reconnector, loop, url, &socket_options, &options) != 0)
        return 1;
    int error = tow_loop_run(loop); /* until it gives up, or the server closes with 1000 */
    tow_reconnector_free(reconnector);
    tow_loop_free(loop);
    return error != 0;
}
