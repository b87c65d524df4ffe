/* Says hello over TLS and prints the answer. The server has to prove that it is the host of the URL, by a
 * certificate that the system trusts, or one of AUTHORITIES.pem. Usage: example-tls-client URL
 * [AUTHORITIES.pem] */
#include <stdbool.h>
#include <stdio.h>
#include <towline.h>

static bool clean;

static void greet(tow_websocket *socket) {
    tow_websocket_send(socket, TOW_TEXT, "hello", 5);
}

static void print(tow_websocket *socket, const tow_message *message) {
    printf("%.*s\n", (int)message->length, (const char *)message->data);
    tow_websocket_close(socket, 1000, NULL);
}

static void complain(tow_websocket *socket, const tow_error_event *event) {
    fprintf(stderr, "%s\n", event->text);
}

static void leave(tow_websocket *socket, const tow_close_event *event) {
    clean = event->was_clean;
}

int main(int count, char **arguments) {
    tow_loop *loop;
    tow_websocket *socket;
    const char *url = count > 1 ? arguments[1] : "wss://localhost:9998/echo";
    tow_websocket_options options = {
        .tls_roots = count > 2 ? arguments[2] : NULL,
        .on_open = greet,
        .on_message = print,
        .on_error = complain,
        .on_close = leave,
    };
    if (tow_loop_new(&loop, NULL) != 0)
        return 1;
    int error = tow_websocket_open(&socket, loop, url, &options);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", url, tow_strerror(error));
        tow_loop_free(loop);
        return 1;
    }
    tow_loop_run(loop);
    tow_websocket_free(socket);
    tow_loop_free(loop);
    return clean ? 0 : 1;
}
