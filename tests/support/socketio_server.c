/* The application that the protocol's own suite asks for, and a little more, for clients of Socket.IO: see
 * tests/system/socketio.test.mjs. usage: socketio-server [HOST:]PORT IO [PING PONG CONNECT RECOVERY WORKERS]:
 * milliseconds, and seconds. Says "port NUMBER" when it serves. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>
#include <towline/socketio.h>

static tow_server *server;
static tow_socketio *io;

static void stop(int number) {
    (void)number;
    tow_server_stop(server);
}

/* The main namespace, as the suite wants it. */

static void greet(tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    static const tow_socketio_arguments none = {.json = "{}"};
    tow_socketio_emit(socket, "auth", auth->length > 0 ? auth : &none);
}

static void message(tow_socketio_socket *socket, const tow_socketio_event *event) {
    tow_socketio_emit(socket, "message-back", &event->arguments);
}

static void acknowledge(tow_socketio_socket *socket, const tow_socketio_event *event) {
    tow_socketio_acknowledge(socket, event->ack, &event->arguments);
}

/* The namespace /more: each event is something that the library does. */

static void admit(tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    const char *json;
    size_t length;
    if (tow_socketio_argument(auth, 0, &json, &length) && memmem(json, length, "\"refused\"", 9) != NULL)
        tow_socketio_refuse(
            socket, "not you", &(tow_socketio_arguments){.json = "{\"code\":12345678901234567890}"});
    else if (!tow_socketio_was_recovered(socket))
        tow_socketio_emit(socket, "hello", NULL);
}

static char *text_at(const tow_socketio_event *event, size_t index) {
    json_t *value = NULL;
    char *text = NULL;
    if (tow_socketio_value(&event->arguments, index, &value) == 0 && json_is_string(value))
        text = strdup(json_string_value(value));
    json_decref(value);
    return text != NULL ? text : strdup("");
}

static void join(tow_socketio_socket *socket, const tow_socketio_event *event) {
    char *room = text_at(event, 0);
    tow_socketio_acknowledge(socket, event->ack,
        &(tow_socketio_arguments){.json = tow_socketio_join(socket, room) == 0 ? "true" : "false"});
    free(room);
}

static void leave(tow_socketio_socket *socket, const tow_socketio_event *event) {
    char *room = text_at(event, 0);
    tow_socketio_acknowledge(socket, event->ack,
        &(tow_socketio_arguments){.json = tow_socketio_leave(socket, room) == 0 ? "true" : "false"});
    free(room);
}

/* To the others in a room: all that came. */
static void to(tow_socketio_socket *socket, const tow_socketio_event *event) {
    char *room = text_at(event, 0);
    tow_socketio_to(socket, room, "to", &event->arguments);
    free(room);
}

static void to_all(tow_socketio_socket *socket, const tow_socketio_event *event) {
    (void)socket;
    tow_socketio_broadcast(io, &(tow_socketio_target){.scope = "/more"}, "to all", &event->arguments);
}

static void on_ack(tow_socketio_socket *socket, void *user, const tow_socketio_arguments *answer, int error) {
    (void)user;
    if (error == 0)
        tow_socketio_emit(socket, "answered", answer);
    else if (error == TOW_ERROR_TIMED_OUT)
        tow_socketio_emit(socket, "not answered", NULL);
}

static void ask(tow_socketio_socket *socket, const tow_socketio_event *event) {
    tow_socketio_emit_with_ack(socket, "question", &event->arguments,
        &(tow_socketio_wait){.on_ack = on_ack, .timeout_milliseconds = 1000});
}

static void kick(tow_socketio_socket *socket, const tow_socketio_event *event) {
    char *what = text_at(event, 0);
    tow_socketio_disconnect(socket, strcmp(what, "connection") == 0);
    free(what);
}

static int number(int count, char **arguments, int index) {
    return count > index ? atoi(arguments[index]) : 0;
}

int main(int count, char **arguments) {
    static const tow_socketio_listener listeners[] = {
        {"message", message}, {"message-with-ack", acknowledge}, {0}};
    static const tow_socketio_listener more[] = {{"join", join}, {"leave", leave}, {"to", to},
        {"to all", to_all}, {"ask", ask}, {"kick", kick}, {"message", message},
        {"message-with-ack", acknowledge}, {0}};
    tow_server_options options = {.listen = count > 1 ? arguments[1] : NULL,
        .workers = number(count, arguments, 7),
        .io = count > 2 && strcmp(arguments[2], "epoll") == 0 ? TOW_IO_EPOLL : TOW_IO_AUTO};
    tow_socketio_options of_io = {.ping_interval_milliseconds = number(count, arguments, 3),
        .ping_timeout_milliseconds = number(count, arguments, 4),
        .connect_timeout_milliseconds = number(count, arguments, 5),
        .recovery_seconds = number(count, arguments, 6),
        .any_origin = true};
    int error = tow_server_new(&server, &options);
    if (error == 0)
        error = tow_socketio_new(&io, server, &of_io);
    if (error == 0)
        error = tow_socketio_namespace(
            io, "/", &(tow_socketio_handler){.on_connect = greet, .listeners = listeners});
    if (error == 0)
        error = tow_socketio_namespace(io, "/custom", &(tow_socketio_handler){.on_connect = greet});
    if (error == 0)
        error = tow_socketio_namespace(
            io, "/more", &(tow_socketio_handler){.on_connect = admit, .listeners = more});
    if (error == 0)
        error = tow_server_listen(server);
    if (error == 0) {
        signal(SIGTERM, stop);
        printf("port %d\n", tow_server_port(server, 0));
        fflush(stdout);
        error = tow_server_run(server);
    }
    if (error != 0)
        fprintf(stderr, "%s\n", tow_strerror(error));
    tow_server_free(server);
    tow_socketio_free(io);
    return error != 0;
}
