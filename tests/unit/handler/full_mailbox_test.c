/* What is between two workers when one of them takes no more: whoever waits for an answer gets one. */
#include "../unit.h"

#include "../../../src/server/state.h"
#include "handler/engineio.h"
#include "server/carried.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WORKERS = 2, TRIES = 64, WAIT_SECONDS = 10 };

/* As if so much waited for a worker: it takes no more. */
#define FLOOD (INT64_C(1) << 40)

static tow_server *server;
static tow_engineio *engineio;
static pthread_t thread;

static void on_message(tow_websocket *socket, const tow_message *message) {
    if (message->length == 5 && memcmp(message->data, "close", 5) == 0)
        tow_websocket_close(socket, 4000, "as asked");
    else
        tow_websocket_send(socket, message->type, message->data, message->length);
}

static void *run(void *unused) {
    (void)unused;
    assert_int_equal(tow_server_run(server), 0);
    return NULL;
}

static int begin(void **state) {
    (void)state;
    assert_int_equal(
        tow_server_new(&server,
            &(tow_server_options){
                .listen = "127.0.0.1:0", .workers = WORKERS, .drain_seconds = 1, .log_level = TOW_LOG_ERROR}),
        0);
    assert_int_equal(tow_server_route(server, "/echo", &(tow_handler){.on_message = on_message}), 0);
    assert_int_equal(tow_engineio_new(&engineio, server, &(tow_engineio_settings){0}, NULL), 0);
    assert_int_equal(tow_server_listen(server), 0);
    pthread_create(&thread, NULL, run, NULL);
    return 0;
}

static void flood(size_t worker) {
    atomic_fetch_add(&server->workers[worker].incoming, FLOOD);
}

static void subside(size_t worker) {
    atomic_fetch_sub(&server->workers[worker].incoming, FLOOD);
}

static int end(void **state) {
    (void)state;
    for (size_t i = 0; i < WORKERS; i++) /* after a failure */
        if (atomic_load(&server->workers[i].incoming) >= FLOOD / 2)
            subside(i);
    tow_server_stop(server);
    pthread_join(thread, NULL);
    tow_server_free(server);
    tow_engineio_free(engineio);
    return 0;
}

/* A client that waits for what it asks. */

typedef struct client {
    int fd;
    char in[4096]; /* ends with a zero */
    size_t length;
} client;

static void client_open(client *self) {
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)tow_server_port(server, 0)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = WAIT_SECONDS};
    *self = (client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(self->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void say(client *self, const void *data, size_t length) {
    assert_int_equal(send(self->fd, data, length, MSG_NOSIGNAL), length);
    self->length = 0;
}

static bool has(const client *self, const char *text) {
    return memmem(self->in, self->length, text, strlen(text)) != NULL;
}

/* False: the connection has ended before. */
static bool hears(client *self, const char *text) {
    while (!has(self, text)) {
        ssize_t got = recv(self->fd, self->in + self->length, sizeof(self->in) - self->length - 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno != ECONNRESET)
            fail_msg("nobody has said %s in time, but %s", text, self->in);
        if (got <= 0)
            return false;
        self->length += (size_t)got;
        self->in[self->length] = '\0';
    }
    return true;
}

static void ask(client *self, const char *method, const char *query, const char *body) {
    char request[600];
    int length = snprintf(request, sizeof(request),
        "%s /echo/engine.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        method, query, strlen(body), body);
    say(self, request, (size_t)length);
}

/* A session on the client's worker, as a part of queries. Returns the worker. */
static size_t open_session(client *self, char query[100]) {
    char id[17];
    client_open(self);
    ask(self, "GET", "", "");
    assert_true(hears(self, "}"));
    const char *sid = strstr(self->in, "{\"sid\":\"");
    assert_non_null(sid);
    snprintf(query, 100, "&sid=%.*s", (int)strcspn(sid + 8, "\""), sid + 8);
    snprintf(id, sizeof(id), "%s", query + 5);
    return tow_websocket_id_worker(strtoull(id, NULL, 16));
}

/* A session, and a client on another worker, whose number is returned. */
static size_t meet(client *owner, client *other, char query[100]) {
    char own[100];
    size_t worker = open_session(owner, query);
    for (int i = 0; i < TRIES; i++) {
        size_t there = open_session(other, own);
        if (there != worker)
            return there;
        close(other->fd);
    }
    fail_msg("all connections are on one worker");
    return 0;
}

static void leave(client *owner, client *other) {
    close(owner->fd);
    close(other->fd);
}

static void who_posts_is_answered(void **state) {
    (void)state;
    client owner, other;
    char query[100];
    size_t worker = meet(&owner, &other, query);
    flood(worker);
    ask(&other, "POST", query, "4hello");
    assert_true(hears(&other, "HTTP/1.1 503 "));
    subside(worker);
    ask(&owner, "GET", query, "");
    assert_true(hears(&owner, "4hello"));
    leave(&owner, &other);
}

static void who_polls_is_answered(void **state) {
    (void)state;
    client owner, other;
    char query[100];
    size_t worker = meet(&owner, &other, query);
    ask(&other, "GET", query, "");
    flood(worker);
    ask(&owner, "POST", query, "4hello");
    assert_true(hears(&other, "HTTP/1.1 503 "));
    subside(worker);
    leave(&owner, &other);
}

static void who_comes_to_a_worker_that_takes_no_more_is_refused(void **state) {
    (void)state;
    client owner, other;
    char query[100];
    size_t worker = 1 - meet(&owner, &other, query);
    flood(worker);
    ask(&other, "POST", query, "4hello");
    assert_true(hears(&other, "HTTP/1.1 503 "));
    subside(worker);
    leave(&owner, &other);
}

/* By WebSocket, with masks of zeros. */

static void say_message(client *self, const char *text) {
    uint8_t frame[64] = {0x81, (uint8_t)(0x80 | strlen(text))};
    memcpy(frame + 6, text, strlen(text));
    say(self, frame, 6 + strlen(text));
}

static void upgrade(client *self, const char *query) {
    char request[600];
    int length = snprintf(request, sizeof(request),
        "GET /echo/engine.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: "
        "websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
        "13\r\n\r\n",
        query);
    say(self, request, (size_t)length);
    assert_true(hears(self, "HTTP/1.1 101 "));
    say_message(self, "2probe");
    assert_true(hears(self, "3probe"));
    say_message(self, "5");
    say_message(self, "4there");
    assert_true(hears(self, "4there"));
}

/* Messages that find no room are kept, and go in their order when there is some. */
static void what_a_session_says_goes_later(void **state) {
    (void)state;
    client owner, other;
    char query[100];
    size_t worker = meet(&owner, &other, query);
    upgrade(&other, query);
    flood(worker);
    say_message(&other, "4one");
    say_message(&other, "4two");
    while (atomic_load(&server->workers[worker].over_posted) == 0)
        sched_yield();
    subside(worker);
    say_message(&other, "4three");
    assert_true(hears(&other, "4three"));
    assert_true(has(&other, "\x81\x04"
                            "4one"
                            "\x81\x04"
                            "4two"
                            "\x81\x06"
                            "4three"));
    leave(&owner, &other);
}

static void a_close_goes_whatever_waits(void **state) {
    (void)state;
    client owner, other;
    char query[100];
    size_t worker = meet(&owner, &other, query);
    upgrade(&other, query);
    flood(worker);
    say_message(&other, "4close");
    assert_true(hears(&other, "\x88"));
    subside(worker);
    leave(&owner, &other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_posts_is_answered, begin, end),
        cmocka_unit_test_setup_teardown(who_polls_is_answered, begin, end),
        cmocka_unit_test_setup_teardown(who_comes_to_a_worker_that_takes_no_more_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_a_session_says_goes_later, begin, end),
        cmocka_unit_test_setup_teardown(a_close_goes_whatever_waits, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
