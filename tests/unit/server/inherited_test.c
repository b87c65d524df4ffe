/* Servers on sockets, and connections, that somebody else has opened. */
#include "../unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <towline.h>
#include <unistd.h>

enum { PATIENCE = 10000, TEXT_KEPT = 400, FIRST_PASSED = 3, PASSED = 3, CLIENTS = 24 };

static tow_io loop_io;

static int use_epoll(void **state) {
    (void)state;
    loop_io = TOW_IO_EPOLL;
    return 0;
}

static int use_uring(void **state) {
    (void)state;
    loop_io = TOW_IO_URING;
    return 0;
}

#define ON_BOTH(test)                                                                                        \
    {#test " on epoll", test, use_epoll, NULL, NULL}, {                                                      \
#test " on io_uring", test, use_uring, NULL, NULL                                                    \
    }

/* What others open. */

static int listen_ip4(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 100), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int listen_unix(char path[100]) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(path, 100, "/tmp/towline-inherited-%d", (int)getpid());
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 100), 0);
    return fd;
}

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

/* The server. */

enum { LOOPS_MAX = 8 };

typedef struct running {
    tow_server *server;
    pthread_t thread;
    int result;
    char line[TEXT_KEPT]; /* of the log, the last one that tells of an error */
    char peer[TEXT_KEPT]; /* of the last socket that was opened */
    pthread_mutex_t mutex;
    tow_loop *loops[LOOPS_MAX]; /* of those that were opened */
    int loop_count;
} running;

static running self;

static void opened(tow_websocket *socket) {
    pthread_mutex_lock(&self.mutex);
    int i = 0;
    while (i < self.loop_count && self.loops[i] != tow_websocket_loop(socket))
        i++;
    if (i == self.loop_count)
        self.loops[self.loop_count++] = tow_websocket_loop(socket);
    snprintf(self.peer, sizeof(self.peer), "%s", tow_request_peer(tow_websocket_request(socket)));
    pthread_mutex_unlock(&self.mutex);
}

/* The peer of the last one, for the thread of the test. */
static const char *opened_peer(void) {
    static char peer[TEXT_KEPT];
    pthread_mutex_lock(&self.mutex);
    memcpy(peer, self.peer, sizeof(peer));
    pthread_mutex_unlock(&self.mutex);
    return peer;
}

static int opened_loops(void) {
    pthread_mutex_lock(&self.mutex);
    int count = self.loop_count;
    pthread_mutex_unlock(&self.mutex);
    return count;
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void keep_error(void *user, int level, const char *line) {
    (void)user;
    if (level == TOW_LOG_ERROR)
        snprintf(self.line, sizeof(self.line), "%s", line);
}

static void make(const tow_server_options *given) {
    tow_server_options options = *given;
    self = (running){.mutex = PTHREAD_MUTEX_INITIALIZER};
    options.io = loop_io;
    options.on_log = keep_error;
    assert_int_equal(tow_server_new(&self.server, &options), 0);
    assert_int_equal(
        tow_server_route(self.server, "/echo", &(tow_handler){.on_open = opened, .on_message = echo}), 0);
}

static void *run(void *argument) {
    (void)argument;
    self.result = tow_server_run(self.server);
    return NULL;
}

static void start(const tow_server_options *options) {
    make(options);
    assert_int_equal(tow_server_listen(self.server), 0);
    assert_int_equal(pthread_create(&self.thread, NULL, run, NULL), 0);
}

static void stop(void) {
    tow_server_stop(self.server);
    assert_int_equal(pthread_join(self.thread, NULL), 0);
    assert_int_equal(self.result, 0);
    assert_int_equal(tow_server_adopt(self.server, 0), TOW_ERROR_STATE);
    tow_server_free(self.server);
}

/* Clients. */

static tow_blocking *enter_url(const char *url, const tow_websocket_options *options) {
    tow_blocking *client;
    int error = tow_blocking_open(&client, url, options, PATIENCE);
    if (error != 0)
        fail_msg("%s: %s", url, tow_blocking_error_text(client));
    return client;
}

static tow_blocking *enter(int port) {
    char url[64];
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/echo", port);
    return enter_url(url, NULL);
}

static tow_blocking *enter_unix(const char *path) {
    return enter_url("ws://localhost/echo", &(tow_websocket_options){.unix_path = path});
}

static void hear_echo(tow_blocking *client) {
    tow_message message;
    assert_int_equal(tow_blocking_send(client, TOW_TEXT, "hello", 5, PATIENCE), 0);
    assert_int_equal(tow_blocking_receive(client, &message, PATIENCE), 0);
    assert_memory_equal(message.data, "hello", 5);
}

static void leave(tow_blocking *client) {
    assert_int_equal(tow_blocking_close(client, 1000, NULL, PATIENCE), 0);
    tow_blocking_free(client);
}

static void visit(tow_blocking *client) {
    hear_echo(client);
    leave(client);
}

/* Sockets that listen. */

static void a_descriptor_that_listens_is_served_and_stays_the_callers(void **state) {
    (void)state;
    int port;
    int fd = listen_ip4(&port);
    char text[32];
    snprintf(text, sizeof(text), "fd:%d", fd);
    start(&(tow_server_options){.listen = text});
    assert_int_equal(tow_server_port(self.server, 0), port);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    visit(enter(port));
    stop();
    assert_true(is_open(fd));
    start(&(tow_server_options){.listen = text}); /* as if it were the next process */
    close(fd);
    visit(enter(port));
    stop();
}

/* Each has a copy of the descriptor, and who has accepted a connection gives it to the one with less to do.
 */
static void workers_share_a_descriptor(void **state) {
    (void)state;
    int port;
    char text[32];
    tow_blocking *clients[CLIENTS];
    snprintf(text, sizeof(text), "fd:%d", listen_ip4(&port));
    start(&(tow_server_options){.listen = text, .workers = 3});
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = enter(port);
        hear_echo(clients[i]);
    }
    assert_int_equal(opened_loops(), 3);
    for (int i = 0; i < CLIENTS; i++)
        leave(clients[i]);
    stop();
    close(atoi(text + 3));
}

static void a_unix_socket_is_served_and_keeps_its_file(void **state) {
    (void)state;
    char path[100], text[32];
    struct stat status;
    int fd = listen_unix(path);
    snprintf(text, sizeof(text), "fd:%d", fd);
    start(&(tow_server_options){.listen = text, .workers = 2, .tls_self_signed = true});
    assert_int_equal(tow_server_port(self.server, 0), 0);
    visit(enter_unix(path));
    assert_string_equal(opened_peer(), "unix");
    close(fd);
    stop();
    assert_int_equal(stat(path, &status), 0);
    unlink(path);
}

/* A socket for both families has IPv4 clients as ::ffff:127.0.0.1. */
static void a_socket_for_both_families_knows_ip4_clients(void **state) {
    (void)state;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    socklen_t length = sizeof(address);
    char text[32];
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    int off = 0;
    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 10), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(text, sizeof(text), "fd:%d", fd);
    start(&(tow_server_options){.listen = text});
    visit(enter(ntohs(address.sin6_port)));
    if (strncmp(opened_peer(), "127.0.0.1:", 10) != 0)
        fail_msg("the peer is %s", opened_peer());
    stop();
    close(fd);
}

static void assert_refused(const char *text, const char *why) {
    char line[TEXT_KEPT];
    make(&(tow_server_options){.listen = text});
    assert_int_equal(tow_server_listen(self.server), TOW_ERROR_ADDRESS);
    snprintf(line, sizeof(line), "listen: cannot listen on %s: %s", text, why);
    assert_string_equal(self.line, line);
    tow_server_free(self.server);
}

static void assert_descriptor_refused(int fd, const char *why) {
    char text[32];
    snprintf(text, sizeof(text), "fd:%d", fd);
    assert_refused(text, why);
    close(fd);
}

static void a_descriptor_that_does_not_listen_is_refused_and_named(void **state) {
    (void)state;
    int pair[2], ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pipe(ends), 0);
    assert_refused("fd:1000000", "there is no descriptor of this number");
    assert_descriptor_refused(ends[0], "the descriptor is not a socket");
    assert_descriptor_refused(
        socket(AF_INET, SOCK_DGRAM, 0), "the socket is neither TCP nor a Unix socket for streams");
    assert_descriptor_refused(
        socket(AF_UNIX, SOCK_SEQPACKET, 0), "the socket is neither TCP nor a Unix socket for streams");
    assert_descriptor_refused(socket(AF_INET, SOCK_STREAM, 0), "the socket does not listen");
    assert_descriptor_refused(pair[0], "the socket does not listen");
    close(pair[1]);
    close(ends[1]);
}

static void texts_that_mean_no_descriptor_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "fd:", "fd:-1", "fd:x", "fd:3x", "fd: 3", "fd:99999999999", "systemd:", "systemdx", "FD:3"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tow_server *server = NULL;
        int error = tow_server_new(&server, &(tow_server_options){.listen = texts[i]});
        if (error != TOW_ERROR_ADDRESS)
            fail_msg("'%s' gave %s", texts[i], tow_error_name(error));
    }
}

/* Those of the service manager. */

static void set_number(const char *name, int number) {
    char text[16];
    snprintf(text, sizeof(text), "%d", number);
    assert_int_equal(setenv(name, text, 1), 0);
}

/* The places from 3 on may be taken: they are put back behind the test. */
static int places[PASSED];

static void pass(const int fds[PASSED], const char *names) {
    for (int i = 0; i < PASSED; i++) {
        places[i] = dup(FIRST_PASSED + i);
        assert_int_equal(dup2(fds[i], FIRST_PASSED + i), FIRST_PASSED + i);
    }
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", PASSED);
    if (names != NULL)
        setenv("LISTEN_FDNAMES", names, 1);
    else
        unsetenv("LISTEN_FDNAMES");
}

static int forget_environment(void **state) {
    (void)state;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return 0;
}

static void take_back(void) {
    for (int i = 0; i < PASSED; i++) {
        if (places[i] >= 0)
            dup2(places[i], FIRST_PASSED + i);
        else
            close(FIRST_PASSED + i);
        if (places[i] >= 0)
            close(places[i]);
    }
    forget_environment(NULL);
}

/* Far above those that are passed. */
static int moved_up(int fd) {
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    close(fd);
    return moved;
}

static void sockets_of_a_socket_unit_are_served_all_or_by_name(void **state) {
    (void)state;
    int ports[2];
    char path[100];
    const int fds[PASSED] = {
        moved_up(listen_ip4(&ports[0])), moved_up(listen_unix(path)), moved_up(listen_ip4(&ports[1]))};
    pass(fds, "web:local:web");
    start(&(tow_server_options){.listen = "systemd"});
    visit(enter(ports[0]));
    visit(enter_unix(path));
    visit(enter(ports[1]));
    stop();
    start(&(tow_server_options){.listen = "systemd:local",
        .listens = (const char *const[]){"systemd:web", NULL},
        .status = "systemd:local"});
    assert_int_equal(tow_server_port(self.server, 0), 0);
    assert_int_equal(tow_server_port(self.server, 1), ports[0]);
    visit(enter(ports[1]));
    stop();
    for (int i = 0; i < PASSED; i++)
        close(fds[i]);
    take_back();
    unlink(path);
}

static void what_a_socket_unit_did_not_hand_over_is_refused_and_named(void **state) {
    (void)state;
    forget_environment(NULL);
    assert_refused("systemd", "LISTEN_FDS is not set: no socket unit has started this process");
    set_number("LISTEN_FDS", 1);
    set_number("LISTEN_PID", getpid() + 1);
    assert_refused("systemd", "LISTEN_PID is another process: the sockets were for that one");
    setenv("LISTEN_PID", "1x", 1);
    assert_refused("systemd", "LISTEN_PID is another process: the sockets were for that one");
    set_number("LISTEN_PID", getpid());
    static const char *const counts[] = {"0", "-1", "", "1x", "99999999999"};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        setenv("LISTEN_FDS", counts[i], 1);
        assert_refused("systemd", "LISTEN_FDS says that no socket was handed over");
    }
    setenv("LISTEN_FDS", "2", 1);
    static const char *const names[] = {"", "a:b", "web2:we", ":"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        setenv("LISTEN_FDNAMES", names[i], 1);
        assert_refused("systemd:web", "LISTEN_FDNAMES has no socket of this name");
    }
    unsetenv("LISTEN_FDNAMES");
    assert_refused("systemd:web", "LISTEN_FDNAMES has no socket of this name");
}

/* Connections. */

/* Reads the beginning of an answer, and returns its length; 0: the end. */
static ssize_t answer_of(int fd, char out[TEXT_KEPT]) {
    ssize_t got;
    do
        got = recv(fd, out, TEXT_KEPT - 1, 0);
    while (got < 0 && errno == EINTR);
    assert_true(got >= 0);
    out[got] = '\0';
    return got;
}

/* By a public name: where the server has no port, nobody says that it is for this machine alone. */
static void ask(int fd) {
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: www.example.org\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
}

/* A client that connects on a thread of its own, while the test accepts. */
typedef struct visitor {
    pthread_t thread;
    char url[64];
    const char *path;
    int count;
} visitor;

static void *visit_as_told(void *argument) {
    const visitor *who = argument;
    for (int i = 0; i < who->count; i++)
        visit(enter_url(who->url, &(tow_websocket_options){.unix_path = who->path, .tls_insecure = true}));
    return NULL;
}

static void visit_adopted(int listener, visitor *who) {
    who->count = 3;
    assert_int_equal(pthread_create(&who->thread, NULL, visit_as_told, who), 0);
    for (int i = 0; i < who->count; i++) {
        int fd = accept(listener, NULL, NULL);
        assert_true(fd >= 0);
        if (i == 1) /* as some programs accept */
            assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(tow_server_adopt(self.server, fd), 0);
    }
    assert_int_equal(pthread_join(who->thread, NULL), 0);
    close(listener);
}

static void connections_that_others_accepted_are_served(void **state) {
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        int port;
        int listener = listen_ip4(&port);
        visitor who = {0};
        start(&(tow_server_options){.listen = "off", .workers = 2, .tls_self_signed = secure == 1});
        assert_int_equal(tow_server_port(self.server, 0), 0);
        snprintf(who.url, sizeof(who.url), "ws%s://127.0.0.1:%d/echo", secure == 1 ? "s" : "", port);
        visit_adopted(listener, &who);
        assert_int_equal(strncmp(opened_peer(), "127.0.0.1:", 10), 0);
        stop();
    }
}

/* Over TCP, where a server on loopback ports alone has a rule. */
static void any_host_is_served_where_there_are_no_ports(void **state) {
    (void)state;
    char text[TEXT_KEPT];
    for (int with_port = 0; with_port <= 1; with_port++) {
        int port;
        int listener = listen_ip4(&port);
        struct sockaddr_in address = {.sin_family = AF_INET,
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
            .sin_port = htons((uint16_t)port)};
        start(&(tow_server_options){.listen = with_port == 1 ? "127.0.0.1:0" : "off"});
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(tow_server_adopt(self.server, accept(listener, NULL, NULL)), 0);
        ask(fd);
        answer_of(fd, text);
        assert_int_equal(strncmp(text, with_port == 1 ? "HTTP/1.1 421 " : "HTTP/1.1 101 ", 13), 0);
        close(fd);
        close(listener);
        stop();
    }
}

/* TLS is for ports. */
static void a_unix_connection_is_served_without_tls(void **state) {
    (void)state;
    char path[100];
    int listener = listen_unix(path);
    visitor who = {.url = "ws://localhost/echo", .path = path};
    start(&(tow_server_options){.listen = "off", .tls_self_signed = true});
    visit_adopted(listener, &who);
    assert_string_equal(opened_peer(), "unix");
    stop();
    unlink(path);
}

static int socketpair_adopted(void) {
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(tow_server_adopt(self.server, pair[0]), 0);
    struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return pair[1];
}

static void limits_hold_for_what_others_accepted(void **state) {
    (void)state;
    char text[TEXT_KEPT];
    start(&(tow_server_options){.listen = "off", .max_connections = 1});
    int first = socketpair_adopted();
    ask(first);
    answer_of(first, text);
    assert_int_equal(strncmp(text, "HTTP/1.1 101 ", 13), 0);
    int second = socketpair_adopted();
    answer_of(second, text);
    assert_int_equal(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    close(first);
    close(second);
    stop();
}

static void a_proxy_introduces_what_others_accepted(void **state) {
    (void)state;
    static const char header[] = "PROXY TCP4 192.0.2.7 192.0.2.1 50001 80\r\n";
    char text[TEXT_KEPT];
    start(&(tow_server_options){
        .listen = "off", .trusted_proxies = (const char *const[]){"unix", NULL}, .proxy_protocol = true});
    int fd = socketpair_adopted();
    assert_int_equal(send(fd, header, sizeof(header) - 1, MSG_NOSIGNAL), sizeof(header) - 1);
    ask(fd);
    answer_of(fd, text);
    assert_int_equal(strncmp(text, "HTTP/1.1 101 ", 13), 0);
    close(fd);
    stop();
    assert_string_equal(opened_peer(), "192.0.2.7:50001");
}

static void what_is_no_connection_is_refused_and_stays_the_callers(void **state) {
    (void)state;
    int port, ends[2];
    assert_int_equal(pipe(ends), 0);
    const int fds[] = {listen_ip4(&port), ends[0], ends[1], socket(AF_INET, SOCK_STREAM, 0),
        socket(AF_INET, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_SEQPACKET, 0)};
    start(&(tow_server_options){.listen = "off"});
    assert_int_equal(tow_server_adopt(self.server, -1), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_server_adopt(self.server, 1000000), TOW_ERROR_ARGUMENT);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        assert_int_equal(tow_server_adopt(self.server, fds[i]), TOW_ERROR_ARGUMENT);
        assert_true(is_open(fds[i]));
        close(fds[i]);
    }
    stop();
}

static void a_server_that_does_not_listen_adopts_nothing(void **state) {
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    make(&(tow_server_options){.listen = "off"});
    assert_int_equal(tow_server_adopt(self.server, pair[0]), TOW_ERROR_STATE);
    assert_true(is_open(pair[0]));
    tow_server_free(self.server);
    close(pair[0]);
    close(pair[1]);
}

/* As it was: somebody goes on with it in a loop of his own. */
static void nor_does_one_that_drains(void **state) {
    (void)state;
    tow_loop *loop;
    int pair[2];
    assert_int_equal(tow_loop_new(&loop, &(tow_loop_options){.io = loop_io}), 0);
    make(&(tow_server_options){.listen = "off", .loop = loop, .drain_seconds = 1});
    assert_int_equal(tow_server_listen(self.server), 0);
    int open = socketpair_adopted(); /* which the drain has to wait for */
    ask(open);
    for (int i = 0; i < 20; i++)
        assert_true(tow_loop_step(loop) >= 0);
    tow_server_stop(self.server);
    assert_true(tow_loop_step(loop) >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(tow_server_adopt(self.server, pair[0]), TOW_ERROR_STATE);
    assert_int_equal(fcntl(pair[0], F_GETFD), 0);
    assert_true((fcntl(pair[0], F_GETFL) & O_NONBLOCK) != 0);
    close(pair[0]);
    close(pair[1]);
    close(open);
    while (!tow_server_is_done(self.server))
        assert_true(tow_loop_step(loop) >= 0);
    tow_server_free(self.server);
    tow_loop_free(loop);
}

/* What was adopted and has not begun goes with the loop. */
static void a_server_that_is_freed_closes_what_it_adopted(void **state) {
    (void)state;
    char text[TEXT_KEPT];
    for (int steps = 0; steps <= 3; steps++) {
        tow_loop *loop;
        assert_int_equal(tow_loop_new(&loop, &(tow_loop_options){.io = loop_io}), 0);
        make(&(tow_server_options){.listen = "off", .loop = loop});
        assert_int_equal(tow_server_listen(self.server), 0);
        int fd = socketpair_adopted();
        for (int i = 0; i < steps; i++)
            assert_true(tow_loop_step(loop) >= 0);
        tow_server_free(self.server);
        tow_loop_free(loop);
        assert_int_equal(answer_of(fd, text), 0);
        close(fd);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_descriptor_that_listens_is_served_and_stays_the_callers),
        ON_BOTH(workers_share_a_descriptor),
        ON_BOTH(a_unix_socket_is_served_and_keeps_its_file),
        ON_BOTH(a_socket_for_both_families_knows_ip4_clients),
        cmocka_unit_test(a_descriptor_that_does_not_listen_is_refused_and_named),
        cmocka_unit_test(texts_that_mean_no_descriptor_are_refused),
        ON_BOTH(sockets_of_a_socket_unit_are_served_all_or_by_name),
        cmocka_unit_test_teardown(
            what_a_socket_unit_did_not_hand_over_is_refused_and_named, forget_environment),
        ON_BOTH(connections_that_others_accepted_are_served),
        ON_BOTH(any_host_is_served_where_there_are_no_ports),
        ON_BOTH(a_unix_connection_is_served_without_tls),
        ON_BOTH(limits_hold_for_what_others_accepted),
        ON_BOTH(a_proxy_introduces_what_others_accepted),
        cmocka_unit_test(what_is_no_connection_is_refused_and_stays_the_callers),
        cmocka_unit_test(a_server_that_does_not_listen_adopts_nothing),
        ON_BOTH(nor_does_one_that_drains),
        ON_BOTH(a_server_that_is_freed_closes_what_it_adopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
