/* clients: the other direction: clients are tested, by connecting to us.
 *
 * A client asks for /cases and gets their number as a text message; for /case/N, N from 1, and echoes what it
 * gets until it is closed; at last for /report. Or a command is run for each case. */
#include "conform/suite.h"

#include "suite.h"
#include "transport/listener.h"
#include "transport/watch.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <towline/error.h>
#include <unistd.h>

extern char **environ;

/* A command that plays one case. */
typedef struct client_process {
    tow_watch watch; /* first: of the process */
    struct client_run *run;
    size_t index; /* of the case */
    pid_t pid;
    int pidfd;
    bool used;
} client_process;

enum { PROCESSES_MAX = 64 };

typedef struct client_run {
    conform_suite *suite;
    tow_loop *loop;
    tow_listener listener;
    uint16_t port;
    const char *command; /* NULL: clients come by themselves */
    client_process processes[PROCESSES_MAX];
    int running;
    case_list answers; /* what /cases and /report are, as cases */
    bool reported;
    int error;
} client_run;

/* ---- what a target asks for ---- */

static int make_answers(client_run *run) {
    char text[400];
    tow_buffer error = {0};
    snprintf(text, sizeof(text),
        "group conform towline\n"
        "case cases\n  must The number of cases.\n  role client\n  send text \"%zu\"\n  finish\n"
        "case report\n  must The end.\n  role client\n  finish\n",
        run->suite->count);
    int result = case_list_read(&run->answers, "answers", text, &error);
    tow_buffer_clear(&error);
    return result;
}

static const conform_case *choose(void *user, const char *target) {
    client_run *run = user;
    if (strcmp(target, "/cases") == 0)
        return &run->answers.cases[0];
    if (strcmp(target, "/report") == 0)
        return &run->answers.cases[1];
    if (strncmp(target, "/case/", 6) != 0)
        return NULL;
    char *end;
    unsigned long number = strtoul(target + 6, &end, 10);
    bool right = number >= 1 && number <= run->suite->count && (*end == 0 || *end == '?');
    return right ? run->suite->results[number - 1].one : NULL;
}

static void stop(client_run *run) {
    if (run->reported)
        return;
    run->reported = true;
    tow_listener_stop(&run->listener);
}

static void on_done(void *user, conversation *talk) {
    client_run *run = user;
    bool is_answer =
        talk->one == NULL || (talk->one >= run->answers.cases && talk->one < run->answers.cases + 2);
    bool is_report = talk->one == &run->answers.cases[1];
    if (is_answer)
        conversation_free(talk);
    else
        conform_suite_take(run->suite, talk);
    if (is_report)
        stop(run);
}

static void on_accept(tow_listener *listener, int fd) {
    client_run *run = listener->user;
    if (conversation_accept(&run->suite->settings, fd) != 0)
        tow_loop_discard(run->loop, fd);
}

/* ---- a command for each case ---- */

/* The command with {url} filled in; the caller frees it. */
static char *command_for(const client_run *run, size_t index) {
    char url[64];
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/case/%zu", run->port, index + 1);
    tow_buffer out = {0};
    const char *at = run->command;
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

static void start_processes(client_run *run);

/* A case that no conversation came for is a failure of the command. */
static void judge_absence(client_run *run, size_t index, int status) {
    conform_result *result = &run->suite->results[index];
    if (result->ran)
        return;
    result->ran = true;
    result->verdict = VERDICT_FAIL;
    snprintf(result->why, sizeof(result->why), "the command ended (status %d) without playing the case",
        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void on_exit_of(tow_watch *watch, int ready) {
    (void)ready;
    client_process *process = (client_process *)watch;
    client_run *run = process->run;
    int status = 0;
    if (waitpid(process->pid, &status, WNOHANG) == 0)
        return;
    tow_watch_stop(watch);
    close(process->pidfd);
    process->used = false;
    run->running--;
    judge_absence(run, process->index, status);
    start_processes(run);
}

static int start_process(client_run *run, client_process *process, size_t index) {
    char *command = command_for(run, index);
    char shell[] = "sh", option[] = "-c";
    char *arguments[] = {shell, option, command, NULL};
    int refused =
        command == NULL ? ENOMEM : posix_spawnp(&process->pid, shell, NULL, NULL, arguments, environ);
    free(command);
    if (refused != 0)
        return TOW_ERROR_SYSTEM;
    process->used = true;
    process->run = run;
    process->index = index;
    process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (process->pidfd < 0)
        return TOW_ERROR_SYSTEM;
    run->running++;
    process->watch = (tow_watch){0};
    return tow_watch_start(&process->watch, run->loop, process->pidfd, TOW_READABLE, on_exit_of);
}

static client_process *free_process(client_run *run) {
    for (int i = 0; i < PROCESSES_MAX && i < run->suite->options.at_once; i++) {
        if (!run->processes[i].used)
            return &run->processes[i];
    }
    return NULL;
}

static void start_processes(client_run *run) {
    conform_suite *suite = run->suite;
    for (client_process *process; suite->next < suite->count && (process = free_process(run)) != NULL;) {
        run->error = start_process(run, process, suite->next++);
        if (run->error != 0)
            break;
    }
    if (run->running == 0 && (suite->next == suite->count || run->error != 0))
        stop(run);
}

/* ---- the run ---- */

static int start_listening(client_run *run, const tow_address *address) {
    tow_address bound;
    int fd = tow_listen_socket(run->loop, address, &(tow_listen_options){0}, &bound);
    if (fd < 0)
        return fd;
    run->port = tow_address_port(&bound);
    run->listener.user = run;
    return tow_listener_start(&run->listener, run->loop, fd, on_accept);
}

int conform_suite_run_clients(conform_suite *suite, tow_loop *loop, const tow_address *address,
    const char *command, void (*on_listening)(void *user, unsigned port), void *user) {
    client_run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        return TOW_ERROR_MEMORY;
    *run = (client_run){.suite = suite, .loop = loop, .command = command};
    suite->settings = (conversation_settings){.loop = loop,
        .timeout_milliseconds = suite->options.timeout_milliseconds,
        .choose = choose,
        .on_done = on_done,
        .user = run};
    suite->next = suite->done = 0;
    int error = make_answers(run);
    if (error == 0)
        error = start_listening(run, address);
    if (error == 0) {
        if (on_listening != NULL)
            on_listening(user, run->port);
        if (command != NULL)
            start_processes(run);
        error = tow_loop_run(loop);
    }
    if (error == 0)
        error = run->error;
    case_list_clear(&run->answers);
    free(run);
    return error;
}
