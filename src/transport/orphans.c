#include "orphans.h"

#include "birth.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_MAX_LENGTH = 64 };

/* Whose it is, as the process that has started that said it; false: it does not say. */
static bool read_number(pid_t pid, pid_t *server, uint64_t *number) {
    char path[PATH_MAX_LENGTH];
    char *text = NULL, *end;
    size_t size = 0;
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && getdelim(&text, &size, '\0', file) > 0) {
        if (strncmp(text, TOW_BIRTH_VARIABLE, sizeof(TOW_BIRTH_VARIABLE) - 1) != 0)
            continue;
        *server = (pid_t)strtol(text + sizeof(TOW_BIRTH_VARIABLE) - 1, &end, 10);
        *number = *end == '.' ? strtoull(end + 1, NULL, 10) : 0;
        found = true;
    }
    if (file != NULL)
        fclose(file);
    free(text);
    return found;
}

/* What another server has started is ours only if that has ended. */
static bool has_outlived(const tow_orphans_judge *judge, pid_t pid) {
    pid_t server = 0;
    uint64_t number = 0;
    return read_number(pid, &server, &number) &&
           (server != getpid() || !judge->is_running(judge->user, number));
}

static void look_at(const tow_orphans_judge *judge, pid_t pid, tow_orphans_found *found) {
    siginfo_t information = {0};
    if (judge->is_child(judge->user, pid))
        return;
    if (waitid(P_PID, (id_t)pid, &information, WEXITED | WNOHANG) != 0 || information.si_pid != 0)
        return; /* it has ended */
    if (has_outlived(judge, pid) && kill(pid, SIGKILL) == 0)
        found->killed++;
    else
        found->left++;
}

static void look_at_those_of(const tow_orphans_judge *judge, const char *thread, tow_orphans_found *found) {
    char path[PATH_MAX_LENGTH];
    char *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%.20s/children", thread);
    FILE *file = fopen(path, "re");
    while (file != NULL && getdelim(&text, &size, ' ', file) > 0)
        look_at(judge, (pid_t)strtol(text, NULL, 10), found);
    if (file != NULL)
        fclose(file);
    free(text);
}

tow_orphans_found tow_orphans_look(const tow_orphans_judge *judge) {
    tow_orphans_found found = {0};
    DIR *threads = opendir("/proc/self/task");
    const struct dirent *entry;
    while (threads != NULL && (entry = readdir(threads)) != NULL)
        if (entry->d_name[0] != '.')
            look_at_those_of(judge, entry->d_name, &found);
    if (threads != NULL)
        closedir(threads);
    return found;
}
