/* process: what a process on this machine uses, seen from outside: CPU time, memory, system calls.
 *
 * It reads the kernel's accounts of another process, no clock that the load runs by. */
#ifndef TOW_BENCH_PROCESS_H
#define TOW_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef struct tow_process { /* zeroed: none */
    int pid;
    clockid_t clock;
    int *counters; /* descriptors of perf events, one a thread */
    size_t counter_count;
} tow_process;

/* Errors: ARGUMENT (no such process). */
int tow_process_open(tow_process *process, int pid);
void tow_process_close(tow_process *process);

/* Starts counting the system calls of all its threads. Errors: PERMISSION (needs root or perf_event_paranoid
 * -1, and a readable tracefs), MEMORY. */
int tow_process_count_system_calls(tow_process *process);

/* Since the count started; -1 if it did not. */
int64_t tow_process_system_calls(const tow_process *process);

/* CPU time of all its threads, ended ones too, in nanoseconds; -1 if it is gone. */
int64_t tow_process_cpu(const tow_process *process);

/* Its proportional set size in bytes; -1 if unknown. */
int64_t tow_process_memory(const tow_process *process);

#endif
