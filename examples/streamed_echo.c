/* An echo server for messages of any length, which are in no memory as a whole: each piece goes back as it
 * comes. While a client does not take what it is sent, it is not read.
 * Usage: example-streamed-echo [[HOST:]PORT [MAX-MESSAGE]], in bytes; without it there is no limit.
 * Try it with: towline connect ws://localhost:9998/echo */
#include <stdlib.h>
#include <towline.h>

static void echo(tow_websocket *socket, const tow_message_piece *piece) {
    tow_websocket_send_piece(socket, piece);
}

int main(int count, char **arguments) {
    tow_server *server;
    const tow_server_options options = {
        .listen = count > 1 ? arguments[1] : NULL,
        .limits = {.max_message = count > 2 ? strtoll(arguments[2], NULL, 10) : TOW_OFF,
            .message_seconds = TOW_OFF},
    };
    if (tow_server_new(&server, &options) != 0)
        return 1;
    tow_server_route(server, "/echo", &(tow_handler){.on_piece = echo});
    int error = tow_server_run(server);
    tow_server_free(server);
    return error != 0;
}
