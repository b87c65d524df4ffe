/* What bench/channels measures of towline: every connection is subscribed to one channel, and what one says
 * is published to it. Usage: channel-server [io_uring|epoll]; says where it listens as the raw servers do. */
#include <stdio.h>
#include <string.h>
#include <towline.h>

static tow_server *server;

static void enter(tow_websocket *socket) {
    tow_channel_subscribe(socket, "channel");
}

static void say(tow_websocket *socket, const tow_message *message) {
    (void)socket;
    tow_channel_publish(server, "channel",
        &(tow_publication){.type = message->type, .data = message->data, .length = message->length});
}

int main(int argc, char **argv) {
    const tow_server_options options = {.listen = "127.0.0.1:0",
        .io = argc > 1 && strcmp(argv[1], "epoll") == 0 ? TOW_IO_EPOLL : TOW_IO_URING,
        .limits = {.compression = TOW_COMPRESSION_OFF},
        .log_level = TOW_LOG_ERROR};
    int error = tow_server_new(&server, &options);
    if (error == 0)
        error = tow_server_route(
            server, "/", &(tow_handler){.on_open = enter, .on_message = say, .any_origin = true});
    if (error == 0)
        error = tow_server_listen(server);
    if (error == 0) {
        printf("listening on 127.0.0.1:%d\n", tow_server_port(server, 0));
        fflush(stdout);
        error = tow_server_run(server);
    }
    if (error != 0)
        fprintf(stderr, "channel-server: %s\n", tow_strerror(error));
    return error != 0;
}
