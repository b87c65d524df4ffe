/* A room of Socket.IO: who comes in says a name, everybody hears who is there, and what is said is
 * acknowledged with how many were to hear it. The page at / is a client; it needs socket.io-client's
 * dist/socket.io.min.js, which npm has: usage: example-socketio-room [[HOST:]PORT [SCRIPT]] */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline.h>
#include <towline/socketio.h>

static const char page[] =
    "<!doctype html><meta charset=utf-8><title>Room</title><form><input size=60 aria-label=Message "
    "autofocus></form><pre></pre><script src=/socket.io.min.js></script>"
    "<script>const input = document.querySelector('input'), lines = document.querySelector('pre');"
    "const show = (line) => lines.prepend(line + '\\n');"
    "const transports = new URLSearchParams(location.search).getAll('transport');"
    "const name = location.hash.slice(1) || 'somebody';"
    "const socket = io({auth: {name}, ...(transports.length ? {transports} : {})});"
    "socket.on('here', (who) => show('* ' + who.join(', ')));"
    "socket.on('said', (who, text) => show(who + ': ' + text));"
    "socket.on('connect_error', (error) => show('* ' + error.message));"
    "document.forms[0].onsubmit = () => { const text = input.value; input.value = '';"
    "socket.emit('say', text, (heard) => show('you: ' + text + ' (heard by ' + heard + ')')); return false; "
    "};"
    "</script>";

enum { GUESTS_MAX = 100 };

static tow_socketio *io;
static tow_socketio_socket *guests[GUESTS_MAX]; /* one worker: all callbacks run on one thread */
static size_t guest_count;

/* Everybody is told who is there. */
static void tell_who_is_here(void) {
    json_t *names = json_array();
    for (size_t i = 0; i < guest_count; i++)
        json_array_append(names, tow_socketio_user(guests[i]));
    json_t *values = json_pack("[o]", names);
    tow_socketio_broadcast(io, NULL, "here", &(tow_socketio_arguments){.values = values});
    json_decref(values);
}

static void welcome(tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    json_t *value = NULL;
    if (tow_socketio_value(auth, 0, &value) != 0 || json_string_length(json_object_get(value, "name")) == 0 ||
        guest_count == GUESTS_MAX) {
        json_decref(value);
        tow_socketio_refuse(socket, guest_count == GUESTS_MAX ? "there is no room" : "say a name", NULL);
        return;
    }
    tow_socketio_set_user(socket, json_incref(json_object_get(value, "name")));
    json_decref(value);
    guests[guest_count++] = socket;
    tow_socketio_accept(socket);
    tell_who_is_here();
}

static void say(tow_socketio_socket *socket, const tow_socketio_event *event) {
    json_t *text;
    if (tow_socketio_value(&event->arguments, 0, &text) != 0)
        return;
    json_t *said = json_pack("[Oo]", tow_socketio_user(socket), text);
    tow_socketio_to(socket, NULL, "said", &(tow_socketio_arguments){.values = said});
    json_decref(said);
    char heard[24];
    snprintf(heard, sizeof(heard), "%zu", guest_count - 1);
    if (event->ack >= 0)
        tow_socketio_acknowledge(socket, event->ack, &(tow_socketio_arguments){.json = heard});
}

static void leave(tow_socketio_socket *socket, tow_socketio_reason reason) {
    size_t at = 0;
    while (guests[at] != socket)
        at++;
    guests[at] = guests[--guest_count];
    json_decref(tow_socketio_user(socket));
    tell_who_is_here();
}

static void serve_page(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_respond(exchange, 200, "text/html", page, sizeof(page) - 1);
}

static void serve_script(tow_exchange *exchange, const tow_request *request) {
    const char *path = tow_request_user(request);
    struct stat file;
    int descriptor = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0 || fstat(descriptor, &file) != 0)
        tow_exchange_reject(exchange, 404, "start this program with the path of socket.io.min.js");
    else
        tow_exchange_send_file(exchange, 200, "text/javascript", descriptor, 0, file.st_size);
}

int main(int count, char **arguments) {
    static const tow_socketio_listener listeners[] = {{"say", say}, {0}};
    tow_server *server;
    tow_server_options options = {.listen = count > 1 ? arguments[1] : NULL};
    int error = tow_server_new(&server, &options);
    if (error == 0)
        error = tow_socketio_new(&io, server, NULL);
    if (error == 0)
        error = tow_socketio_namespace(io, "/",
            &(tow_socketio_handler){.on_connect = welcome, .listeners = listeners, .on_disconnect = leave});
    if (error != 0) {
        fprintf(stderr, "%s\n", tow_strerror(error));
        return 1;
    }
    tow_server_route(server, "/", &(tow_handler){.on_request = serve_page});
    tow_server_route(server, "/socket.io.min.js",
        &(tow_handler){.on_request = serve_script, .user = count > 2 ? arguments[2] : NULL});
    error = tow_server_run(server);
    if (error != 0)
        fprintf(stderr, "%s\n", tow_strerror(error));
    tow_server_free(server);
    tow_socketio_free(io);
    return error != 0;
}
