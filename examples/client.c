/* Says hello and prints the answer. Try it with: towline serve, or with the echo server beside this file. */
#include <stdio.h>
#include <towline.h>

static void greet(tow_websocket *socket) {
    tow_websocket_send(socket, TOW_TEXT, "hello", 5);
}

static void print(tow_websocket *socket, const tow_message *message) {
    printf("%.*s\n", (int)message->length, (const char *)message->data);
    tow_websocket_close(socket, 1000, NULL);
}

int main(int count, char **arguments) {
    tow_loop *loop;
    tow_websocket *socket;
    const char *url = count > 1 ? arguments[1] : "ws://localhost:9998/echo";
    tow_websocket_options options = {.on_open = greet, .on_message = print};
    if (tow_loop_new(&loop, NULL) != 0 || tow_websocket_open(&socket, loop, url, &options) != 0)
        return 1;
    int error = tow_loop_run(loop);
    tow_websocket_free(socket);
    tow_loop_free(loop);
    return error != 0;
}
