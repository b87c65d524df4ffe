#include "first_process.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Buries whoever has ended, and ends when it was our child. */
static void bury(pid_t child) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == child)
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* What the terminal sends, it sends to the child as well. */
static void pass_on(pid_t child, const siginfo_t *information) {
    if (information->si_code != SI_KERNEL)
        kill(child, information->si_signo);
}

static void stay(pid_t child, const sigset_t *all) {
    for (;;) {
        siginfo_t information;
        if (sigwaitinfo(all, &information) < 0)
            continue;
        if (information.si_signo == SIGCHLD)
            bury(child);
        else
            pass_on(child, &information);
    }
}

/* Sockets that a service manager gave to us are the child's. */
static void take_sockets_over(void) {
    char text[24];
    const char *before = getenv("LISTEN_PID");
    if (before == NULL || strcmp(before, "1") != 0)
        return;
    snprintf(text, sizeof(text), "%ld", (long)getpid());
    setenv("LISTEN_PID", text, 1);
}

void tow_first_process_part(void) {
    sigset_t all, before;
    if (getpid() != 1)
        return;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child > 0)
        stay(child, &all);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child == 0)
        take_sockets_over();
    else
        fprintf(stderr, "towline: no process for burying others: %s\n", strerror(errno));
}
