/* The server on the system's own network: addresses, workers, stopping from other threads. */
#include "../unit.h"

#include "transport/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <towline/error.h>
#include <towline/server.h>
#include <unistd.h>

#define HANDSHAKE                                                                                            \
    "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                 \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

/* How the loops of the test that runs ask the kernel. */
static tow_io loop_io;

static int on_epoll(void **state) {
    (void)state;
    loop_io = TOW_IO_EPOLL;
    return 0;
}

static int on_uring(void **state) {
    (void)state;
    loop_io = TOW_IO_URING;
    return 0;
}

#define ON_BOTH(test)                                                                                        \
    {#test " on epoll", test, on_epoll, NULL, NULL}, {                                                       \
#test " on io_uring", test, on_uring, NULL, NULL                                                     \
    }

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static tow_server *make(const tow_server_options *options) {
    tow_server *server;
    assert_int_equal(tow_server_new(&server, options), 0);
    assert_int_equal(tow_server_route(server, "/echo", &(tow_handler){.on_message = echo}), 0);
    return server;
}

/* Clients that wait, on plain sockets */

static void set_patience(int fd) {
    struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
}

static int connect_ip4(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    set_patience(fd);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int connect_ip6(int port) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    address.sin6_addr = in6addr_loopback;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    set_patience(fd);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int connect_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    set_patience(fd);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const void *bytes, size_t length) {
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

/* With a time limit recv is not begun again after a signal, of which sanitizers send some. */
static ssize_t receive(int fd, void *out, size_t length) {
    ssize_t got;
    do
        got = recv(fd, out, length, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Reads until the text has come. */
static void hear(int fd, const char *text) {
    char received[4096];
    size_t length = 0;
    while (memmem(received, length, text, strlen(text)) == NULL) {
        ssize_t got = receive(fd, received + length, sizeof(received) - length);
        if (got <= 0)
            fail_msg("waited for %s, received %.*s", text, (int)length, received);
        length += (size_t)got;
    }
}

static void open_socket(int fd) {
    say(fd, HANDSHAKE, strlen(HANDSHAKE));
    hear(fd, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

static void echo_once(int fd) {
    say(fd, "\x81\x85\0\0\0\0hello", 11);
    hear(fd, "\x81\x05hello");
}

/* Answers the server's Close, as in a drain. */
static void close_politely(int fd) {
    hear(fd, "\x88\x02\x03\xe9");
    say(fd, "\x88\x82\0\0\0\0\x03\xe9", 8);
    char rest[16];
    assert_int_equal(receive(fd, rest, sizeof(rest)), 0);
    close(fd);
}

/* A server on a thread of its own */

typedef struct running {
    tow_server *server;
    pthread_t thread;
    int result;
} running;

static void *run(void *argument) {
    running *self = argument;
    self->result = tow_server_run(self->server);
    return NULL;
}

static void start(running *self, const tow_server_options *options) {
    self->server = make(options);
    assert_int_equal(tow_server_listen(self->server), 0);
    assert_int_equal(pthread_create(&self->thread, NULL, run, self), 0);
}

static void stop(running *self) {
    tow_server_stop(self->server);
    assert_int_equal(pthread_join(self->thread, NULL), 0);
    assert_int_equal(self->result, 0);
    assert_true(tow_server_is_done(self->server));
    assert_int_equal(tow_server_run(self->server), TOW_ERROR_STATE);
    tow_server_free(self->server);
}

enum { LINE_KEPT = 400 };

static void echo_piece(tow_websocket *socket, const tow_message_piece *piece) {
    tow_websocket_send_piece(socket, piece);
}

static void keep_line(void *user, int level, const char *line) {
    assert_int_equal(level, TOW_LOG_ERROR);
    snprintf(user, LINE_KEPT, "%s", line);
}

static void options_that_make_no_sense_are_refused_and_named(void **state) {
    (void)state;
    tow_server *server = NULL;
    struct {
        tow_server_options options;
        int error;
        const char *said;
    } cases[] = {
        {{.listen = "no-such-host:80"}, TOW_ERROR_ADDRESS, "listen: 'no-such-host:80' is not an address"},
        {{.listen = "localhost:99999"}, TOW_ERROR_ADDRESS, "listen: "},
        {{.status = "x"}, TOW_ERROR_ADDRESS, "status: 'x' is not an address"},
        {{.workers = -1}, TOW_ERROR_ARGUMENT, "workers: -1 is not from 0 to 1024"},
        {{.workers = 100000}, TOW_ERROR_ARGUMENT, "workers: 100000 is not"},
        {{.handshake_seconds = -2}, TOW_ERROR_ARGUMENT,
            "handshake_seconds: -2 is too little; at least -1 (TOW_OFF: none)"},
        {{.limits = {.max_queue = -2}}, TOW_ERROR_ARGUMENT, "limits.max_queue: -2 is too little"},
        {{.limits = {.low_mark = 10, .high_mark = 10}}, TOW_ERROR_ARGUMENT, "limits.low_mark: "},
        {{.limits = {.overflow = (tow_overflow)4}}, TOW_ERROR_ARGUMENT,
            "limits.overflow: 4 is not from 1 to 3"},
        {{.limits = {.overflow = TOW_OVERFLOW_DROP_OLDEST, .compression = TOW_COMPRESSION_TAKEOVER}},
            TOW_ERROR_ARGUMENT, "limits.overflow: "},
        {{.max_posted = -2}, TOW_ERROR_ARGUMENT, "max_posted: "},
        {{.allow_origins = (const char *const[]){"a.example", NULL}}, TOW_ERROR_ARGUMENT,
            "allow_origins: 'a.example' is not an origin"},
        {{.hosts = (const char *const[]){"http://a.example", NULL}}, TOW_ERROR_ARGUMENT,
            "hosts: 'http://a.example' is not a host's name"},
        {{.trusted_proxies = (const char *const[]){"10.0.0.0/40", NULL}}, TOW_ERROR_ARGUMENT,
            "trusted_proxies: '10.0.0.0/40' is not an address"},
        {{.proxy_protocol = true}, TOW_ERROR_ARGUMENT, "proxy_protocol: "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[LINE_KEPT] = "";
        cases[i].options.on_log = keep_line;
        cases[i].options.log_user = line;
        int error = tow_server_new(&server, &cases[i].options);
        if (error != cases[i].error || strncmp(line, cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("case %zu gave %s and said \"%s\"", i, tow_error_name(error), line);
    }
    assert_null(server);
    tow_server_free(NULL);
}

static void keep_last(void *user, int level, const char *line) {
    (void)level;
    snprintf(user, LINE_KEPT, "%s", line);
}

static void the_log_says_by_which_scheme_it_listens(void **state) {
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        char line[LINE_KEPT] = "";
        tow_server *server = make(&(tow_server_options){
            .listen = "localhost:0", .tls_self_signed = secure == 1, .on_log = keep_last, .log_user = line});
        assert_int_equal(tow_server_listen(server), 0);
        assert_non_null(strstr(line, secure == 1 ? "on wss://localhost:" : "on ws://localhost:"));
        tow_server_free(server);
    }
}

static void routes_that_make_no_sense_are_refused_and_named(void **state) {
    (void)state;
    char line[LINE_KEPT];
    tow_server *server;
    assert_int_equal(
        tow_server_new(&server, &(tow_server_options){.on_log = keep_line, .log_user = line}), 0);
    const struct {
        const char *path;
        tow_handler handler;
        const char *said;
    } cases[] = {
        {"echo", {.on_message = echo}, "route echo: not a path"},
        {"/a", {.limits = {.max_queue = -2}}, "route /a: max_queue: -2 is too little"},
        {"/a", {.protocols = (const char *const[]){"a b", NULL}}, "route /a: protocols: "},
        {"/a", {.on_message = echo, .on_piece = echo_piece}, "route /a: on_piece: "},
        {"/a", {.allow_origins = (const char *const[]){"a.example", NULL}}, "route /a: allow_origins: 'a.ex"},
        {"/a", {.hosts = (const char *const[]){"http://a", NULL}}, "route /a: hosts: 'http://a' is not "},
        {"/a", {.hosts = (const char *const[]){NULL}}, "route /a: hosts: name one"},
        {"/a", {.any_origin = true, .allow_origins = (const char *const[]){"*", NULL}},
            "route /a: any_origin: not with allow_origins"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        line[0] = '\0';
        assert_int_equal(tow_server_route(server, cases[i].path, &cases[i].handler), TOW_ERROR_ARGUMENT);
        if (strncmp(line, cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("case %zu said \"%s\"", i, line);
    }
    tow_server_free(server);
}

static void a_port_that_is_in_use_is_an_error(void **state) {
    (void)state;
    tow_server *one = make(&(tow_server_options){.listen = "localhost:0"});
    assert_int_equal(tow_server_listen(one), 0);
    assert_int_equal(tow_server_listen(one), TOW_ERROR_STATE);
    assert_int_equal(tow_server_route(one, "/late", &(tow_handler){.on_message = echo}), 0);
    char address[32];
    snprintf(address, sizeof(address), "localhost:%d", tow_server_port(one, 0));
    for (int workers = 1; workers <= 2; workers++) {
        tow_server *other = make(&(tow_server_options){.listen = address, .workers = workers});
        assert_int_equal(tow_server_run(other), TOW_ERROR_ADDRESS_IN_USE);
        tow_server_free(other);
    }
    tow_server_free(one);
}

enum { FIELD_KEPT = 100 };

/* What the log has said of listening. */
typedef struct listening_line {
    int lines;
    char line[LINE_KEPT];
    char option[FIELD_KEPT], listen[FIELD_KEPT], address[FIELD_KEPT];
} listening_line;

static void keep_listening_line(void *user, const tow_log_entry *entry) {
    listening_line *kept = user;
    kept->lines++;
    assert_int_equal(entry->level, TOW_LOG_ERROR);
    snprintf(kept->line, sizeof(kept->line), "%s", entry->line);
    for (size_t i = 0; i < entry->field_count; i++) {
        const tow_log_field *field = &entry->fields[i];
        char *place = strcmp(field->name, "option") == 0    ? kept->option
                      : strcmp(field->name, "listen") == 0  ? kept->listen
                      : strcmp(field->name, "address") == 0 ? kept->address
                                                            : NULL;
        if (place != NULL)
            snprintf(place, FIELD_KEPT, "%s", field->text);
    }
}

static int port_that_is_free_on_both(void) {
    tow_server *server = make(&(tow_server_options){.listen = "localhost:0"});
    assert_int_equal(tow_server_listen(server), 0);
    int port = tow_server_port(server, 0);
    tow_server_free(server);
    return port;
}

/* Of the two that localhost stands for, the second is taken. */
static void the_log_says_which_address_cannot_be_listened_on_and_why(void **state) {
    (void)state;
    char taken[FIELD_KEPT], exactly[FIELD_KEPT], line[LINE_KEPT];
    int port = port_that_is_free_on_both();
    snprintf(taken, sizeof(taken), "localhost:%d", port);
    snprintf(exactly, sizeof(exactly), "[::1]:%d", port);
    tow_server *holder = make(&(tow_server_options){.listen = exactly});
    assert_int_equal(tow_server_listen(holder), 0);
    const struct {
        tow_server_options options;
        const char *option, *listen, *address;
        int error;
    } cases[] = {
        {{.listen = taken}, "listen", taken, exactly, TOW_ERROR_ADDRESS_IN_USE},
        {{.listen = "[::1]:0", .status = taken}, "status", taken, exactly, TOW_ERROR_ADDRESS_IN_USE},
        {{.listen = "[::1]:0", .listens = (const char *const[]){exactly, NULL}}, "listen", exactly, NULL,
            TOW_ERROR_ADDRESS_IN_USE},
        {{.listen = "unix:/nonexistent/folder/socket"}, "listen", "unix:/nonexistent/folder/socket", NULL,
            TOW_ERROR_NO_FILE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        listening_line kept = {0};
        tow_server_options options = cases[i].options;
        options.on_log_entry = keep_listening_line;
        options.log_user = &kept;
        options.log_level = TOW_LOG_WARNING;
        tow_server *server = make(&options);
        assert_int_equal(tow_server_listen(server), cases[i].error);
        const char *address = cases[i].address;
        snprintf(line, sizeof(line), "%s: cannot listen on %s%s%s%s: %s", cases[i].option, cases[i].listen,
            address != NULL ? " (" : "", address != NULL ? address : "", address != NULL ? ")" : "",
            tow_strerror(cases[i].error));
        assert_int_equal(kept.lines, 1);
        assert_string_equal(kept.line, line);
        assert_string_equal(kept.option, cases[i].option);
        assert_string_equal(kept.listen, cases[i].listen);
        assert_string_equal(kept.address, address != NULL ? address : cases[i].listen);
        tow_server_free(server);
    }
    tow_server_free(holder);
}

static void a_new_server_may_listen_where_one_was_before(void **state) {
    (void)state;
    tow_server *one = make(&(tow_server_options){.listen = "127.0.0.1:0"});
    assert_int_equal(tow_server_listen(one), 0);
    int port = tow_server_port(one, 0);
    assert_true(port > 0);
    tow_server_free(one);
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    tow_server *other = make(&(tow_server_options){.listen = address});
    assert_int_equal(tow_server_listen(other), 0);
    assert_int_equal(tow_server_port(other, 0), port);
    assert_int_equal(tow_server_port(other, 1), 0);
    tow_server_free(other);
}

static void both_families_of_localhost_have_one_port(void **state) {
    (void)state;
    running self;
    start(&self, &(tow_server_options){.listen = "localhost:0", .io = loop_io});
    int port = tow_server_port(self.server, 0);
    int ip4 = connect_ip4(port);
    int ip6 = connect_ip6(port);
    open_socket(ip4);
    open_socket(ip6);
    echo_once(ip4);
    echo_once(ip6);
    tow_server_stop(self.server);
    close_politely(ip4);
    close_politely(ip6);
    stop(&self);
}

static void a_unix_socket_serves_without_a_host_rule(void **state) {
    (void)state;
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: anything.example\r\n\r\n";
    char folder[] = "/tmp/towline-unix-XXXXXX";
    char address[64];
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof(address), "unix:%s/socket", folder);
    for (int workers = 1; workers <= 2; workers++) {
        running self;
        start(&self, &(tow_server_options){.listen = address, .workers = workers, .io = loop_io});
        assert_int_equal(tow_server_port(self.server, 0), 0);
        int fd = connect_unix(address + strlen("unix:"));
        say(fd, request, strlen(request));
        hear(fd, "HTTP/1.1 426 ");
        close(fd);
        for (int i = 0; i < 10; i++) {
            fd = connect_unix(address + strlen("unix:"));
            open_socket(fd);
            echo_once(fd);
            close(fd);
        }
        stop(&self);
    }
    assert_int_equal(rmdir(folder), 0); /* the socket's file is gone */
}

static void a_server_lives_on_a_foreign_loop(void **state) {
    (void)state;
    tow_loop *loop;
    assert_int_equal(tow_loop_new(&loop, &(tow_loop_options){.io = loop_io}), 0);
    tow_server *server = make(&(tow_server_options){.listen = "127.0.0.1:0", .loop = loop});
    struct pollfd ready = {.fd = tow_loop_fd(loop), .events = POLLIN};
    assert_int_equal(tow_server_listen(server), 0);
    int fd = connect_ip4(tow_server_port(server, 0));
    say(fd, HANDSHAKE "\x81\x85\0\0\0\0hello", strlen(HANDSHAKE) + 11);
    char received[512];
    ssize_t got = 0;
    for (int i = 0; got < 100 && i < 100; i++) {
        assert_int_equal(poll(&ready, 1, 5000), 1);
        assert_int_equal(tow_loop_step(loop), 1);
        ssize_t more = recv(fd, received + got, sizeof(received) - (size_t)got, MSG_DONTWAIT);
        got += more > 0 ? more : 0;
    }
    assert_non_null(memmem(received, (size_t)got, "\x81\x05hello", 7));
    tow_server_stop(server);
    close(fd);
    while (!tow_server_is_done(server)) {
        poll(&ready, 1, 100);
        tow_loop_step(loop);
    }
    tow_server_free(server);
    tow_loop_free(loop);
}

static atomic_int lines;

static void count_line(void *user, int level, const char *line) {
    atomic_fetch_add(&lines, 1);
}

/* -1 if there is none. */
static long metric(int port, const char *name) {
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static char text[65536];
    char wanted[96];
    int fd = connect_ip4(port);
    say(fd, request, strlen(request));
    size_t length = 0;
    ssize_t got;
    while ((got = receive(fd, text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    close(fd);
    snprintf(wanted, sizeof(wanted), "\ntowline_%s ", name);
    const char *found = strstr(text, wanted);
    return found == NULL ? -1 : strtol(found + strlen(wanted), NULL, 10);
}

/* For ThreadSanitizer too: workers take connections, echo, are asked for their counters, and drain. */
static void workers_share_the_connections(void **state) {
    (void)state;
    enum { WORKERS = 3, CLIENTS = 60 };
    running self;
    int fds[CLIENTS];
    atomic_store(&lines, 0);
    start(&self, &(tow_server_options){.listens = (const char *const[]){"localhost:0", "127.0.0.1:0", NULL},
                     .status = "127.0.0.1:0",
                     .workers = WORKERS,
                     .io = loop_io,
                     .max_connections = CLIENTS,
                     .max_connections_per_address = 1000,
                     .on_log = count_line});
    int status = tow_server_port(self.server, 2);
    while (metric(status, "loop_rounds_total{worker=\"1\"}") < 0 ||
           metric(status, "loop_rounds_total{worker=\"2\"}") < 0)
        continue; /* until all have begun */
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = connect_ip4(tow_server_port(self.server, (size_t)i % 2));
        open_socket(fds[i]);
        if (i % 10 == 0)
            assert_int_equal(metric(status, "websockets"), i + 1);
    }
    for (int i = 0; i < CLIENTS; i++)
        echo_once(fds[i]);
    int refused = connect_ip4(tow_server_port(self.server, 0));
    hear(refused, "HTTP/1.1 503 ");
    close(refused);
    assert_int_equal(metric(status, "connections"), CLIENTS);
    assert_int_equal(metric(status, "messages_in_total"), CLIENTS);
    long least = CLIENTS;
    long most = 0;
    for (int i = 0; i < WORKERS; i++) {
        char name[64];
        snprintf(name, sizeof(name), "worker_connections{worker=\"%d\"}", i);
        long load = metric(status, name);
        least = load < least ? load : least;
        most = load > most ? load : most;
    }
    assert_true(least >= 0);
    assert_true(most - least <= CLIENTS / WORKERS / 4);
    assert_true(atomic_load(&lines) >= CLIENTS);
    tow_server_stop(self.server);
    for (int i = 0; i < CLIENTS; i++)
        close_politely(fds[i]);
    stop(&self);
}

/* All of a Unix socket's connections are accepted by one worker, which gives most of them away. */
static void a_worker_gives_connections_away(void **state) {
    (void)state;
    enum { WORKERS = 2, CLIENTS = 40 };
    char folder[] = "/tmp/towline-unix-XXXXXX";
    char address[64];
    running self;
    int fds[CLIENTS];
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof(address), "unix:%s/socket", folder);
    start(&self,
        &(tow_server_options){.listen = address, .status = "127.0.0.1:0", .workers = WORKERS, .io = loop_io});
    int status = tow_server_port(self.server, 1);
    while (metric(status, "loop_rounds_total{worker=\"1\"}") < 0)
        continue; /* until the other has begun */
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = connect_unix(address + strlen("unix:"));
        open_socket(fds[i]);
        echo_once(fds[i]);
    }
    long other = metric(status, "worker_connections{worker=\"1\"}");
    assert_true(other >= CLIENTS / 2 - CLIENTS / 8 && other <= CLIENTS / 2 + CLIENTS / 8);
    assert_int_equal(metric(status, "moved_total"), other);
    tow_server_stop(self.server);
    for (int i = 0; i < CLIENTS; i++)
        close_politely(fds[i]);
    stop(&self);
    assert_int_equal(rmdir(folder), 0); /* the socket's file is gone */
}

/* Connections come while the server stops: each is served, refused or closed, and the end is reached. */
static void a_stop_may_come_at_any_time(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        running self;
        start(
            &self, &(tow_server_options){
                       .listen = "127.0.0.1:0", .workers = 1 + round % 3, .io = loop_io, .drain_seconds = 1});
        int fds[8];
        for (int i = 0; i < 8; i++) {
            fds[i] = connect_ip4(tow_server_port(self.server, 0));
            say(fds[i], HANDSHAKE, (size_t)(round * 9) % strlen(HANDSHAKE) + 1);
        }
        if (round % 2 == 0)
            usleep(1000);
        tow_server_stop(self.server);
        for (int i = 0; i < 8; i++)
            close(fds[i]);
        stop(&self);
    }
}

static tow_server *server_to_stop;

static void stop_by_signal(int number) {
    tow_server_stop(server_to_stop);
}

static void a_signal_handler_may_stop_workers(void **state) {
    const struct itimerval soon = {.it_value.tv_usec = 20 * 1000};
    assert_int_equal(tow_server_new(&server_to_stop,
                         &(tow_server_options){.listen = "127.0.0.1:0", .workers = 2, .io = loop_io}),
        0);
    signal(SIGALRM, stop_by_signal);
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_int_equal(tow_server_run(server_to_stop), 0);
    signal(SIGALRM, SIG_DFL);
    tow_server_free(server_to_stop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense_are_refused_and_named),
        cmocka_unit_test(the_log_says_by_which_scheme_it_listens),
        cmocka_unit_test(routes_that_make_no_sense_are_refused_and_named),
        cmocka_unit_test(a_port_that_is_in_use_is_an_error),
        cmocka_unit_test(the_log_says_which_address_cannot_be_listened_on_and_why),
        cmocka_unit_test(a_new_server_may_listen_where_one_was_before),
        ON_BOTH(both_families_of_localhost_have_one_port),
        ON_BOTH(a_unix_socket_serves_without_a_host_rule),
        ON_BOTH(a_server_lives_on_a_foreign_loop),
        ON_BOTH(workers_share_the_connections),
        ON_BOTH(a_worker_gives_connections_away),
        ON_BOTH(a_stop_may_come_at_any_time),
        ON_BOTH(a_signal_handler_may_stop_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
