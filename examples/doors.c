/* Rooms that open and close while the server runs, each with a door: who knocks says a name, and is let in or
 * not when that name has been looked up. Lines of standard input, which another thread reads, are commands:
 * "open tea", "close tea". A room that is closed lets nobody in any more; those who are inside may stay.
 * Usage: example-doors [[HOST:]PORT], then ws://localhost:9998/tea?anna */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>

enum { NAME_SIZE = 32, LOOKUP_MILLISECONDS = 20 };

typedef struct room {
    char name[NAME_SIZE];
} room;

/* Who knocks, and then who is inside. */
typedef struct visitor {
    char name[NAME_SIZE];
    const room *room;
    tow_exchange *exchange; /* that waits for our word */
    tow_timer *lookup;      /* in place of a data base */
} visitor;

static tow_loop *loop;

static void forget(visitor *self) {
    tow_timer_free(self->lookup);
    free(self);
}

/* Of those who were let in either this comes or on_open. */
static void gone(tow_exchange *exchange, void *user) {
    forget(user);
}

static void looked_up(tow_timer *timer) {
    visitor *self = tow_timer_user(timer);
    if (strcmp(self->name, "mallory") != 0) {
        tow_exchange_accept(self->exchange, &(tow_acceptance){.user = self});
        return;
    }
    tow_exchange_reject(self->exchange, 403, "you are not welcome here");
    forget(self);
}

static int begin_lookup(visitor *self) {
    int error = tow_timer_new(&self->lookup, loop, looked_up, self);
    if (error == 0)
        error = tow_timer_start(self->lookup, LOOKUP_MILLISECONDS, 0);
    if (error == 0)
        error = tow_exchange_keep(self->exchange, &(tow_exchange_events){.on_gone = gone, .user = self});
    return error;
}

static void knock(tow_exchange *exchange, const tow_request *request) {
    const char *name = tow_request_query(request);
    if (name[0] == '\0' || strlen(name) >= NAME_SIZE) {
        tow_exchange_field(exchange, "WWW-Authenticate", "Name");
        tow_exchange_reject(exchange, 401, "say who you are: ?NAME");
        return;
    }
    visitor *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return; /* a handler that says nothing has refused */
    memcpy(self->name, name, strlen(name) + 1);
    self->room = tow_request_user(request);
    self->exchange = exchange;
    if (begin_lookup(self) != 0)
        forget(self);
}

static void say(tow_websocket *socket, const char *text) {
    tow_websocket_send(socket, TOW_TEXT, text, strlen(text));
}

static void enter(tow_websocket *socket) {
    const visitor *self = tow_websocket_user(socket);
    char text[100];
    snprintf(text, sizeof(text), "welcome to %s, %s", self->room->name, self->name);
    say(socket, text);
}

/* The room is still there, though it may be closed. */
static void ask(tow_websocket *socket, const tow_message *message) {
    say(socket, ((const visitor *)tow_websocket_user(socket))->room->name);
}

static void leave(tow_websocket *socket, const tow_close_event *event) {
    forget(tow_websocket_user(socket));
}

/* Nobody is inside, and nobody can come: the route's memory goes with it. */
static void room_free(void *user) {
    room *self = user;
    printf("%s is empty\n", self->name);
    fflush(stdout);
    free(self);
}

static void room_open(tow_server *server, const char *name) {
    char path[NAME_SIZE + 1];
    room *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return;
    snprintf(self->name, sizeof(self->name), "%.*s", NAME_SIZE - 1, name);
    snprintf(path, sizeof(path), "/%s", self->name);
    const tow_handler handler = {.user = self,
        .on_admit = knock,
        .answer_seconds = 5,
        .on_open = enter,
        .on_message = ask,
        .on_close = leave,
        .on_free = room_free};
    int error = tow_server_route(server, path, &handler);
    if (error == 0)
        return;
    fprintf(stderr, "not opened: %s\n", tow_strerror(error));
    free(self);
}

static void room_close(tow_server *server, const char *name) {
    char path[NAME_SIZE + 1];
    snprintf(path, sizeof(path), "/%s", name);
    if (tow_server_unroute(server, path) != 0)
        fprintf(stderr, "there is no such room: %s\n", name);
}

static void *read_commands(void *argument) {
    tow_server *server = argument;
    char line[200];
    char name[NAME_SIZE];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (sscanf(line, "open %31s", name) == 1)
            room_open(server, name);
        else if (sscanf(line, "close %31s", name) == 1)
            room_close(server, name);
        else
            fprintf(stderr, "open NAME, or close NAME\n");
    }
    tow_server_stop(server);
    return NULL;
}

int main(int count, char **arguments) {
    tow_server *server;
    pthread_t reader;
    if (tow_loop_new(&loop, NULL) != 0 ||
        tow_server_new(
            &server, &(tow_server_options){.listen = count > 1 ? arguments[1] : NULL, .loop = loop}) != 0)
        return 1;
    if (tow_server_listen(server) != 0 || pthread_create(&reader, NULL, read_commands, server) != 0)
        return 1;
    int error = tow_server_run(server);
    pthread_join(reader, NULL);
    tow_server_free(server);
    tow_loop_free(loop);
    return error != 0;
}
