/* A chat with rooms: everybody who connects to the same path, /rooms/NAME, hears each other. A line "/name
 * NICK" gives a name. The page at / is a client; usage: example-chat [[HOST:]PORT] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>

enum { NAME_MAX_LENGTH = 20, ROOM_MAX_LENGTH = 60, NOTICE_MAX_LENGTH = 80, LINE_MAX_LENGTH = 1000 };

typedef struct guest {
    struct guest *next;
    tow_websocket *socket;
    char name[NAME_MAX_LENGTH + 1];
    char room[ROOM_MAX_LENGTH + 1];
} guest;

static const char page[] =
    "<!doctype html><meta charset=utf-8><title>Chat</title><form><input size=60 aria-label=Message "
    "autofocus></form><pre></pre>"
    "<script>const input = document.querySelector('input'), lines = document.querySelector('pre');"
    "const room = location.hash.slice(1) || 'lobby';"
    "const socket = new WebSocket(location.origin.replace('http', 'ws') + '/rooms/' + room);"
    "socket.onmessage = (event) => lines.prepend(event.data + '\\n');"
    "document.forms[0].onsubmit = () => { socket.send(input.value); input.value = ''; return false; };"
    "</script>";

static guest *guests; /* one worker: all callbacks run on one thread */
static int number;

/* To everybody in the room, the speaker too. No callback runs inside a send, so the list stays as it is. */
static void say(const char *room, const char *line) {
    for (guest *listener = guests; listener != NULL; listener = listener->next) {
        if (strcmp(listener->room, room) == 0)
            tow_websocket_send(listener->socket, TOW_TEXT, line, strlen(line));
    }
}

static void enter(tow_websocket *socket) {
    const char *room = tow_request_path(tow_websocket_request(socket)) + strlen("/rooms/");
    guest *newcomer = strlen(room) <= ROOM_MAX_LENGTH ? calloc(1, sizeof(*newcomer)) : NULL;
    tow_websocket_set_user(socket, newcomer);
    if (newcomer == NULL) {
        tow_websocket_close(socket, 1008, "no room");
        return;
    }
    snprintf(newcomer->room, sizeof(newcomer->room), "%s", room);
    snprintf(newcomer->name, sizeof(newcomer->name), "guest %d", ++number);
    newcomer->socket = socket;
    newcomer->next = guests;
    guests = newcomer;
    char line[NOTICE_MAX_LENGTH];
    snprintf(line, sizeof(line), "* %s is here", newcomer->name);
    say(newcomer->room, line);
}

static void rename_guest(guest *speaker, const char *name, size_t length) {
    if (length == 0 || length > NAME_MAX_LENGTH) {
        tow_websocket_send(speaker->socket, TOW_TEXT, "* a name has up to 20 bytes", 27);
        return;
    }
    char line[NOTICE_MAX_LENGTH];
    snprintf(line, sizeof(line), "* %s is now %.*s", speaker->name, (int)length, name);
    memcpy(speaker->name, name, length);
    speaker->name[length] = 0;
    say(speaker->room, line);
}

static void hear(tow_websocket *socket, const tow_message *message) {
    static const char command[] = "/name ";
    guest *speaker = tow_websocket_user(socket);
    const char *text = message->data;
    if (speaker == NULL)
        return;
    if (message->length >= strlen(command) && memcmp(text, command, strlen(command)) == 0) {
        rename_guest(speaker, text + strlen(command), message->length - strlen(command));
        return;
    }
    char line[NAME_MAX_LENGTH + 2 + LINE_MAX_LENGTH + 1];
    snprintf(line, sizeof(line), "%s: %.*s", speaker->name, (int)message->length, text);
    say(speaker->room, line);
}

static void leave(tow_websocket *socket, const tow_close_event *event) {
    guest *leaver = tow_websocket_user(socket);
    guest **link = &guests;
    while (*link != NULL && *link != leaver)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    *link = leaver->next;
    char line[NOTICE_MAX_LENGTH];
    snprintf(line, sizeof(line), "* %s has left", leaver->name);
    say(leaver->room, line);
    free(leaver);
}

static void serve_page(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_respond(exchange, 200, "text/html", page, sizeof(page) - 1);
}

int main(int count, char **arguments) {
    tow_server *server;
    tow_server_options options = {.listen = count > 1 ? arguments[1] : NULL};
    tow_handler rooms = {
        .on_open = enter, .on_message = hear, .on_close = leave, .limits = {.max_message = LINE_MAX_LENGTH}};
    int error = tow_server_new(&server, &options);
    if (error != 0) {
        fprintf(stderr, "%s\n", tow_strerror(error));
        return 1;
    }
    tow_server_route(server, "/", &(tow_handler){.on_request = serve_page});
    tow_server_route(server, "/rooms/*", &rooms);
    error = tow_server_run(server);
    if (error != 0)
        fprintf(stderr, "%s\n", tow_strerror(error));
    tow_server_free(server);
    return error != 0;
}
