/* Talks to a server through whatever stands between: where WebSocket does not get through it goes on by
 * polling, and a lost connection is opened again. Usage: example-fallback-client [URL] */
#include <stdio.h>
#include <towline.h>

static void greet(tow_websocket *socket) {
    char peer[128] = "";
    (void)tow_websocket_peer(socket, peer, sizeof(peer));
    int status = tow_response_status(tow_websocket_response(socket));
    fprintf(stderr, "connected to %s by %s\n", peer, status == 101 ? "WebSocket" : "polling");
    tow_websocket_send(socket, TOW_TEXT, "hello", 5);
}

static void print(tow_websocket *socket, const tow_message *message) {
    printf("%.*s\n", (int)message->length, (const char *)message->data);
    fflush(stdout);
    tow_websocket_close(socket, 1000, "thanks");
}

static void complain(tow_websocket *socket, const tow_error_event *event) {
    fprintf(stderr, "%s\n", event->text);
}

int main(int count, char **arguments) {
    tow_loop *loop;
    tow_reconnector *reconnector;
    const char *url = count > 1 ? arguments[1] : "ws://localhost:9998/echo";
    tow_websocket_options options = {
        .on_open = greet, .on_message = print, .on_error = complain, .fallback = true};
    if (tow_loop_new(&loop, NULL) != 0 || tow_reconnector_new(&reconnector, loop, url, &options, NULL) != 0)
        return 1;
    int error = tow_loop_run(loop);
    tow_reconnector_free(reconnector);
    tow_loop_free(loop);
    return error != 0;
}
