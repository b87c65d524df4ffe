#include "transport/child.h"

#include "system_error.h"
#include "transport/loop.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <towline/error.h>
#include <unistd.h>

static int spawn_error(int number) {
    return number == ENOENT || number == ENOTDIR ? TOW_ERROR_NAME_NOT_FOUND : tow_system_error(number);
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
static int set_actions(posix_spawn_file_actions_t *actions, const int ends[2]) {
    int number = posix_spawn_file_actions_adddup2(actions, ends[STDIN_FILENO], STDIN_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, ends[STDOUT_FILENO], STDOUT_FILENO);
    return number != 0 ? number : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

/* The lists are not const in POSIX, but are only read. */
static int spawn_with(pid_t *pid, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
    const char *const *arguments, const char *const *environment) {
    char *const *words;
    char *const *variables = environ;
    memcpy(&words, &arguments, sizeof(words));
    if (environment != NULL)
        memcpy(&variables, &environment, sizeof(variables));
    return posix_spawnp(pid, words[0], actions, attributes, words, variables);
}

static int spawn(
    pid_t *pid, const int ends[2], const char *const *arguments, const char *const *environment) {
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
        number = set_actions(&actions, ends);
    if (number == 0)
        number = spawn_with(pid, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return number == 0 ? 0 : spawn_error(number);
}

static int status_of(const siginfo_t *information) {
    return information->si_code == CLD_EXITED ? information->si_status : 128 + information->si_status;
}

/* What the command has left behind in its group ends with it: as long as it is not waited for, nobody else
 * can have the group's number. */
static int reap(tow_child *child, int options) {
    siginfo_t information = {0};
    if (waitid(P_PID, (id_t)child->pid, &information, WEXITED | WNOWAIT | options) != 0)
        return 255; /* somebody else in this process has waited for it */
    if (information.si_pid == 0)
        return -1;
    kill(-child->pid, SIGKILL);
    waitid(P_PID, (id_t)child->pid, &information, WEXITED);
    return status_of(&information);
}

static void exited(tow_watch *watch, int ready) {
    (void)ready;
    tow_child *child = (tow_child *)((char *)watch - offsetof(tow_child, watch));
    int status = reap(child, WNOHANG);
    if (status < 0)
        return;
    tow_watch_stop(watch);
    close(watch->fd);
    tow_timer_cancel(watch->loop, &child->timer);
    child->pid = 0;
    child->on_exit(child, status);
}

static int watch_exit(tow_child *child, tow_loop *loop) {
    int fd = pidfd_open(child->pid, 0);
    if (fd < 0)
        return tow_system_error(errno);
    int error = tow_watch_start(&child->watch, loop, fd, TOW_READABLE, exited);
    if (error != 0)
        close(fd);
    return error;
}

static void kill_and_wait(tow_child *child) {
    kill(-child->pid, SIGKILL);
    reap(child, 0);
    child->pid = 0;
}

static int start_on(tow_child *child, tow_loop *loop, const int ends[2], const char *const *arguments,
    const char *const *environment) {
    int error = spawn(&child->pid, ends, arguments, environment);
    if (error != 0) {
        child->pid = 0;
        return error;
    }
    error = watch_exit(child, loop);
    if (error != 0)
        kill_and_wait(child);
    return error;
}

static void close_both(const int pair[2]) {
    close(pair[0]);
    close(pair[1]);
}

/* A socket for its input and one for its output: our ends, and those of the command. */
static int sockets_make(int ours[2], int theirs[2]) {
    int input[2], output[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input) != 0)
        return tow_system_error(errno);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, output) != 0) {
        int error = tow_system_error(errno);
        close_both(input);
        return error;
    }
    ours[STDIN_FILENO] = input[0];
    ours[STDOUT_FILENO] = output[0];
    theirs[STDIN_FILENO] = input[1];
    theirs[STDOUT_FILENO] = output[1];
    return 0;
}

int tow_child_start(tow_child *child, tow_loop *loop, const char *const *arguments,
    const char *const *environment, tow_child_on_exit on_exit, int *input, int *output) {
    int ours[2] = {-1, -1}, theirs[2] = {-1, -1};
    if (!tow_loop_has_descriptors(loop))
        return TOW_ERROR_UNSUPPORTED;
    int error = sockets_make(ours, theirs);
    if (error != 0)
        return error;
    child->on_exit = on_exit;
    error = start_on(child, loop, theirs, arguments, environment);
    close_both(theirs);
    if (error != 0) {
        close_both(ours);
        return error;
    }
    *input = ours[STDIN_FILENO];
    *output = ours[STDOUT_FILENO];
    return 0;
}

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

void tow_child_clear(tow_child *child) {
    if (child->pid == 0)
        return;
    kill_and_wait(child);
    close(child->watch.fd);
}
