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
    int input, output;
} command;

static void on_exit_of(tow_child *child, int status) {
    command *one = (command *)(void *)child;
    one->exits++;
    one->status = status;
}

static bool has_exited(void *argument) {
    return ((command *)argument)->exits > 0;
}

static void start(each_loop *each, command *one, const char *script) {
    const char *const arguments[] = {"sh", "-c", script, NULL};
    *one = (command){0};
    assert_int_equal(
        tow_child_start(&one->child, each->loop, arguments, NULL, on_exit_of, &one->input, &one->output), 0);
    assert_int_equal(one->exits, 0);
}

/* Everything that the command writes, until it ends its output. */
static size_t read_all(const command *one, char *out, size_t size) {
    size_t length = 0;
    ssize_t got;
    while ((got = read(one->output, out + length, size - 1 - length)) > 0)
        length += (size_t)got;
    out[length] = '\0';
    return length;
}

static void finish(each_loop *each, command *one, int status) {
    run_until(each, has_exited, one);
    assert_int_equal(one->status, status);
    assert_int_equal(one->exits, 1);
    close(one->input);
    close(one->output);
    run_to_the_end(each);
}

static void input_and_output_are_a_socket_each(void **state) {
    command one;
    char said[100];
    start(*state, &one, "cat; echo end");
    assert_int_equal(write(one.input, "hello\n", 6), 6);
    assert_int_equal(shutdown(one.input, SHUT_WR), 0);
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "hello\nend\n");
    finish(*state, &one, 0);
}

static void input_that_is_not_read_spoils_no_output(void **state) {
    command one;
    char said[100];
    start(*state, &one, "read line; echo got $line");
    assert_int_equal(write(one.input, "one\ntwo\n", 8), 8);
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
    command one = {0};
    char said[100];
    const char *const arguments[] = {"/bin/sh", "-c", "echo $WHO$HOME", NULL};
    const char *const environment[] = {"WHO=me", NULL};
    const each_loop *each = *state;
    assert_int_equal(
        tow_child_start(&one.child, each->loop, arguments, environment, on_exit_of, &one.input, &one.output),
        0);
    read_all(&one, said, sizeof(said));
    assert_string_equal(said, "me\n");
    finish(*state, &one, 0);
}

/* Whether some process holds the other end of the command's socket, also after `milliseconds`. */
static bool is_held(const command *one, int milliseconds) {
    struct pollfd poll_for = {.fd = one->output, .events = POLLIN};
    char byte;
    while (poll(&poll_for, 1, milliseconds) > 0) {
        if (read(one->output, &byte, 1) <= 0)
            return false;
    }
    return true;
}

enum { SOME_SECONDS = 5000 };

static void its_end_ends_all_that_it_has_started(void **state) {
    command one;
    char line[10];
    start(*state, &one, "sleep 1000 & sleep 1000 & echo up; read x");
    assert_int_equal(read(one.output, line, sizeof(line)), 3);
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
    assert_int_equal(read(one.output, line, sizeof(line)), 3);
    tow_child_end(&one.child, 1);
    finish(*state, &one, 137);
}

static void it_can_be_ended_without_the_loop(void **state) {
    command one;
    start(*state, &one, "trap '' TERM; sleep 1000");
    tow_watch_stop(&one.child.watch);
    tow_child_clear(&one.child);
    tow_child_clear(&one.child);
    assert_false(is_held(&one, SOME_SECONDS));
    assert_int_equal(one.exits, 0);
    close(one.input);
    close(one.output);
    run_to_the_end(*state);
}

static int count_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void what_cannot_be_started_is_an_error(void **state) {
    const each_loop *each = *state;
    command one = {.input = -1, .output = -1};
    int before = count_descriptors();
    const char *const missing[] = {"no-such-command-here", NULL};
    const char *const nowhere[] = {"/no/such/command", NULL};
    const char *const no_program[] = {"/etc/passwd", NULL};
    assert_int_equal(
        tow_child_start(&one.child, each->loop, missing, NULL, on_exit_of, &one.input, &one.output),
        TOW_ERROR_NAME_NOT_FOUND);
    assert_int_equal(
        tow_child_start(&one.child, each->loop, nowhere, NULL, on_exit_of, &one.input, &one.output),
        TOW_ERROR_NAME_NOT_FOUND);
    assert_int_equal(
        tow_child_start(&one.child, each->loop, no_program, NULL, on_exit_of, &one.input, &one.output),
        TOW_ERROR_PERMISSION);
    assert_int_equal(one.input, -1);
    assert_int_equal(one.output, -1);
    assert_int_equal(one.child.pid, 0);
    assert_int_equal(count_descriptors(), before);
    run_to_the_end(*state);
}

static void without_descriptors_nothing_is_started(void **state) {
    const each_loop *each = *state;
    const char *const arguments[] = {"sleep", "1000", NULL};
    struct rlimit limit;
    command one = {.input = -1, .output = -1};
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
        int error =
            tow_child_start(&one.child, each->loop, arguments, NULL, on_exit_of, &one.input, &one.output);
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
    assert_int_equal(
        tow_child_start(&one.child, each->loop, arguments, NULL, on_exit_of, &one.input, &one.output),
        TOW_ERROR_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(input_and_output_are_a_socket_each),
        ON_REAL_LOOPS(input_that_is_not_read_spoils_no_output),
        ON_REAL_LOOPS(the_exit_status_is_told_as_a_shell_tells_it),
        ON_REAL_LOOPS(signals_are_as_in_a_new_process),
        ON_REAL_LOOPS(no_descriptor_of_ours_is_seen),
        ON_REAL_LOOPS(its_environment_can_be_chosen),
        ON_REAL_LOOPS(its_end_ends_all_that_it_has_started),
        ON_REAL_LOOPS(what_it_leaves_behind_ends_with_it),
        ON_REAL_LOOPS(a_command_that_does_not_listen_is_killed),
        ON_REAL_LOOPS(it_can_be_ended_without_the_loop),
        ON_REAL_LOOPS(what_cannot_be_started_is_an_error),
        ON_REAL_LOOPS(without_descriptors_nothing_is_started),
        IN_THE_SIMULATOR(there_are_no_children_in_the_simulator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
