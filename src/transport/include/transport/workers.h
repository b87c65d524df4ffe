/* workers: threads that have a loop each. Signals are blocked in them, so that they come to the thread that
 * made them. */
#ifndef TOW_TRANSPORT_WORKERS_H
#define TOW_TRANSPORT_WORKERS_H

#include <towline/loop.h>

typedef struct tow_workers tow_workers;

/* Makes `count` loops, then a thread for each, which calls run(argument, index, loop); the loop is freed
 * after it returns. Errors: those of tow_loop_new, SYSTEM (no thread); nothing has run then. */
int tow_workers_start(tow_workers **workers, int count, tow_io io,
    void (*run)(void *argument, int index, tow_loop *loop), void *argument);

/* Waits until all have returned, and frees everything. NULL is allowed. */
void tow_workers_join(tow_workers *workers);

#endif
