/* A server inside of another one: connections are brought as streams that somebody carries, each to a worker
 * that a thread of the host has borrowed. */
#include "../unit.h"

#include "base/buffer.h"
#include "server/hosted.h"
#include "transport/loop.h"
#include "transport/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <towline/error.h>
#include <towline/timer.h>
#include <unistd.h>

/* The host: carries what comes and goes on one end of a pair of sockets. */
typedef struct host {
    tow_watch watch;
    tow_letter letter;
    tow_loop *loop;
    tow_byte_stream *stream;
    int fd;
    bool paused;
    bool fin;
    bool blocked;
    bool shut;
    bool closing;
    bool was_reset;
    bool posted;
} host;

static void look(host *self);

static void opened(tow_letter *letter) {
    host *self = (host *)(void *)((char *)letter - offsetof(host, letter));
    self->posted = false;
    look(self);
}

static void dropped(tow_letter *letter) {
    (void)letter;
}

static void look_soon(host *self) {
    if (self->posted)
        return;
    self->posted = true;
    self->letter = (tow_letter){.open = opened, .drop = dropped, .work = 1};
    tow_loop_post_urgently(self->loop, &self->letter);
}

static void ready(tow_watch *watch, int what) {
    host *self = watch->user;
    if (what & TOW_HUNG_UP && !self->fin) {
        self->fin = true;
        tow_carried_tell_fin(self->stream);
    }
    look(self);
}

static void watch_for(host *self) {
    int waiting = self->fin ? 0 : TOW_HUNG_UP;
    int wanted = (self->paused ? waiting : TOW_READABLE) | (self->blocked ? TOW_WRITABLE : 0);
    tow_watch_stop(&self->watch);
    self->watch = (tow_watch){.user = self};
    if (wanted != 0 && !self->closing && !self->shut)
        assert_int_equal(tow_watch_start(&self->watch, self->loop, self->fd, wanted, ready), 0);
}

static void read_one(host *self) {
    char bytes[1000];
    ssize_t got = recv(self->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got > 0)
        tow_byte_stream_tell_bytes(self->stream, bytes, (size_t)got);
    else if (got == 0 || errno != EAGAIN)
        self->shut = true;
}

static void look(host *self) {
    if (self->closing) {
        tow_byte_stream *stream = self->stream;
        self->stream = NULL;
        tow_byte_stream_tell_closed(stream);
        return;
    }
    bool was_blocked = self->blocked;
    self->blocked = false;
    if (was_blocked)
        tow_byte_stream_tell_writable(self->stream);
    if (!self->paused && !self->closing && !self->shut)
        read_one(self);
    if (self->shut && !self->closing)
        tow_byte_stream_tell_end(self->stream);
    watch_for(self);
}

static int64_t host_write(void *carrier, const tow_bytes *pieces, size_t count) {
    host *self = carrier;
    int64_t taken = 0;
    for (size_t i = 0; i < count && !self->blocked; i++) {
        ssize_t sent = send(self->fd, pieces[i].data, pieces[i].length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return TOW_ERROR_RESET;
        taken += sent > 0 ? sent : 0;
        self->blocked = sent < (ssize_t)pieces[i].length;
    }
    if (self->blocked)
        watch_for(self);
    return taken;
}

static void host_pause(void *carrier) {
    ((host *)carrier)->paused = true;
    watch_for(carrier);
}

static void host_resume(void *carrier) {
    ((host *)carrier)->paused = false;
    watch_for(carrier);
}

static void host_shutdown(void *carrier) {
    ((host *)carrier)->shut = true;
    look_soon(carrier);
}

static void host_close(void *carrier) {
    ((host *)carrier)->closing = true;
    watch_for(carrier);
    look_soon(carrier);
}

static void host_reset(void *carrier) {
    ((host *)carrier)->was_reset = true;
    host_close(carrier);
}

static const tow_byte_stream_functions functions = {.write = host_write,
    .pause = host_pause,
    .resume = host_resume,
    .shutdown = host_shutdown,
    .close = host_close,
    .reset = host_reset};

/* A connection with its client. */
typedef struct visit {
    tow_worker *worker;
    host host;
    int client;
} visit;

static void begin_as(visit *one, tow_worker *worker, const char *address, bool secure) {
    int ends[2];
    tow_address addresses[TOW_ADDRESSES_MAX];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_true(tow_address_parse(address, addresses) > 0);
    *one =
        (visit){.worker = worker, .host = {.loop = tow_lent_loop(worker), .fd = ends[0]}, .client = ends[1]};
    const tow_hosted hosted = {
        .carriage = {&functions, &one->host, ends[0]}, .client = addresses[0], .is_secure = secure};
    assert_int_equal(tow_lent_begin(worker, &hosted, &one->host.stream), 0);
    watch_for(&one->host);
}

static void begin(visit *one, tow_worker *worker) {
    begin_as(one, worker, "192.0.2.1:4000", false);
}

static void say(const visit *one, const void *bytes, size_t length) {
    assert_int_equal(send(one->client, bytes, length, 0), length);
}

static void say_text(const visit *one, const char *text) {
    say(one, text, strlen(text));
}

static size_t hear(const visit *one, char *out, size_t size) {
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = recv(one->client, out + length, size - 1 - length, MSG_DONTWAIT)) > 0)
        length += (size_t)got;
    out[length] = '\0';
    return length;
}

static void end(visit *one) {
    assert_null(one->host.stream);
    close(one->client);
    close(one->host.fd);
}

/* The server. */

static char peer[64], scheme[8];
static _Atomic tow_websocket_id opened_id;

static void note(tow_websocket *socket) {
    const tow_request *request = tow_websocket_request(socket);
    snprintf(peer, sizeof(peer), "%s", tow_request_peer(request));
    snprintf(scheme, sizeof(scheme), "%s", tow_request_scheme(request));
    atomic_store(&opened_id, tow_websocket_identify(socket));
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static int kept, gone;

static void note_gone(tow_exchange *exchange, void *user) {
    (void)exchange, (void)user;
    gone++;
}

static void leave_when_ended(tow_exchange *exchange, void *user) {
    (void)user;
    tow_exchange_reset(exchange);
}

static void keep(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    kept++;
    tow_exchange_keep(exchange, &(tow_exchange_events){.on_gone = note_gone, .on_end = leave_when_ended});
}

static tow_server *make(int workers, tow_loop **first) {
    tow_server *server;
    const char *const any[] = {"*", NULL};
    assert_int_equal(tow_loop_new(first, &(tow_loop_options){.io = TOW_IO_EPOLL}), 0);
    const tow_server_options options = {.listen = "off",
        .loop = *first,
        .workers = workers,
        .io = TOW_IO_EPOLL,
        .hosts = any,
        .drain_seconds = 1};
    assert_int_equal(tow_server_new(&server, &options), 0);
    assert_int_equal(
        tow_server_route(server, "/echo", &(tow_handler){.on_open = note, .on_message = echo}), 0);
    assert_int_equal(tow_server_route(server, "/keep", &(tow_handler){.on_request = keep}), 0);
    assert_int_equal(tow_server_listen(server), 0);
    return server;
}

static void unmake(tow_server *server, tow_loop *first) {
    assert_int_equal(tow_server_lent_count(server), 0);
    tow_server_free(server);
    tow_loop_free(first);
}

/* A server, and a worker of it on loan. */
typedef struct lent {
    tow_loop *first;
    tow_server *server;
    tow_worker *worker;
} lent;

static lent lend(void) {
    lent all;
    all.server = make(2, &all.first);
    assert_int_equal(tow_server_lend(all.server, &all.worker), 0);
    return all;
}

static void give_back(const lent *all) {
    tow_lent_return(all->worker);
    unmake(all->server, all->first);
}

#define HEAD                                                                                                 \
    "GET /echo HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define HELLO "\x81\x85\0\0\0\0hello"
#define GOING "\x88\x82\0\0\0\0\x03\xe8"

static const char hello[] = HELLO;
static const char going[] = GOING;

static void a_conversation_is_served_to_its_end(void **state) {
    (void)state;
    lent all = lend();
    visit one;
    char heard[1000];
    begin_as(&one, all.worker, "192.0.2.1:4000", true);
    say_text(&one, HEAD "Origin: https://example.org\r\n\r\n");
    say(&one, hello, sizeof(hello) - 1);
    say(&one, going, sizeof(going) - 1);
    tow_lent_serve(all.worker);
    size_t length = hear(&one, heard, sizeof(heard));
    assert_int_equal(strncmp(heard, "HTTP/1.1 101 ", 13), 0);
    assert_non_null(memmem(heard, length, "\x81\x05hello", 7));
    assert_memory_equal(heard + length - 4, "\x88\x02\x03\xe8", 4);
    assert_string_equal(peer, "192.0.2.1:4000");
    assert_string_equal(scheme, "https");
    assert_false(one.host.was_reset);
    end(&one);
    give_back(&all);
}

static void admission_is_the_servers(void **state) {
    (void)state;
    lent all = lend();
    visit one;
    char heard[1000];
    begin_as(&one, all.worker, "192.0.2.1:4000", true);
    say_text(&one, HEAD "Origin: http://example.org\r\n\r\n"); /* not by TLS, as the connection came */
    tow_lent_serve(all.worker);
    hear(&one, heard, sizeof(heard));
    assert_int_equal(strncmp(heard, "HTTP/1.1 403 ", 13), 0);
    end(&one);
    give_back(&all);
}

static void a_client_that_vanishes_ends_it(void **state) {
    (void)state;
    lent all = lend();
    visit one;
    for (int i = 0; i < 3; i++) {
        begin(&one, all.worker);
        say_text(&one, HEAD "\r\n");
        shutdown(one.client, SHUT_WR);
        tow_lent_serve(all.worker);
        end(&one);
    }
    give_back(&all);
}

static void who_keeps_a_request_hears_that_the_client_has_left(void **state) {
    (void)state;
    lent all = lend();
    visit one;
    begin(&one, all.worker);
    say_text(&one, "GET /keep HTTP/1.1\r\nHost: example.org\r\n\r\n");
    shutdown(one.client, SHUT_WR);
    kept = gone = 0;
    tow_lent_serve(all.worker);
    assert_int_equal(kept, 1);
    assert_int_equal(gone, 1);
    end(&one);
    give_back(&all);
}

static void there_are_as_many_workers_as_were_asked_for(void **state) {
    (void)state;
    tow_loop *first;
    tow_server *server = make(3, &first);
    tow_worker *workers[3];
    assert_int_equal(tow_server_lend(server, &workers[0]), 0);
    assert_int_equal(tow_server_lend(server, &workers[1]), 0);
    assert_int_equal(tow_server_lend(server, &workers[2]), TOW_ERROR_STATE);
    assert_int_equal(tow_server_lent_count(server), 2);
    tow_lent_return(workers[0]);
    tow_lent_return(workers[1]);
    unmake(server, first);
}

static void a_post_to_a_socket_that_is_gone_does_nothing(void **state) {
    (void)state;
    lent all = lend();
    visit one;
    begin(&one, all.worker);
    say_text(&one, HEAD "\r\n");
    say(&one, going, sizeof(going) - 1);
    tow_lent_serve(all.worker);
    end(&one);
    const tow_message message = {.type = TOW_TEXT, .data = "late", .length = 4};
    assert_int_equal(tow_post_message(all.server, atomic_load(&opened_id), &message), 0);
    assert_int_equal(tow_server_posted_amount(all.server), 0); /* nothing waits for the next connection */
    give_back(&all);
}

/* Threads of the host. */

typedef struct guest_thread {
    pthread_t thread;
    tow_server *server;
    visit visit;
    _Atomic int ready;
} guest_thread;

static void *serve_one(void *argument) {
    guest_thread *self = argument;
    tow_worker *worker;
    assert_int_equal(tow_server_lend(self->server, &worker), 0);
    begin(&self->visit, worker);
    atomic_store(&self->ready, 1);
    tow_lent_serve(worker);
    tow_lent_return(worker);
    return NULL;
}

static void start(guest_thread *self, tow_server *server) {
    *self = (guest_thread){.server = server};
    atomic_store(&opened_id, 0);
    assert_int_equal(pthread_create(&self->thread, NULL, serve_one, self), 0);
    while (atomic_load(&self->ready) == 0)
        usleep(1000);
    say_text(&self->visit, HEAD "\r\n");
    while (atomic_load(&opened_id) == 0)
        usleep(1000);
}

static void read_until(const guest_thread *self, const char *what, size_t length) {
    char heard[4096];
    size_t got = 0;
    while (memmem(heard, got, what, length) == NULL) {
        ssize_t more = recv(self->visit.client, heard + got, sizeof(heard) - got, 0);
        assert_true(more > 0);
        got += (size_t)more;
    }
}

static void finish(guest_thread *self) {
    pthread_join(self->thread, NULL);
    end(&self->visit);
}

static void what_is_posted_wakes_the_thread(void **state) {
    (void)state;
    tow_loop *first;
    tow_server *server = make(2, &first);
    guest_thread one;
    start(&one, server);
    const tow_message message = {.type = TOW_TEXT, .data = "posted", .length = 6};
    assert_int_equal(tow_post_message(server, atomic_load(&opened_id), &message), 0);
    read_until(&one, "\x81\x06posted", 8);
    say(&one.visit, going, sizeof(going) - 1);
    finish(&one);
    unmake(server, first);
}

static void a_stop_closes_with_1001(void **state) {
    (void)state;
    tow_loop *first;
    tow_server *server = make(3, &first);
    guest_thread one;
    start(&one, server);
    tow_server_stop(server);
    read_until(&one, "\x88\x02\x03\xe9", 4);
    say(&one.visit, "\x88\x82\0\0\0\0\x03\xe9", 8);
    finish(&one);
    tow_worker *late;
    visit other;
    char heard[1000];
    assert_int_equal(tow_server_lend(server, &late), 0);
    begin(&other, late);
    say_text(&other, HEAD "\r\n");
    tow_lent_serve(late);
    hear(&other, heard, sizeof(heard));
    assert_int_equal(strncmp(heard, "HTTP/1.1 503 ", 13), 0);
    end(&other);
    tow_lent_return(late);
    unmake(server, first);
}

static tow_timer *ticker;
static _Atomic int ticks;

static void tick(tow_timer *timer) {
    atomic_fetch_add(&ticks, 1);
}

static void wait_for_ticks(int more) {
    int wanted = atomic_load(&ticks) + more;
    while (atomic_load(&ticks) < wanted)
        usleep(1000);
}

/* The first worker's loop goes on with whichever thread has a connection. */
static void the_first_loop_is_stepped_by_one_thread_after_the_other(void **state) {
    (void)state;
    tow_loop *first;
    tow_server *server = make(3, &first);
    assert_int_equal(tow_timer_new(&ticker, first, tick, NULL), 0);
    assert_int_equal(tow_timer_start(ticker, 5, 5), 0);
    guest_thread one, other;
    start(&one, server);
    wait_for_ticks(3);
    start(&other, server);
    wait_for_ticks(3);
    say(&one.visit, going, sizeof(going) - 1);
    finish(&one);
    wait_for_ticks(3);
    say(&other.visit, going, sizeof(going) - 1);
    finish(&other);
    tow_timer_free(ticker);
    unmake(server, first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_served_to_its_end),
        cmocka_unit_test(admission_is_the_servers),
        cmocka_unit_test(a_client_that_vanishes_ends_it),
        cmocka_unit_test(who_keeps_a_request_hears_that_the_client_has_left),
        cmocka_unit_test(there_are_as_many_workers_as_were_asked_for),
        cmocka_unit_test(a_post_to_a_socket_that_is_gone_does_nothing),
        cmocka_unit_test(what_is_posted_wakes_the_thread),
        cmocka_unit_test(a_stop_closes_with_1001),
        cmocka_unit_test(the_first_loop_is_stepped_by_one_thread_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
