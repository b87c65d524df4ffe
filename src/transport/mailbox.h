/* mailbox: letters and tasks that any thread leaves for a loop, without a lock: a list that is pushed to by
 * compare and exchange and taken as a whole. */
#ifndef TOW_TRANSPORT_MAILBOX_H
#define TOW_TRANSPORT_MAILBOX_H

#include "transport/loop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct tow_mailbox {
    _Atomic(tow_letter *) newest;
    tow_letter *taken; /* from there, oldest first, and not opened yet; the loop's alone */
} tow_mailbox;

/* Any thread. Returns whether the mailbox was empty, so that its loop must be woken. */
bool tow_mailbox_put(tow_mailbox *mailbox, tow_letter *letter);

/* The same with a task, for which a letter is made: 1 or 0. Errors: MEMORY. */
int tow_mailbox_put_task(tow_mailbox *mailbox, void (*task)(void *argument), void *argument);

/* The loop's thread. */
static inline bool tow_mailbox_is_empty(tow_mailbox *mailbox) {
    return mailbox->taken == NULL && atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == NULL;
}

/* Opens the letters that are there now, oldest first, but no more than make up so much work. Those that they
 * leave are for the next time. */
void tow_mailbox_run(tow_mailbox *mailbox, size_t work);

/* Drops the letters that are there. */
void tow_mailbox_clear(tow_mailbox *mailbox);

#endif
