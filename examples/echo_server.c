/* A complete echo server: every message goes back as it came. Usage: example-echo-server [[HOST:]PORT]
 * Try it with: towline connect ws://localhost:9998/echo */
#include <towline.h>

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

int main(int count, char **arguments) {
    tow_server *server;
    if (tow_server_new(&server, &(tow_server_options){.listen = count > 1 ? arguments[1] : NULL}) != 0)
        return 1;
    tow_server_route(server, "/echo", &(tow_handler){.on_message = echo});
    int error = tow_server_run(server);
    tow_server_free(server);
    return error != 0;
}
