#include "transport/child.h"

#include "births.h"
#include "loop_shared.h"
#include "spawned.h"
#include "system_error.h"
#include "transport/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <towline/error.h>
#include <unistd.h>

enum { NOT_WANTED = 128 + SIGTERM }; /* the status of what was never started */

bool tow_child_is_there(const tow_child *child) {
    return child->pid != 0 || child->birth != NULL;
}

int tow_child_error(const tow_child *child) {
    return child->error;
}

/* Those of a loop, which ends them when it is freed. */

static void join_loop(tow_child *child, tow_loop *loop) {
    child->next = loop->children;
    child->previous = &loop->children;
    if (child->next != NULL)
        child->next->previous = &child->next;
    loop->children = child;
}

static void leave_loop(tow_child *child) {
    *child->previous = child->next;
    if (child->next != NULL)
        child->next->previous = child->previous;
}

static void over(tow_child *child, int status) {
    leave_loop(child);
    tow_watch_stop(&child->watch);
    close(child->watch.fd);
    tow_timer_cancel(child->watch.loop, &child->timer);
    if (child->nursery != NULL)
        tow_nursery_leave(child->nursery, &child->kin);
    child->pid = 0;
    child->on_exit(child, status);
}

static int kill_and_wait(pid_t pid) {
    kill(-pid, SIGKILL);
    return tow_spawned_reap(pid, 0);
}

static void wait_for(const tow_child *child, int64_t deadline) {
    struct pollfd ended = {.fd = child->watch.fd, .events = POLLIN};
    int64_t left = deadline - tow_loop_clock(child->watch.loop);
    (void)poll(&ended, 1, left > 0 ? (int)(left / TOW_MILLISECOND) : 0);
}

static void exited(tow_watch *watch, int ready) {
    (void)ready;
    tow_child *child = (tow_child *)((char *)watch - offsetof(tow_child, watch));
    int status = tow_spawned_reap(child->pid, WNOHANG);
    if (status >= 0)
        over(child, status);
}

/* The end. */

static void patience_is_over(tow_timer *timer) {
    const tow_child *child = (tow_child *)((char *)timer - offsetof(tow_child, timer));
    kill(-child->pid, SIGKILL);
}

void tow_child_end(tow_child *child, int seconds) {
    if (child->birth != NULL) {
        child->patience = seconds > 0 ? seconds : 1;
        tow_nursery_forgo(child->nursery, child->birth);
        return;
    }
    if (child->pid == 0)
        return;
    tow_loop *loop = child->watch.loop;
    kill(-child->pid, SIGTERM);
    tow_timer_set(loop, &child->timer, tow_loop_now(loop) + seconds * TOW_SECOND, patience_is_over);
}

/* The beginning. */

static int watch_exit(tow_child *child, const tow_spawned *spawned) {
    int error = tow_watch_start(&child->watch, child->watch.loop, spawned->fd, TOW_READABLE, exited);
    if (error == 0)
        child->pid = spawned->pid;
    else
        tow_spawned_kill(spawned);
    return error;
}

/* Of a birth that is over. Errors: why it does not run. */
static int take_birth(tow_child *child, const tow_birth *birth) {
    if (birth->error != 0)
        return birth->error;
    int error = watch_exit(child, &birth->spawned);
    if (error != 0)
        tow_nursery_leave(child->nursery, &child->kin);
    return error;
}

static void never_ran(tow_child *child, int error) {
    leave_loop(child);
    child->error = error == TOW_ERROR_CLOSED ? 0 : error;
    child->on_exit(child, error == TOW_ERROR_CLOSED ? NOT_WANTED : 127);
}

/* It is there, or will never be. */
static void arrive(tow_birth *birth) {
    tow_child *child = birth->child;
    tow_nursery_receive(child->nursery);
    child->birth = NULL;
    child->watch.loop->open--;
    int error = take_birth(child, birth);
    if (error != 0)
        never_ran(child, error);
    else if (child->patience > 0)
        tow_child_end(child, child->patience);
    else
        child->on_start(child);
}

static void births_over(tow_letter *letters) {
    while (letters != NULL) {
        tow_birth *birth = (tow_birth *)(void *)letters;
        letters = letters->next;
        if (birth->child != NULL)
            arrive(birth);
        tow_birth_free(birth);
    }
}

/* On a loop that is being freed: it is about to be ended, and nobody is told that it has begun. */
static void arrive_late(tow_child *child, const tow_birth *birth) {
    child->birth = NULL;
    child->watch.loop->open--;
    int error = take_birth(child, birth);
    if (error != 0)
        never_ran(child, error);
}

static void birth_dropped(tow_letter *letter) {
    tow_birth *birth = (tow_birth *)(void *)letter;
    if (birth->child != NULL) {
        tow_nursery_receive(birth->child->nursery);
        arrive_late(birth->child, birth);
    }
    tow_birth_free(birth);
}

/* For a loop that is being freed: one that waits for a thread is not started. */
static void await(tow_child *child) {
    tow_birth *birth = child->birth;
    tow_nursery_forgo(child->nursery, birth);
    bool is_ours = tow_nursery_await(child->nursery, birth);
    birth->child = NULL;
    arrive_late(child, birth);
    if (is_ours)
        tow_birth_free(birth); /* else its letter is dropped with the loop */
}

/* Together they have a second to end by themselves. */
static void end_all(tow_loop *loop) {
    int64_t deadline = tow_loop_clock(loop) + TOW_SECOND;
    for (tow_child *child = loop->children, *next; child != NULL; child = next) {
        next = child->next;
        if (child->birth != NULL)
            await(child);
    }
    for (const tow_child *child = loop->children; child != NULL; child = child->next)
        kill(-child->pid, SIGTERM);
    for (const tow_child *child = loop->children; child != NULL; child = child->next)
        wait_for(child, deadline);
    while (loop->children != NULL)
        over(loop->children, kill_and_wait(loop->children->pid));
}

/* On a thread, or here where none can be made: that it has begun is told later in any case. */
static void begin_later(tow_child *child, tow_birth *birth) {
    birth->letter = (tow_letter){.work = 1, .open = births_over, .drop = birth_dropped};
    birth->home = child->watch.loop;
    birth->child = child;
    child->birth = birth;
    child->watch.loop->open++;
    if (tow_nursery_begin(child->nursery, birth) == 0)
        return;
    tow_nursery_happen(child->nursery, birth);
    birth->stage = TOW_BIRTH_OVER;
    tow_loop_post_letter(birth->home, &birth->letter);
}

/* The standard streams are nobody's any more when this returns. */
static int begin_in_nursery(tow_child *child, const tow_child_options *options, int ends[3]) {
    tow_birth *birth = tow_birth_new(options, ends, tow_nursery_number(child->nursery));
    if (birth == NULL)
        return TOW_ERROR_MEMORY;
    for (int i = 0; i < 3; i++)
        ends[i] = -1;
    birth->kin = &child->kin;
    if (options->on_start != NULL) {
        begin_later(child, birth);
        return 0;
    }
    tow_nursery_happen(child->nursery, birth);
    int error = take_birth(child, birth);
    tow_birth_free(birth);
    return error;
}

static int begin(tow_child *child, const tow_child_options *options, int ends[3]) {
    tow_spawned spawned;
    if (options->nursery != NULL)
        return begin_in_nursery(child, options, ends);
    int error = tow_spawn(&spawned, options, ends);
    return error != 0 ? error : watch_exit(child, &spawned);
}

static int start_on(tow_child *child, tow_loop *loop, const tow_child_options *options, int ends[3]) {
    child->watch.loop = loop;
    child->nursery = options->nursery;
    child->on_start = options->on_start;
    child->error = child->patience = 0;
    int error = begin(child, options, ends);
    if (error != 0)
        return error;
    join_loop(child, loop);
    loop->end_children = end_all;
    return 0;
}

static void close_three(const int descriptors[3]) {
    for (int i = 0; i < 3; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
}

/* A socket for each of its standard streams: our ends, and its. */
static int sockets_make(int ours[3], int theirs[3], bool with_errors) {
    for (int i = 0; i < (with_errors ? 3 : 2); i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
            int error = tow_system_error(errno);
            close_three(ours);
            close_three(theirs);
            return error;
        }
        ours[i] = pair[0];
        theirs[i] = pair[1];
    }
    return 0;
}

int tow_child_start(tow_child *child, tow_loop *loop, const tow_child_options *options,
    tow_child_on_exit on_exit, int descriptors[3]) {
    int ours[3] = {-1, -1, -1}, theirs[3] = {-1, -1, -1};
    if (!tow_loop_has_descriptors(loop))
        return TOW_ERROR_UNSUPPORTED;
    int error = sockets_make(ours, theirs, options->with_errors);
    if (error != 0)
        return error;
    assert(options->on_start == NULL || options->handed <= 0);
    child->on_exit = on_exit;
    error = start_on(child, loop, options, theirs);
    close_three(theirs);
    if (error != 0) {
        close_three(ours);
        return error;
    }
    memcpy(descriptors, ours, sizeof(ours));
    return 0;
}
