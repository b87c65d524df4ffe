/* Push from another thread: what is typed goes to everybody who is connected. The thread that reads standard
 * input knows connections by their ids only; an id that is not valid any more does no harm. Usage:
 * example-push [[HOST:]PORT] */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <towline.h>

enum { LISTENERS_MAX = 1000 };

/* Shared by two threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tow_websocket_id listeners[LISTENERS_MAX];
static size_t listener_count;

static void enter(tow_websocket *socket) {
    pthread_mutex_lock(&lock);
    if (listener_count < LISTENERS_MAX)
        listeners[listener_count++] = tow_websocket_identify(socket);
    pthread_mutex_unlock(&lock);
}

static void leave(tow_websocket *socket, const tow_close_event *event) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < listener_count; i++) {
        if (listeners[i] == tow_websocket_identify(socket))
            listeners[i] = listeners[--listener_count];
    }
    pthread_mutex_unlock(&lock);
}

static void push(tow_server *server, const char *text, size_t length) {
    tow_shared *message;
    if (tow_shared_new(&message, TOW_TEXT, text, length) != 0)
        return;
    pthread_mutex_lock(&lock);
    int error = tow_post_shared_many(server, listeners, listener_count, message); /* any thread */
    pthread_mutex_unlock(&lock);
    if (error != 0) /* TOW_ERROR_QUEUE_FULL: this thread is faster than the network */
        fprintf(stderr, "not pushed: %s\n", tow_strerror(error));
    tow_shared_release(message);
}

static void *read_lines(void *argument) {
    tow_server *server = argument;
    char line[1000];
    while (fgets(line, sizeof(line), stdin) != NULL)
        push(server, line, strcspn(line, "\n"));
    tow_server_stop(server); /* any thread, too */
    return NULL;
}

int main(int count, char **arguments) {
    tow_server *server;
    pthread_t reader;
    if (tow_server_new(&server, &(tow_server_options){.listen = count > 1 ? arguments[1] : NULL}) != 0)
        return 1;
    tow_server_route(server, "/push", &(tow_handler){.on_open = enter, .on_close = leave});
    if (tow_server_listen(server) != 0 || pthread_create(&reader, NULL, read_lines, server) != 0)
        return 1;
    int error = tow_server_run(server);
    pthread_join(reader, NULL);
    tow_server_free(server);
    return error != 0;
}
