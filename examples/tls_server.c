/* An echo server over TLS. Without a certificate it makes one for localhost, for trying.
 * Usage: example-tls-server [[HOST:]PORT [CERTIFICATE.pem KEY.pem]]
 * Try it with: towline connect --insecure wss://localhost:9998/echo */
#include <stdio.h>
#include <towline.h>

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

/* What went wrong with the files stands in the log. */
static void print_line(void *user, int level, const char *line) {
    fprintf(stderr, "%s\n", line);
}

int main(int count, char **arguments) {
    tow_server *server;
    tow_server_options options = {
        .listen = count > 1 ? arguments[1] : NULL,
        .tls_certificate = count > 3 ? arguments[2] : NULL,
        .tls_key = count > 3 ? arguments[3] : NULL,
        .tls_self_signed = count <= 3,
        .on_log = print_line,
        .log_level = TOW_LOG_NOTICE,
    };
    int error = tow_server_new(&server, &options);
    if (error != 0) {
        fprintf(stderr, "%s\n", tow_strerror(error));
        return 1;
    }
    tow_server_route(server, "/echo", &(tow_handler){.on_message = echo});
    error = tow_server_run(server);
    tow_server_free(server);
    return error != 0;
}
