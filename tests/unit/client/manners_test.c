/* What a library owes the program that it lives in: no memory and no descriptor is left when the loop is
 * freed, no thread is made, no signal handler is installed, and nothing is printed. Each on both loops of the
 * system, with a life that has a server, a client, failures, and a reconnector in it. */
#include "../unit.h"

#include "../allocation.h"

#include "transport/loop.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <towline.h>
#include <unistd.h>

enum { SIGNALS = 65, LONG = 60 * 1000 };

static const tow_io loop_kinds[] = {TOW_IO_EPOLL, TOW_IO_URING};

typedef struct life {
    tow_loop *loop;
    tow_server *server;
    char url[64];
    void (*look)(void); /* in the middle of it */
    size_t messages, closes, give_ups;
} test_life;

static void look(const test_life *life) {
    if (life->look != NULL)
        life->look();
}

/* The server's end. */

static void server_message(tow_websocket *socket, const tow_message *message) {
    look(tow_websocket_user(socket));
    if (message->length == 2 && memcmp(message->data, "go", 2) == 0)
        tow_websocket_close(socket, 1012, "again");
    else
        tow_websocket_send(socket, message->type, message->data, message->length);
}

static void life_begin(test_life *life, tow_io io) {
    static const char *const protocols[] = {"soap", NULL};
    assert_int_equal(tow_loop_new(&life->loop, &(tow_loop_options){.io = io}), 0);
    assert_int_equal(
        tow_server_new(&life->server, &(tow_server_options){.listen = "127.0.0.1:0", .loop = life->loop}), 0);
    assert_int_equal(tow_server_route(life->server, "/",
                         &(tow_handler){.user = life, .protocols = protocols, .on_message = server_message}),
        0);
    assert_int_equal(tow_server_listen(life->server), 0);
    snprintf(life->url, sizeof(life->url), "ws://localhost:%d/", tow_server_port(life->server, 0));
}

/* The client's end. */

static void on_open(tow_websocket *socket) {
    static uint8_t bytes[500 * 1000];
    look(tow_websocket_user(socket));
    assert_true(tow_websocket_send(socket, TOW_TEXT, "hello", 5) >= 0);
    assert_true(tow_websocket_send(socket, TOW_BINARY, bytes, sizeof(bytes)) >= 0);
    assert_int_equal(tow_websocket_ping(socket, "p", 1), 0);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    test_life *life = tow_websocket_user(socket);
    look(life);
    if (++life->messages % 2 == 0)
        tow_websocket_close(socket, 1000, "enough");
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    test_life *life = tow_websocket_user(socket);
    look(life);
    life->closes++;
}

static void ask_to_go(tow_websocket *socket) {
    tow_websocket_send(socket, TOW_TEXT, "go", 2);
}

static void on_give_up(tow_reconnector *reconnector, int error) {
    test_life *life = tow_reconnector_user(reconnector);
    look(life);
    life->give_ups++;
}

static void until(const test_life *life, const size_t *count, size_t wanted) {
    while (*count < wanted)
        assert_true(tow_loop_round(life->loop) >= 0);
}

static void talk(test_life *life, const char *url, size_t closes) {
    static const char *const protocols[] = {"soap", "xmpp", NULL};
    tow_websocket *socket;
    assert_int_equal(tow_websocket_open(&socket, life->loop, url,
                         &(tow_websocket_options){.protocols = protocols,
                             .user = life,
                             .on_open = on_open,
                             .on_message = on_message,
                             .on_close = on_close,
                             .limits.max_queue = TOW_OFF}),
        0);
    until(life, &life->closes, closes);
    tow_websocket_free(socket);
}

static void reconnect(test_life *life) {
    tow_reconnector *reconnector;
    assert_int_equal(
        tow_reconnector_new(&reconnector, life->loop, life->url,
            &(tow_websocket_options){.user = life, .on_open = ask_to_go},
            &(tow_reconnector_options){.first_milliseconds = 5, .max_attempts = 3, .on_give_up = on_give_up}),
        0);
    until(life, &life->give_ups, 1);
    tow_reconnector_free(reconnector);
}

/* A conversation, an opening handshake that is refused, a connection that is refused, one that is freed while
 * it is open, and a reconnector that gives up. */
static void live(tow_io io, void (*look_at)(void)) {
    test_life life = {.look = look_at};
    char wrong[80];
    tow_websocket *left;
    life_begin(&life, io);
    talk(&life, life.url, 1);
    assert_int_equal(life.messages, 2);
    snprintf(wrong, sizeof(wrong), "%snowhere", life.url);
    talk(&life, wrong, 2);
    talk(&life, "ws://127.0.0.1:1/", 3);
    reconnect(&life);
    assert_int_equal(tow_websocket_open(&left, life.loop, life.url, NULL), 0);
    while (tow_websocket_ready_state(left) != TOW_OPEN)
        assert_true(tow_loop_round(life.loop) >= 0);
    tow_websocket_free(left);
    tow_server_stop(life.server);
    while (!tow_server_is_done(life.server))
        assert_true(tow_loop_round(life.loop) >= 0);
    tow_server_free(life.server);
    tow_loop_free(life.loop);
}

/* A server in a process of its own, so that this one has a thread only, for the client whose calls wait. */

static void child_message(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void child_serve(int out) {
    tow_server *server;
    if (tow_server_new(&server, &(tow_server_options){.listen = "127.0.0.1:0"}) != 0 ||
        tow_server_route(server, "/", &(tow_handler){.on_message = child_message}) != 0 ||
        tow_server_listen(server) != 0)
        _exit(1);
    int port = tow_server_port(server, 0);
    if (write(out, &port, sizeof(port)) != sizeof(port))
        _exit(1);
    tow_server_run(server);
    _exit(0);
}

static pid_t start_server(int *port) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        child_serve(ends[1]);
    assert_int_equal(read(ends[0], port, sizeof(*port)), sizeof(*port));
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void stop_server(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void live_blocking(int port, void (*look_at)(void)) {
    tow_blocking *blocking;
    tow_message message;
    char url[64];
    snprintf(url, sizeof(url), "ws://localhost:%d/", port);
    assert_int_equal(tow_blocking_open(&blocking, url, NULL, LONG), 0);
    look_at();
    assert_int_equal(tow_blocking_send(blocking, TOW_TEXT, "hello", 5, LONG), 0);
    assert_int_equal(tow_blocking_receive(blocking, &message, LONG), 0);
    look_at();
    assert_int_equal(tow_blocking_close(blocking, 1000, NULL, LONG), 0);
    tow_blocking_free(blocking);
    assert_int_equal(tow_blocking_open(&blocking, "ws://127.0.0.1:1/", NULL, LONG), TOW_ERROR_REFUSED);
    tow_blocking_free(blocking);
}

static void live_all(void (*look_at)(void)) {
    int port;
    for (size_t i = 0; i < sizeof(loop_kinds) / sizeof(loop_kinds[0]); i++)
        live(loop_kinds[i], look_at);
    pid_t child = start_server(&port);
    live_blocking(port, look_at);
    stop_server(child);
}

/* Entries of a folder of /proc that the kernel did not make for itself. */
static size_t count_entries(const char *path, bool are_threads) {
    size_t count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char name[400];
        char comment[32] = "";
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s/comm", path, entry->d_name);
        FILE *file = are_threads ? fopen(name, "r") : NULL;
        if (file != NULL && fgets(comment, sizeof(comment), file) == NULL)
            comment[0] = '\0';
        if (file != NULL)
            fclose(file);
        count += strncmp(comment, "iou-", 4) != 0; /* io_uring's own */
    }
    closedir(folder);
    return count;
}

static void look_at_nothing(void) {
}

static void no_memory_and_no_descriptor_is_left(void **state) {
    (void)state;
    live_all(look_at_nothing); /* what libraries below keep for the process comes with the first life */
    long memory = allocation_outstanding();
    size_t descriptors = count_entries("/proc/self/fd", false);
    live_all(look_at_nothing);
    assert_int_equal(allocation_outstanding(), memory);
    assert_int_equal(count_entries("/proc/self/fd", false), descriptors);
    assert_int_equal(memory, 0);
}

static void look_at_threads(void) {
    assert_int_equal(count_entries("/proc/self/task", true), 1);
}

static void no_thread_is_made(void **state) {
    (void)state;
    look_at_threads();
    live_all(look_at_threads);
    look_at_threads();
}

static struct sigaction actions[SIGNALS];
static sigset_t blocked;

static void note_signals(void) {
    for (int number = 1; number < SIGNALS; number++)
        sigaction(number, NULL, &actions[number]); /* two are the C library's own: they stay zeroed */
    sigprocmask(SIG_BLOCK, NULL, &blocked);
}

static void look_at_signals(void) {
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int number = 1; number < SIGNALS; number++) {
        struct sigaction action;
        memset(&action, 0, sizeof(action));
        sigaction(number, NULL, &action);
        if (action.sa_handler != actions[number].sa_handler || action.sa_flags != actions[number].sa_flags)
            fail_msg("signal %d has another action", number);
        assert_int_equal(sigismember(&mask, number), sigismember(&blocked, number));
    }
}

static void no_signal_handler_is_installed_and_none_is_blocked(void **state) {
    (void)state;
    note_signals();
    live_all(look_at_signals);
    look_at_signals();
}

static void nothing_is_printed(void **state) {
    (void)state;
    struct stat written;
    int file = memfd_create("output", 0);
    assert_true(file >= 0);
    fflush(NULL);
    int output = dup(STDOUT_FILENO);
    int errors = dup(STDERR_FILENO);
    assert_true(dup2(file, STDOUT_FILENO) >= 0 && dup2(file, STDERR_FILENO) >= 0);
    live_all(look_at_nothing);
    fflush(NULL);
    assert_true(dup2(output, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0);
    assert_int_equal(fstat(file, &written), 0);
    close(output);
    close(errors);
    close(file);
    assert_int_equal(written.st_size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory_and_no_descriptor_is_left),
        cmocka_unit_test(no_thread_is_made),
        cmocka_unit_test(no_signal_handler_is_installed_and_none_is_blocked),
        cmocka_unit_test(nothing_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
