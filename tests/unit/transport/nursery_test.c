/* Child processes that are started on a nursery's threads, and what they leave behind. */
#include "each_loop.h"

#include "transport/child.h"
#include "transport/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 20000 /* milliseconds */ };

static bool no_threads;

int __real_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

typedef struct command {
    tow_child child; /* first */
    int starts, exits;
    int status;
    int ends[3];
} command;

static void on_start_of(tow_child *child) {
    command *one = (command *)(void *)child;
    assert_int_equal(one->exits, 0);
    assert_true(child->pid > 0);
    one->starts++;
}

static void on_exit_of(tow_child *child, int status) {
    command *one = (command *)(void *)child;
    one->exits++;
    one->status = status;
}

static bool has_started(void *argument) {
    return ((command *)argument)->starts > 0;
}

static bool has_exited(void *argument) {
    return ((command *)argument)->exits > 0;
}

static void start_words(each_loop *each, tow_nursery *nursery, command *one, const char *const *words) {
    const tow_child_options options = {.arguments = words, .nursery = nursery, .on_start = on_start_of};
    *one = (command){0};
    assert_int_equal(tow_child_start(&one->child, each->loop, &options, on_exit_of, one->ends), 0);
    assert_int_equal(one->starts + one->exits, 0);
    assert_true(tow_child_is_there(&one->child));
}

static void start(each_loop *each, tow_nursery *nursery, command *one, const char *script) {
    const char *const words[] = {"/bin/sh", "-c", script, NULL};
    start_words(each, nursery, one, words);
}

/* At once, on this thread. */
static void start_here(each_loop *each, tow_nursery *nursery, command *one, const char *script) {
    const char *const words[] = {"/bin/sh", "-c", script, NULL};
    const tow_child_options options = {.arguments = words, .nursery = nursery};
    *one = (command){0};
    assert_int_equal(tow_child_start(&one->child, each->loop, &options, on_exit_of, one->ends), 0);
    assert_true(one->child.pid > 0);
}

static void close_ends(const command *one) {
    close(one->ends[0]);
    close(one->ends[1]);
}

static void finish(each_loop *each, command *one, int status) {
    run_until(each, has_exited, one);
    assert_int_equal(one->status, status);
    assert_int_equal(one->exits, 1);
    assert_false(tow_child_is_there(&one->child));
    close_ends(one);
}

static tow_nursery *nursery_make(int threads) {
    tow_nursery *nursery;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(tow_nursery_new(&nursery, threads), 0);
    return nursery;
}

static void end(each_loop *each, tow_nursery *nursery) {
    tow_loop_free(each->loop);
    each->loop = NULL;
    tow_nursery_free(nursery);
}

static int count_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Whether somebody has its output still, after so many milliseconds. */
static bool is_held(const command *one, int milliseconds) {
    struct pollfd poll_for = {.fd = one->ends[1], .events = POLLIN};
    char byte;
    while (poll(&poll_for, 1, milliseconds) > 0)
        if (read(one->ends[1], &byte, 1) <= 0)
            return false;
    return true;
}

static void await_line(const command *one) {
    char byte;
    do
        assert_int_equal(read(one->ends[1], &byte, 1), 1);
    while (byte != '\n');
}

static void what_is_written_before_it_runs_reaches_it(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(2);
    static command one;
    char said[20] = "";
    int before = count_descriptors();
    start(each, nursery, &one, "read line; echo got $line; exit 5");
    assert_int_equal(write(one.ends[0], "it\n", 3), 3);
    run_until(each, has_started, &one);
    assert_int_equal(read(one.ends[1], said, sizeof(said) - 1), 7);
    assert_string_equal(said, "got it\n");
    assert_int_equal(tow_child_error(&one.child), 0);
    finish(each, &one, 5);
    assert_int_equal(one.starts, 1);
    run_to_the_end(each);
    assert_int_equal(count_descriptors(), before);
    end(each, nursery);
}

static void what_cannot_be_started_is_told_at_its_end(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(1);
    static const struct {
        const char *name;
        int error;
    } cases[] = {{"no-such-command-here", TOW_ERROR_NAME_NOT_FOUND}, {"/etc/passwd", TOW_ERROR_PERMISSION}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static command one;
        const char *const words[] = {cases[i].name, NULL};
        start_words(each, nursery, &one, words);
        finish(each, &one, 127);
        assert_int_equal(one.starts, 0);
        assert_int_equal(tow_child_error(&one.child), cases[i].error);
    }
    run_to_the_end(each);
    end(each, nursery);
}

static void without_a_thread_it_begins_here_and_that_is_told_all_the_same(void **state) {
    each_loop *each = *state;
    static command one, ended, left;
    tow_nursery *nursery = nursery_make(1);
    int before = count_descriptors();
    no_threads = true;
    start(each, nursery, &one, "read line; exit 5");
    run_until(each, has_started, &one);
    assert_int_equal(write(one.ends[0], "\n", 1), 1);
    finish(each, &one, 5);
    assert_int_equal(one.starts, 1);
    start_words(each, nursery, &one, (const char *const[]){"no-such-command-here", NULL});
    finish(each, &one, 127);
    assert_int_equal(one.starts, 0);
    start(each, nursery, &ended, "exec sleep 1000");
    tow_child_end(&ended.child, 10);
    finish(each, &ended, 128 + SIGTERM);
    assert_int_equal(ended.starts, 0);
    run_to_the_end(each);
    assert_int_equal(count_descriptors(), before);
    start(each, nursery, &left, "exec sleep 1000");
    no_threads = false;
    end(each, nursery);
    assert_int_equal(left.exits, 1);
    close_ends(&left);
}

static void one_that_is_not_wanted_any_more_ends_whether_it_runs_already_or_not(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(1);
    static command all[8];
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    int before = count_descriptors();
    for (int i = 0; i < COUNT; i++) {
        start(each, nursery, &all[i], "sleep 1000");
        tow_child_end(&all[i].child, 100);
        tow_child_end(&all[i].child, 100);
    }
    for (int i = 0; i < COUNT; i++) {
        finish(each, &all[i], 143);
        assert_int_equal(all[i].starts, 0);
        assert_int_equal(tow_child_error(&all[i].child), 0);
    }
    run_to_the_end(each);
    assert_int_equal(count_descriptors(), before);
    end(each, nursery);
}

static void a_loop_that_is_freed_waits_for_those_that_are_on_their_way(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(2);
    static command all[8];
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    int before = count_descriptors();
    for (int i = 0; i < COUNT; i++) {
        start(each, nursery, &all[i], "trap 'exit 9' TERM; sleep 1000");
        if (i == COUNT / 2)
            run_until(each, has_started, &all[0]);
    }
    end(each, nursery);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(all[i].exits, 1);
        assert_false(is_held(&all[i], PATIENCE));
        close_ends(&all[i]);
    }
    assert_true(count_descriptors() < before); /* the loop's are gone */
}

static void what_has_left_its_group_ends_with_it(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(1);
    static const char script[] =
        "setsid sh -c 'trap \"\" TERM; setsid sleep 1000 & echo up; sleep 1000' & read x; exit 3";
    for (int here = 0; here < 2; here++) {
        static command one;
        (here ? start_here : start)(each, nursery, &one, script);
        await_line(&one);
        assert_int_equal(write(one.ends[0], "\n", 1), 1);
        run_until(each, has_exited, &one);
        assert_false(is_held(&one, PATIENCE));
        finish(each, &one, 3);
    }
    run_to_the_end(each);
    end(each, nursery);
}

static void what_has_left_the_group_of_one_that_runs_stays(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(2);
    static command runs, ends;
    start(each, nursery, &runs, "setsid sleep 1000 & echo up; exec <&- >&-; sleep 1000");
    start(each, nursery, &ends, "setsid -f sleep 1000; echo up");
    await_line(&runs);
    run_until(each, has_exited, &ends);
    assert_false(is_held(&ends, PATIENCE)); /* so orphans were looked for */
    assert_true(is_held(&runs, 0));
    finish(each, &ends, 0);
    tow_child_end(&runs.child, 100);
    run_until(each, has_exited, &runs);
    assert_false(is_held(&runs, PATIENCE));
    finish(each, &runs, 143);
    run_to_the_end(each);
    end(each, nursery);
}

static void what_one_that_runs_has_left_is_buried_when_it_ends(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(1);
    static command one;
    char said[20] = "";
    start(each, nursery, &one, "setsid -f sh -c 'echo $$'; exec 1>&-; read x");
    run_until(each, has_started, &one);
    for (size_t length = 0; strchr(said, '\n') == NULL; length++)
        assert_int_equal(read(one.ends[1], said + length, 1), 1);
    pid_t pid = (pid_t)strtol(said, NULL, 10);
    for (int waited = 0; kill(pid, 0) == 0; waited += 10) {
        assert_true(waited < PATIENCE);
        usleep(10000);
    }
    tow_child_end(&one.child, 100);
    finish(each, &one, 143);
    end(each, nursery);
}

static void what_is_left_at_the_end_is_killed_and_buried(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(1);
    static command one;
    start(each, nursery, &one,
        "for i in 1 2 3 4 5; do setsid -f sleep 1000; setsid -f true; done; echo up; exit 1");
    run_until(each, has_exited, &one);
    end(each, nursery);
    assert_false(is_held(&one, 0));
    assert_int_equal(
        waitpid(-1, NULL, WNOHANG), -1); /* there are no children, and none that nobody waited for */
    close_ends(&one);
}

static void others_of_this_process_are_left_alone(void **state) {
    each_loop *each = *state;
    tow_nursery *nursery = nursery_make(1);
    static command one;
    pid_t other = fork();
    if (other == 0) {
        execlp("sleep", "sleep", "1000", (char *)NULL);
        _exit(127);
    }
    start(each, nursery, &one, "setsid -f sleep 1000");
    run_until(each, has_exited, &one);
    assert_false(is_held(&one, PATIENCE));
    end(each, nursery);
    assert_int_equal(waitpid(other, NULL, WNOHANG), 0);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    close_ends(&one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(what_is_written_before_it_runs_reaches_it),
        ON_REAL_LOOPS(what_cannot_be_started_is_told_at_its_end),
        ON_REAL_LOOPS(without_a_thread_it_begins_here_and_that_is_told_all_the_same),
        ON_REAL_LOOPS(one_that_is_not_wanted_any_more_ends_whether_it_runs_already_or_not),
        ON_REAL_LOOPS(a_loop_that_is_freed_waits_for_those_that_are_on_their_way),
        ON_REAL_LOOPS(what_has_left_its_group_ends_with_it),
        ON_REAL_LOOPS(what_has_left_the_group_of_one_that_runs_stays),
        ON_EPOLL(what_one_that_runs_has_left_is_buried_when_it_ends),
        ON_REAL_LOOPS(what_is_left_at_the_end_is_killed_and_buried),
        ON_REAL_LOOPS(others_of_this_process_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
