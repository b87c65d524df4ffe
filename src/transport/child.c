#include "transport/child.h"

#include "loop_shared.h"
#include "system_error.h"
#include "transport/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <towline/error.h>
#include <unistd.h>

static bool is_there(const tow_child_options *options) {
    int folder = AT_FDCWD;
    if (options->directory != NULL)
        folder = open(options->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool there = folder != -1 && faccessat(folder, options->arguments[0], X_OK, 0) == 0;
    if (folder >= 0)
        close(folder);
    return there;
}

/* A file that is there, and yet is not found, is a script whose interpreter is not. */
static int spawn_error(int number, const tow_child_options *options) {
    if (number == ENOEXEC)
        return TOW_ERROR_NO_PROGRAM;
    if (number != ENOENT && number != ENOTDIR)
        return tow_system_error(number);
    bool is_path = strchr(options->arguments[0], '/') != NULL;
    return is_path && is_there(options) ? TOW_ERROR_INTERPRETER : TOW_ERROR_NAME_NOT_FOUND;
}

/* Signals that we ignore or block would be so in the command, too. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int number = posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (number == 0)
        number = posix_spawnattr_setsigmask(attributes, &none);
    return number != 0 ? number : posix_spawnattr_setsigdefault(attributes, &all);
}

/* All of ours is closed on exec; what a library has left open is closed as well. */
static int set_actions(
    posix_spawn_file_actions_t *actions, const tow_child_options *options, const int ends[3]) {
    int number = 0;
    for (int i = 0; number == 0 && i < 3; i++)
        if (ends[i] >= 0)
            number = posix_spawn_file_actions_adddup2(actions, ends[i], i);
    if (number == 0 && options->directory != NULL)
        number = posix_spawn_file_actions_addchdir_np(actions, options->directory);
    int first = STDERR_FILENO + 1;
    if (number == 0 && options->handed > 0)
        number = posix_spawn_file_actions_adddup2(actions, options->handed, first++);
    return number != 0 ? number : posix_spawn_file_actions_addclosefrom_np(actions, first);
}

/* The lists are not const in POSIX, but are only read. */
static int spawn_with(pid_t *pid, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
    const tow_child_options *options) {
    char *const *words;
    char *const *variables = environ;
    memcpy(&words, &options->arguments, sizeof(words));
    if (options->environment != NULL)
        memcpy(&variables, &options->environment, sizeof(variables));
    return posix_spawnp(pid, words[0], actions, attributes, words, variables);
}

static int spawn(pid_t *pid, const tow_child_options *options, const int ends[3]) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    if (posix_spawnattr_init(&attributes) != 0)
        return TOW_ERROR_MEMORY;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        posix_spawnattr_destroy(&attributes);
        return TOW_ERROR_MEMORY;
    }
    int number = set_attributes(&attributes);
    if (number == 0)
        number = set_actions(&actions, options, ends);
    if (number == 0)
        number = spawn_with(pid, &actions, &attributes, options);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return number == 0 ? 0 : spawn_error(number, options);
}

/* It runs already, but has had no time to take much. One that has ended has no limits. */
static void limit(pid_t pid, int resource, int64_t most) {
    const struct rlimit both = {.rlim_cur = (rlim_t)most, .rlim_max = (rlim_t)most};
    if (most > 0)
        (void)prlimit(pid, (__rlimit_resource_t)resource, &both, NULL);
}

static int status_of(const siginfo_t *information) {
    return information->si_code == CLD_EXITED ? information->si_status : 128 + information->si_status;
}

/* What the command has left behind in its group ends with it: as long as it is not waited for, nobody else
 * can have the group's number. */
static int reap(pid_t pid, int options) {
    siginfo_t information = {0};
    if (waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT | options) != 0)
        return 255; /* somebody else in this process has waited for it */
    if (information.si_pid == 0)
        return -1;
    kill(-pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &information, WEXITED);
    return status_of(&information);
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
    child->pid = 0;
    child->on_exit(child, status);
}

static int kill_and_wait(pid_t pid) {
    kill(-pid, SIGKILL);
    return reap(pid, 0);
}

static void wait_for(const tow_child *child, int64_t deadline) {
    struct pollfd ended = {.fd = child->watch.fd, .events = POLLIN};
    int64_t left = deadline - tow_loop_clock(child->watch.loop);
    (void)poll(&ended, 1, left > 0 ? (int)(left / TOW_MILLISECOND) : 0);
}

/* Together they have a second to end by themselves. */
static void end_all(tow_loop *loop) {
    int64_t deadline = tow_loop_clock(loop) + TOW_SECOND;
    for (const tow_child *child = loop->children; child != NULL; child = child->next)
        kill(-child->pid, SIGTERM);
    for (const tow_child *child = loop->children; child != NULL; child = child->next)
        wait_for(child, deadline);
    while (loop->children != NULL)
        over(loop->children, kill_and_wait(loop->children->pid));
}

static void exited(tow_watch *watch, int ready) {
    (void)ready;
    tow_child *child = (tow_child *)((char *)watch - offsetof(tow_child, watch));
    int status = reap(child->pid, WNOHANG);
    if (status >= 0)
        over(child, status);
}

/* The beginning. */

static int watch_exit(tow_child *child, tow_loop *loop) {
    int fd = pidfd_open(child->pid, 0);
    if (fd < 0)
        return tow_system_error(errno);
    int error = tow_watch_start(&child->watch, loop, fd, TOW_READABLE, exited);
    if (error != 0)
        close(fd);
    return error;
}

static int start_on(tow_child *child, tow_loop *loop, const tow_child_options *options, const int ends[3]) {
    int error = spawn(&child->pid, options, ends);
    if (error != 0) {
        child->pid = 0;
        return error;
    }
    limit(child->pid, RLIMIT_AS, options->max_memory);
    limit(child->pid, RLIMIT_CPU, options->max_cpu_seconds);
    error = watch_exit(child, loop);
    if (error != 0) {
        (void)kill_and_wait(child->pid);
        child->pid = 0;
        return error;
    }
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

/* The end. */

static void patience_is_over(tow_timer *timer) {
    const tow_child *child = (tow_child *)((char *)timer - offsetof(tow_child, timer));
    kill(-child->pid, SIGKILL);
}

void tow_child_end(tow_child *child, int seconds) {
    if (child->pid == 0)
        return;
    tow_loop *loop = child->watch.loop;
    kill(-child->pid, SIGTERM);
    tow_timer_set(loop, &child->timer, tow_loop_now(loop) + seconds * TOW_SECOND, patience_is_over);
}
