/* mailbox: tasks that any thread leaves for a loop, without a lock: a list that is pushed to by compare and
 * exchange and taken as a whole. */
#ifndef TOW_TRANSPORT_MAILBOX_H
#define TOW_TRANSPORT_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct tow_mailbox {
    _Atomic(struct tow_letter *) newest;
} tow_mailbox;

/* Any thread. Returns 1 if the mailbox was empty, so that its loop must be woken, else 0. Errors: MEMORY. */
int tow_mailbox_put(tow_mailbox *mailbox, void (*task)(void *argument), void *argument);

static inline bool tow_mailbox_is_empty(tow_mailbox *mailbox) {
    return atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == NULL;
}

/* Runs the tasks that are there now, oldest first. Those that they leave are for the next time. */
void tow_mailbox_run(tow_mailbox *mailbox);

/* Drops the tasks that are there. */
void tow_mailbox_clear(tow_mailbox *mailbox);

#endif
