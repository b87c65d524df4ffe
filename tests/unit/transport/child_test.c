/* Child processes on real loops: their streams, signals, groups, ends; and what can't be started. */
#include "each_loop.h"

#include "transport/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct command {
    tow_child child; /* first */
    int exits;
    int status;
    int ends[3];
} command;

static void on_exit_of(tow_child *child, int status) {
    command *one = (command *)(void *)child;
    one->exits++;
    one->status = status;
}

static bool has_exited(void *argument) {
    return ((command *)argument)->exits > 0;
}

static int try_to_start(const each_loop *each, command *one, const char *const *arguments) {
    const tow_child_options options = {.arguments = arguments};
    return tow_child_start(&one->child, each->loop, &options, on_exit_of, one->ends);
}

/* The options but for the arguments. */
static void start_with(each_loop *each, command *one, const char *script, tow_child_options options) {
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    *one = (command){0};
    options.arguments = arguments;
    assert_int_equal(tow_child_start(&one->child, each->loop, &options, on_exit_of, one->ends), 0);
}

static void start(each_loop *each, command *one, const char *script) {
    start_with(each, one, script, (tow_child_options){0});
    assert_int_equal(one->ends[2], -1);
    assert_int_equal(one->exits, 0);
}

/* Everything that the command writes, until it ends its output. */
static size_t read_all(const command *one, char *out, size_t size) {
    size_t length = 0;
    ssize_t got;
    while ((got = read(one->ends[1], out + length, size - 1 - length)) > 0)
        length += (size_t)got;
    out[length] = '\0';
    return length;
}

static void finish(each_loop *each, command *one, int status) {
    run_until(each, has_exited, one);
    assert_int_equal(one->status, status);
    assert_int_equal(one->exits, 1);
    close(one->ends[0]);
    close(one->ends[1]);
    run_to_the_end(each);
}

static void input_and_output_are_a_socket_each(void **state) {
    command one;
    char said[100];
    start(*state, &one, "cat; echo end");
    assert_int_equal(write(one.ends[0], "hello\n", 6), 6);
    assert_int_equal(shutdown(one.ends[0], SHUT_WR), 0);
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "hello\nend\n");
    finish(*state, &one, 0);
}

static void input_that_is_not_read_spoils_no_output(void **state) {
    command one;
    char said[100];
    start(*state, &one, "read line; echo got $line");
    assert_int_equal(write(one.ends[0], "one\ntwo\n", 8), 8);
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "got one\n");
    finish(*state, &one, 0);
}

static void the_exit_status_is_told_as_a_shell_tells_it(void **state) {
    static const struct {
        const char *script;
        int status;
    } cases[] = {{"exit 0", 0}, {"exit 7", 7}, {"kill -TERM $$", 143}, {"kill -KILL $$", 137},
        {"no-such-command-here 2>/dev/null", 127}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        command one;
        start(*state, &one, cases[i].script);
        finish(*state, &one, cases[i].status);
    }
}

static void signals_are_as_in_a_new_process(void **state) {
    command one;
    char said[400];
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    start(*state, &one, "grep -E '^Sig(Blk|Ign):' /proc/self/status");
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    read_all(&one, said, sizeof(said));
    unsigned long long blocks = 1, ignores = 1;
    assert_int_equal(sscanf(said, "SigBlk: %llx SigIgn: %llx", &blocks, &ignores), 2);
    assert_int_equal(blocks, 0);
    assert_int_equal(ignores & 0x7fffffff, 0); /* the two above are the C library's own */
    finish(*state, &one, 0);
}

static void no_descriptor_of_ours_is_seen(void **state) {
    command one;
    char said[400];
    int leaked = open("/dev/null", O_RDONLY); /* not closed on exec: somebody forgot */
    assert_true(leaked >= 0);
    start(*state, &one, "ls /proc/$$/fd");
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "0\n1\n2\n");
    close(leaked);
    finish(*state, &one, 0);
}

static void its_environment_can_be_chosen(void **state) {
    command one;
    char said[100];
    const char *const environment[] = {"WHO=me", NULL};
    start_with(*state, &one, "echo $WHO$HOME", (tow_child_options){.environment = environment});
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "me\n");
    finish(*state, &one, 0);
}

static void it_runs_where_it_should(void **state) {
    command one;
    char said[100];
    start_with(*state, &one, "pwd", (tow_child_options){.directory = "/usr/bin"});
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "/usr/bin\n");
    finish(*state, &one, 0);
}

static void its_standard_error_can_be_read(void **state) {
    command one;
    char said[100], complained[100];
    start_with(*state, &one, "echo out; echo err >&2", (tow_child_options){.with_errors = true});
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "out\n");
    assert_int_equal(read(one.ends[2], complained, sizeof(complained)), 4);
    assert_memory_equal(complained, "err\n", 4);
    close(one.ends[2]);
    finish(*state, &one, 0);
}

/* The limits are set when it runs already, so it waits to be told to look. */
static void its_memory_and_time_can_be_limited(void **state) {
    command one;
    char said[100];
    start_with(*state, &one, "read x; ulimit -v; ulimit -t",
        (tow_child_options){.max_memory = 64 << 20, .max_cpu_seconds = 7});
    assert_int_equal(write(one.ends[0], "x\n", 2), 2);
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "65536\n7\n");
    finish(*state, &one, 0);
}

/* Whether some process holds the other end of the command's socket, also after `milliseconds`. */
static bool is_held(const command *one, int milliseconds) {
    struct pollfd poll_for = {.fd = one->ends[1], .events = POLLIN};
    char byte;
    while (poll(&poll_for, 1, milliseconds) > 0) {
        if (read(one->ends[1], &byte, 1) <= 0)
            return false;
    }
    return true;
}

enum { SOME_SECONDS = 5000 };

static void its_end_ends_all_that_it_has_started(void **state) {
    command one;
    char line[10];
    start(*state, &one, "sleep 1000 & sleep 1000 & echo up; read x");
    assert_int_equal(read(one.ends[1], line, sizeof(line)), 3);
    assert_true(is_held(&one, 0));
    tow_child_end(&one.child, 100);
    tow_child_end(&one.child, 100);
    run_until(*state, has_exited, &one);
    assert_int_equal(one.status, 143);
    assert_false(is_held(&one, SOME_SECONDS));
    tow_child_end(&one.child, 100);
    finish(*state, &one, 143);
}

static void what_it_leaves_behind_ends_with_it(void **state) {
    command one;
    start(*state, &one, "sleep 1000 & exit 3");
    run_until(*state, has_exited, &one);
    assert_false(is_held(&one, SOME_SECONDS));
    finish(*state, &one, 3);
}

static void a_command_that_does_not_listen_is_killed(void **state) {
    command one;
    char line[10];
    start(*state, &one, "trap '' TERM; echo up; while :; do sleep 0.1; done");
    assert_int_equal(read(one.ends[1], line, sizeof(line)), 3);
    tow_child_end(&one.child, 1);
    finish(*state, &one, 137);
}

static void a_loop_that_is_freed_ends_it(void **state) {
    each_loop *each = *state;
    command one, other;
    char line[10];
    start(each, &one, "trap '' TERM; echo up; sleep 1000");
    assert_int_equal(read(one.ends[1], line, sizeof(line)), 3);
    start(each, &other, "trap 'exit 9' TERM; echo up; while :; do sleep 0.01; done");
    assert_int_equal(read(other.ends[1], line, sizeof(line)), 3);
    tow_loop_free(each->loop);
    each->loop = NULL;
    assert_false(is_held(&one, SOME_SECONDS));
    assert_int_equal(one.exits, 1);
    assert_int_equal(one.status, 137);
    assert_int_equal(other.exits, 1);
    assert_int_equal(other.status, 9);
    for (int i = 0; i < 2; i++) {
        close(one.ends[i]);
        close(other.ends[i]);
    }
}

static int count_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void what_cannot_be_started_is_an_error(void **state) {
    const each_loop *each = *state;
    command one = {.ends = {-1, -1, -1}};
    int before = count_descriptors();
    const char *const missing[] = {"no-such-command-here", NULL};
    const char *const nowhere[] = {"/no/such/command", NULL};
    const char *const no_program[] = {"/etc/passwd", NULL};
    assert_int_equal(try_to_start(each, &one, missing), TOW_ERROR_NAME_NOT_FOUND);
    assert_int_equal(try_to_start(each, &one, nowhere), TOW_ERROR_NAME_NOT_FOUND);
    assert_int_equal(try_to_start(each, &one, no_program), TOW_ERROR_PERMISSION);
    assert_int_equal(one.ends[0], -1);
    assert_int_equal(one.ends[1], -1);
    assert_int_equal(one.child.pid, 0);
    assert_int_equal(count_descriptors(), before);
    run_to_the_end(*state);
}

static void without_descriptors_nothing_is_started(void **state) {
    const each_loop *each = *state;
    const char *const arguments[] = {"sleep", "1000", NULL};
    struct rlimit limit;
    command one = {.ends = {-1, -1, -1}};
    int before = count_descriptors();
    getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t room = 0; room < 5; room++) {
        int highest = 0;
        for (int fd = 0; fd < 1000; fd++)
            highest = fcntl(fd, F_GETFD) >= 0 ? fd : highest;
        struct rlimit tight = {.rlim_cur = (rlim_t)highest + 1 + room, .rlim_max = limit.rlim_max};
        int fillers[1000];
        int filled = 0;
        setrlimit(RLIMIT_NOFILE, &tight);
        for (int fd = 0; fd <= highest; fd++)
            if (fcntl(fd, F_GETFD) < 0)
                fillers[filled++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int error = try_to_start(each, &one, arguments);
        setrlimit(RLIMIT_NOFILE, &limit);
        for (int i = 0; i < filled; i++)
            close(fillers[i]);
        assert_int_equal(error, TOW_ERROR_DESCRIPTORS);
        assert_int_equal(count_descriptors(), before);
    }
    run_to_the_end(*state);
}

static void there_are_no_children_in_the_simulator(void **state) {
    const each_loop *each = *state;
    const char *const arguments[] = {"true", NULL};
    command one = {0};
    assert_int_equal(try_to_start(each, &one, arguments), TOW_ERROR_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(input_and_output_are_a_socket_each),
        ON_REAL_LOOPS(input_that_is_not_read_spoils_no_output),
        ON_REAL_LOOPS(the_exit_status_is_told_as_a_shell_tells_it),
        ON_REAL_LOOPS(signals_are_as_in_a_new_process),
        ON_REAL_LOOPS(no_descriptor_of_ours_is_seen),
        ON_REAL_LOOPS(its_environment_can_be_chosen),
        ON_REAL_LOOPS(it_runs_where_it_should),
        ON_REAL_LOOPS(its_standard_error_can_be_read),
        ON_REAL_LOOPS(its_memory_and_time_can_be_limited),
        ON_REAL_LOOPS(its_end_ends_all_that_it_has_started),
        ON_REAL_LOOPS(what_it_leaves_behind_ends_with_it),
        ON_REAL_LOOPS(a_command_that_does_not_listen_is_killed),
        ON_REAL_LOOPS(a_loop_that_is_freed_ends_it),
        ON_REAL_LOOPS(what_cannot_be_started_is_an_error),
        ON_REAL_LOOPS(without_descriptors_nothing_is_started),
        IN_THE_SIMULATOR(there_are_no_children_in_the_simulator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
