#include "commands.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <towline/error.h>
#include <unistd.h>

/* The command's text with {url} filled in; the caller frees it. */
static char *text_for(const commands *all, size_t index) {
    char url[128];
    snprintf(url, sizeof(url), "%s/case/%zu", all->base, index + 1);
    tow_buffer out = {0};
    const char *at = all->text;
    int error = 0;
    for (const char *hole; (hole = strstr(at, "{url}")) != NULL && error == 0; at = hole + 5) {
        error = tow_buffer_append(&out, at, (size_t)(hole - at));
        if (error == 0)
            error = tow_buffer_append_text(&out, url);
    }
    if (error == 0)
        error = tow_buffer_append(&out, at, strlen(at) + 1);
    if (error != 0)
        tow_buffer_clear(&out);
    return (char *)out.data;
}

/* The end of one. */

static bool is_under_way(const conform_suite *suite, const conform_case *one) {
    const conversation *talk = suite->under_way;
    while (talk != NULL && talk->one != one)
        talk = talk->next;
    return talk != NULL;
}

/* A case that no conversation came for is a failure of the command. */
static void judge_absence(const client_command *command, int status) {
    conform_suite *suite = command->all->suite;
    conform_result *result = &suite->results[command->index];
    if (result->ran || is_under_way(suite, result->one))
        return;
    result->verdict = VERDICT_FAIL;
    if (command->killed)
        snprintf(result->why, sizeof(result->why), "the command did not play the case, and was ended");
    else
        snprintf(result->why, sizeof(result->why), "the command ended (status %d) without playing the case",
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    tow_conform_suite_note(suite, result);
}

static void on_exit_of(tow_watch *watch, int ready) {
    (void)ready;
    client_command *command = (client_command *)watch;
    commands *all = command->all;
    int status = 0;
    if (waitpid(command->pid, &status, WNOHANG) == 0)
        return;
    tow_watch_stop(watch);
    tow_timer_cancel(all->loop, &command->timer);
    close(command->pidfd);
    command->used = false;
    all->running--;
    judge_absence(command, status);
    tow_conform_commands_start(all);
}

/* The command leads a group of its own, with all that its shell has started. */
static void end_command(client_command *command) {
    command->killed = true;
    kill(-command->pid, SIGKILL);
}

static void on_time(tow_timer *timer) {
    end_command((client_command *)((char *)timer - offsetof(client_command, timer)));
}

static void give_time(client_command *command, int64_t milliseconds) {
    tow_loop *loop = command->all->loop;
    tow_timer_set(loop, &command->timer, tow_loop_now(loop) + milliseconds * TOW_MILLISECOND, on_time);
}

/* The start of one. */

/* A group of its own, no signal blocked, and nothing to read or to print: the command may redirect by itself.
 */
static int spawn_with(
    pid_t *pid, char *text, posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions) {
    char shell[] = "sh", option[] = "-c";
    char *arguments[] = {shell, option, text, NULL};
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(attributes, &none);
    bool wrong = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
                 posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) != 0 ||
                 posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO) != 0;
    return wrong || posix_spawnp(pid, shell, actions, attributes, arguments, environ) != 0 ? TOW_ERROR_SYSTEM
                                                                                           : 0;
}

static int spawn_shell(pid_t *pid, char *text) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    if (posix_spawnattr_init(&attributes) != 0)
        return TOW_ERROR_MEMORY;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        posix_spawnattr_destroy(&attributes);
        return TOW_ERROR_MEMORY;
    }
    int error = spawn_with(pid, text, &attributes, &actions);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int start_one(commands *all, client_command *command, size_t index) {
    char *text = text_for(all, index);
    *command = (client_command){.all = all, .index = index};
    int error = text == NULL ? TOW_ERROR_MEMORY : spawn_shell(&command->pid, text);
    free(text);
    if (error != 0)
        return error;
    command->pidfd = (int)syscall(SYS_pidfd_open, command->pid, 0);
    error = command->pidfd < 0
                ? TOW_ERROR_SYSTEM
                : tow_watch_start(&command->watch, all->loop, command->pidfd, TOW_READABLE, on_exit_of);
    if (error != 0) {
        kill(-command->pid, SIGKILL);
        return error;
    }
    command->used = true;
    all->running++;
    give_time(command, 4 * (int64_t)all->suite->options.timeout_milliseconds);
    return 0;
}

static client_command *free_one(commands *all) {
    for (int i = 0; i < COMMANDS_MAX && i < all->suite->options.at_once; i++) {
        if (!all->list[i].used)
            return &all->list[i];
    }
    return NULL;
}

void tow_conform_commands_start(commands *all) {
    conform_suite *suite = all->suite;
    client_command *command;
    while (all->error == 0 && suite->next < suite->count && (command = free_one(all)) != NULL)
        all->error = start_one(all, command, suite->next++);
    if (all->running == 0 && (suite->next == suite->count || all->error != 0))
        all->on_done(all);
}

void tow_conform_commands_case_done(commands *all, size_t index) {
    for (int i = 0; i < COMMANDS_MAX; i++) {
        if (all->list[i].used && all->list[i].index == index)
            give_time(&all->list[i], 3000);
    }
}

void tow_conform_commands_stop(commands *all) {
    all->suite->next = all->suite->count;
    for (int i = 0; i < COMMANDS_MAX; i++) {
        if (all->list[i].used)
            end_command(&all->list[i]);
    }
}
