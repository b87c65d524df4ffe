// Every public header in one C++ program, which uses a little of each: options structs are set field by field.
#include <cstring>
#include <towline.h>

namespace {

void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

bool makes_a_server(tow_loop *loop) {
    tow_server_options options = {};
    options.listen = "127.0.0.1:0";
    options.loop = loop;
    tow_handler handler = {};
    handler.on_message = echo;
    handler.limits.max_message = TOW_OFF;
    tow_server *server = nullptr;
    if (tow_server_new(&server, &options) != TOW_OK || tow_server_route(server, "/echo", &handler) != TOW_OK)
        return false;
    bool listens = tow_server_listen(server) == TOW_OK && tow_server_port(server, 0) > 0;
    tow_server_stop(server);
    while (!tow_server_is_done(server))
        tow_loop_step(loop);
    tow_server_free(server);
    return listens;
}

} // namespace

int main() {
    tow_loop *loop = nullptr;
    tow_loop_options options = {};
    options.io = TOW_IO_EPOLL;
    if (std::strcmp(tow_version(), TOW_VERSION) != 0 || tow_loop_new(&loop, &options) != TOW_OK)
        return 1;
    tow_websocket *socket = nullptr;
    bool refused = tow_websocket_open(&socket, loop, "not a URL", nullptr) == TOW_ERROR_URL;
    bool served = makes_a_server(loop);
    tow_loop_free(loop);
    return refused && served && tow_utf8_valid("\xc3\xbc", 2) ? 0 : 1;
}
