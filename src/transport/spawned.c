#include "spawned.h"

#include "system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
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

static int start(pid_t *pid, const tow_child_options *options, const int ends[3]) {
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
int tow_spawned_reap(pid_t pid, int options) {
    siginfo_t information = {0};
    if (waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT | options) != 0)
        return 255; /* somebody else in this process has waited for it */
    if (information.si_pid == 0)
        return -1;
    kill(-pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &information, WEXITED);
    return status_of(&information);
}

void tow_spawned_kill(const tow_spawned *spawned) {
    kill(-spawned->pid, SIGKILL);
    (void)tow_spawned_reap(spawned->pid, 0);
    close(spawned->fd);
}

int tow_spawn(tow_spawned *spawned, const tow_child_options *options, const int ends[3]) {
    pid_t pid = 0;
    int error = start(&pid, options, ends);
    if (error != 0)
        return error;
    limit(pid, RLIMIT_AS, options->max_memory);
    limit(pid, RLIMIT_CPU, options->max_cpu_seconds);
    int fd = pidfd_open(pid, 0);
    if (fd >= 0) {
        *spawned = (tow_spawned){pid, fd};
        return 0;
    }
    error = tow_system_error(errno);
    kill(-pid, SIGKILL);
    (void)tow_spawned_reap(pid, 0);
    return error;
}
