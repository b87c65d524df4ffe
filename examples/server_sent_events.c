/* Server-Sent Events (HTML Standard, section 9.2): what is posted to /say is told to everybody who listens at
 * /events, by answers that do not end. The page at / listens in a browser. Usage: example-server-sent-events
 * [[HOST:]PORT], then
 *
 *     curl -N localhost:9998/events
 *     curl -d 'hello' localhost:9998/say */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>

enum { TEXT_MAX = 1000, HEARTBEAT_MILLISECONDS = 15000 };

typedef struct listener {
    struct listener *next;
    tow_exchange *exchange;
} listener;

static const char page[] =
    "<!doctype html><meta charset=utf-8><title>Events</title><form><input size=60 aria-label=Message "
    "autofocus></form><pre></pre>"
    "<script>const input = document.querySelector('input'), lines = document.querySelector('pre');"
    "new EventSource('/events').onmessage = (event) => lines.prepend(event.data + '\\n');"
    "document.forms[0].onsubmit = () => { fetch('/say', {method: 'POST', body: input.value});"
    "input.value = ''; return false; };"
    "</script>";

static tow_server *server;
static listener *listeners; /* one worker: all callbacks run on one thread */
static unsigned long long number;

static void forget(listener *gone) {
    listener **link = &listeners;
    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
    free(gone);
}

static void on_gone(tow_exchange *exchange, void *user) {
    forget(user);
}

/* Browsers end both sides at once, and that looks like this at first. When the server stops, who still
 * listens is not waited for; browsers come again, to the next one. */
static void end(tow_exchange *exchange, void *user) {
    if (tow_exchange_end(exchange) == 0)
        forget(user);
    else
        tow_exchange_reset(exchange); /* on_gone follows */
}

/* To everybody. Who takes so little that nothing more fits is reset; on_gone follows, not in this call, so
 * that the list stays as it is. */
static void tell(const char *text, size_t length) {
    for (listener *self = listeners; self != NULL; self = self->next) {
        if (tow_exchange_write(self->exchange, text, length) == TOW_ERROR_QUEUE_FULL)
            tow_exchange_reset(self->exchange);
    }
}

static void listen_to_events(tow_exchange *exchange, const tow_request *request) {
    listener *self = malloc(sizeof(*self));
    if (self == NULL)
        return; /* the server answers 500 */
    tow_exchange_field(exchange, "Cache-Control", "no-store");
    if (tow_exchange_begin(exchange, 200, "text/event-stream", TOW_LENGTH_UNKNOWN) != 0) {
        free(self);
        return;
    }
    *self = (listener){.next = listeners, .exchange = exchange};
    listeners = self;
    tow_exchange_keep(
        exchange, &(tow_exchange_events){.on_gone = on_gone, .on_end = end, .on_stop = end, .user = self});
    tow_exchange_write(exchange, "retry: 1000\n\n", 13);
}

/* Each line of the text is a line of data. */
static char *event_of(const char *text, size_t length, size_t *event_length) {
    char *event = NULL;
    FILE *file = open_memstream(&event, event_length);
    if (file == NULL)
        return NULL;
    fprintf(file, "id: %llu\ndata: ", ++number);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            fputs("\ndata: ", file);
        else if (text[i] != '\r')
            fputc(text[i], file);
    }
    fputs("\n\n", file);
    fclose(file);
    return event;
}

static void publish(tow_exchange *exchange, void *user, const void *body, size_t length) {
    size_t event_length;
    char *event = event_of(body, length, &event_length);
    if (event != NULL)
        tell(event, event_length);
    free(event);
    tow_exchange_respond(exchange, event != NULL ? 204 : 503, NULL, NULL, 0);
}

static void say(tow_exchange *exchange, const tow_request *request) {
    if (strcmp(tow_request_method(request), "POST") == 0) {
        tow_exchange_read_body(exchange, TEXT_MAX, publish, NULL); /* more: 413 */
        return;
    }
    tow_exchange_field(exchange, "Allow", "POST");
    tow_exchange_respond(exchange, 405, "text/plain", "post something\n", 15);
}

static void serve_page(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_respond(exchange, 200, "text/html", page, sizeof(page) - 1);
}

/* A comment, so that proxies keep the connections, and clients that are gone without a word are found. */
static void beat(tow_timer *timer) {
    tell(":\n\n", 3);
}

/* It may be called in a signal handler. */
static void stop(int signal_number) {
    tow_server_stop(server); /* NOLINT(bugprone-signal-handler,cert-sig30-c) */
}

int main(int count, char **arguments) {
    tow_loop *loop;
    tow_timer *timer;
    if (tow_loop_new(&loop, NULL) != 0 || tow_timer_new(&timer, loop, beat, NULL) != 0 ||
        tow_server_new(
            &server, &(tow_server_options){.loop = loop, .listen = count > 1 ? arguments[1] : NULL}) != 0)
        return 1;
    tow_server_route(server, "/", &(tow_handler){.on_request = serve_page});
    tow_server_route(server, "/events", &(tow_handler){.on_request = listen_to_events});
    tow_server_route(server, "/say", &(tow_handler){.on_request = say});
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    tow_timer_start(timer, HEARTBEAT_MILLISECONDS, HEARTBEAT_MILLISECONDS);
    int error = tow_server_run(server);
    tow_timer_free(timer);
    tow_server_free(server);
    tow_loop_free(loop);
    return error != 0;
}
