#include "bench/process.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <towline/error.h>
#include <unistd.h>

/* Process numbers have at most 22 bits; a larger one would be cut on its way into a clock's number. */
enum { PID_MAX = 1 << 22 };

int tow_process_open(tow_process *process, int pid) {
    clockid_t clock;
    if (pid <= 0 || pid > PID_MAX || clock_getcpuclockid(pid, &clock) != 0)
        return TOW_ERROR_ARGUMENT;
    *process = (tow_process){.pid = pid, .clock = clock};
    return 0;
}

void tow_process_close(tow_process *process) {
    for (size_t i = 0; i < process->counter_count; i++)
        close(process->counters[i]);
    free(process->counters);
    process->counters = NULL;
    process->counter_count = 0;
}

/* The number of the tracepoint that every system call passes; 0 if it can't be read. */
static unsigned long long system_call_tracepoint(void) {
    static const char *const files[] = {"/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
        "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id"};
    unsigned long long number = 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && number == 0; i++) {
        FILE *file = fopen(files[i], "re");
        if (file == NULL)
            continue;
        char line[32];
        if (fgets(line, sizeof(line), file) != NULL)
            number = strtoull(line, NULL, 10);
        fclose(file);
    }
    return number;
}

static int count_thread(tow_process *process, int thread, unsigned long long tracepoint) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attributes), .config = tracepoint};
    int counter = (int)syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (counter < 0)
        return TOW_ERROR_PERMISSION;
    int *grown = realloc(process->counters, (process->counter_count + 1) * sizeof(*grown));
    if (grown == NULL) {
        close(counter);
        return TOW_ERROR_MEMORY;
    }
    process->counters = grown;
    process->counters[process->counter_count++] = counter;
    return 0;
}

int tow_process_count_system_calls(tow_process *process) {
    unsigned long long tracepoint = system_call_tracepoint();
    if (tracepoint == 0)
        return TOW_ERROR_PERMISSION;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task", process->pid);
    DIR *threads = opendir(path);
    if (threads == NULL)
        return TOW_ERROR_PERMISSION;
    int error = 0;
    for (struct dirent *entry = readdir(threads); entry != NULL && error == 0; entry = readdir(threads)) {
        int thread = (int)strtol(entry->d_name, NULL, 10);
        if (thread > 0)
            error = count_thread(process, thread, tracepoint);
    }
    closedir(threads);
    if (error != 0)
        tow_process_close(process);
    return error;
}

int64_t tow_process_system_calls(const tow_process *process) {
    int64_t total = process->counter_count == 0 ? -1 : 0;
    for (size_t i = 0; i < process->counter_count; i++) {
        uint64_t count = 0;
        if (read(process->counters[i], &count, sizeof(count)) == sizeof(count))
            total += (int64_t)count;
    }
    return total;
}

int64_t tow_process_cpu(const tow_process *process) {
    struct timespec time;
    if (process->pid == 0 || clock_gettime(process->clock, &time) != 0)
        return -1;
    return (int64_t)time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int64_t tow_process_memory(const tow_process *process) {
    char path[64];
    char line[256];
    int64_t bytes = -1;
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", process->pid);
    FILE *file = process->pid == 0 ? NULL : fopen(path, "re");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Pss:", 4) == 0)
            bytes = strtoll(line + 4, NULL, 10) * 1024;
    }
    fclose(file);
    return bytes;
}
