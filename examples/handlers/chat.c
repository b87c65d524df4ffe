/* A chat: what one says at /chat?name=NAME everybody hears, on all workers. A GET of /chat says how many are
 * there. Who asks for subprotocols has to offer "chat". */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/handler.h>

enum { GUESTS_MAX = 1000, NAME_MAX_LENGTH = 20, LINE_MAX_LENGTH = 1000 };

static const tow_handler_host *here;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static tow_websocket_id guests[GUESTS_MAX]; /* of all workers, under the mutex */
static size_t count;

/* Everybody hears it, the speaker too, by a message that is made once. */
static void say(const char *line) {
    tow_websocket_id all[GUESTS_MAX];
    tow_shared *shared;
    pthread_mutex_lock(&mutex);
    size_t length = count;
    memcpy(all, guests, length * sizeof(all[0]));
    pthread_mutex_unlock(&mutex);
    if (tow_shared_new(&shared, TOW_TEXT, line, strlen(line)) != 0)
        return;
    tow_post_shared_many(here->server, all, length, shared);
    tow_shared_release(shared);
}

static bool add(tow_websocket_id id) {
    pthread_mutex_lock(&mutex);
    bool added = count < GUESTS_MAX;
    if (added)
        guests[count++] = id;
    pthread_mutex_unlock(&mutex);
    return added;
}

static void take_out(tow_websocket_id id) {
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < count; i++)
        if (guests[i] == id)
            guests[i] = guests[--count];
    pthread_mutex_unlock(&mutex);
}

static void on_admit(tow_exchange *exchange, const tow_request *request) {
    const char *name = tow_request_parameter(request, "name");
    if (tow_request_header(request, "Upgrade") == NULL)
        tow_exchange_accept(exchange, NULL);
    else if (name == NULL || name[0] == '\0' || strlen(name) > NAME_MAX_LENGTH)
        tow_exchange_reject(exchange, 400, "who are you? /chat?name=NAME, of up to 20 bytes");
    else
        tow_exchange_accept(exchange, &(tow_acceptance){.user = strdup(name)});
}

static void on_open(tow_websocket *socket) {
    char line[NAME_MAX_LENGTH + 20];
    const char *name = tow_websocket_user(socket);
    if (name == NULL || !add(tow_websocket_identify(socket))) {
        tow_websocket_close(socket, 1013, "no room");
        return;
    }
    snprintf(line, sizeof(line), "* %s is here", name);
    say(line);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    char line[NAME_MAX_LENGTH + LINE_MAX_LENGTH + 3];
    const char *name = tow_websocket_user(socket);
    snprintf(line, sizeof(line), "%s: %.*s", name, (int)message->length, (const char *)message->data);
    say(line);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    char line[NAME_MAX_LENGTH + 20];
    char *name = tow_websocket_user(socket);
    take_out(tow_websocket_identify(socket));
    snprintf(line, sizeof(line), "* %s has left", name != NULL ? name : "somebody");
    say(line);
    free(name);
}

static void on_request(tow_exchange *exchange, const tow_request *request) {
    char text[32];
    pthread_mutex_lock(&mutex);
    int length = snprintf(text, sizeof(text), "%zu here\n", count);
    pthread_mutex_unlock(&mutex);
    tow_exchange_respond(exchange, 200, "text/plain", text, (size_t)length);
}

static int on_load(const tow_handler_host *host, tow_handler *handler) {
    here = host;
    return 0;
}

static const char *const protocols[] = {"chat", NULL};

TOW_HANDLER(.protocols = protocols, .on_admit = on_admit, .on_open = on_open, .on_message = on_message,
    .on_close = on_close, .on_request = on_request, .limits = {.max_message = LINE_MAX_LENGTH});
TOW_HANDLER_LIFE(.on_load = on_load);
