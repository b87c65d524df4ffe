/* Rooms: whoever connects to /rooms/NAME hears what the others in that room say, on any of four workers.
 * Usage: example-rooms [[HOST:]PORT] */
#include <stdio.h>
#include <string.h>
#include <towline.h>

static tow_server *server;

static void *room_of(const tow_request *request) {
    return (void *)(strrchr(tow_request_path(request), '/') + 1);
}

static void enter(tow_websocket *socket) {
    if (tow_channel_subscribe(socket, room_of(tow_websocket_request(socket))) != 0)
        tow_websocket_close(socket, 1008, "not the name of a room");
}

static void say(tow_websocket *socket, const tow_message *message) {
    tow_channel_publish(server, room_of(tow_websocket_request(socket)),
        &(tow_publication){.type = message->type,
            .data = message->data,
            .length = message->length,
            .leave_out = tow_websocket_identify(socket)});
}

int main(int argc, char **argv) {
    const tow_server_options options = {.listen = argc > 1 ? argv[1] : "localhost:9998", .workers = 4};
    if (tow_server_new(&server, &options) != 0)
        return 1;
    tow_server_route(
        server, "/rooms/*", &(tow_handler){.on_open = enter, .on_message = say, .keep_request = true});
    return tow_server_run(server) != 0;
}
