/* uWebSockets beside towline's channels: every connection is subscribed to one topic, and what one says is
 * published to it. bench/channels says how it is built; nothing of it is in this repository. */
#include "App.h"

#include <cstdio>

struct none {};

int main() {
    uWS::App app;
    app.ws<none>("/*", {.compression = uWS::DISABLED,
                           .maxBackpressure = 64 * 1024 * 1024,
                           .open = [](auto *socket) { socket->subscribe("channel"); },
                           .message = [&app](auto *, std::string_view message, uWS::OpCode opcode) {
                               app.publish("channel", message, opcode, false);
                           }})
        .listen("127.0.0.1", 0, [](us_listen_socket_t *socket) {
            std::printf("listening on 127.0.0.1:%d\n", us_socket_local_port(0, (us_socket_t *)socket));
            std::fflush(stdout);
        })
        .run();
}
