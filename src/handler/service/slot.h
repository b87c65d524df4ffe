/* slot: one place in a pool of programs: the connections that it serves, what is to be given to its process,
 * and how one process follows another without their noticing.
 *
 * A process that is to follow by plan is started first. When it is ready the one before it is drained: it
 * acknowledges what it was given, and ends. What a process has not acknowledged when it ends is given to the
 * next one, marked as given again. An event of which three processes have died ends its connection: from the
 * second on they are given one at a time, so that it is the right one. */
#ifndef TOW_HANDLER_SERVICE_SLOT_H
#define TOW_HANDLER_SERVICE_SLOT_H

#include "process.h"

/* What a slot tells its pool. */
typedef struct tow_slot_events {
    void (*on_broken)(
        tow_service *service, int more);   /* one more, or one less, has no process that can be started */
    void (*on_over)(tow_service *service); /* it may be over */
} tow_slot_events;

typedef struct tow_slot {
    tow_service *service;
    const tow_slot_events *events;
    size_t number, count; /* of the pool */
    tow_process *current; /* NULL: none */
    tow_process *next;    /* is being started, or waits for the end of `current` */
    tow_member *members;
    size_t member_count;
    tow_member *to_resume;   /* from here on they are told to a new process */
    tow_event *first, **end; /* that wait to be given */
    size_t careful;          /* events that are to be given one at a time */
    int failures;            /* in a row, of processes that were never ready */
    int deaths;              /* in a row, of those that did not live long */
    int64_t began;           /* the current process */
    tow_timer retry;
    bool broken;   /* for a while none could be started */
    bool is_stale; /* who is to follow is out of date already */
} tow_slot;

void tow_slot_init(
    tow_slot *slot, tow_service *service, const tow_slot_events *events, size_t number, size_t count);

/* Starts its first process. Errors: as tow_child_start. */
int tow_slot_begin(tow_slot *slot);

/* Has another process follow. */
void tow_slot_restart(tow_slot *slot);

void tow_slot_join(tow_slot *slot, tow_member *member);
void tow_slot_leave(tow_slot *slot, tow_member *member);
void tow_slot_add(tow_slot *slot, tow_event *event);
/* The member's events are not given any more. */
void tow_slot_drop(tow_slot *slot, tow_member *member);

/* Gives what the process takes. */
void tow_slot_give(tow_slot *slot);

/* Ends its processes; whether none runs any more. */
void tow_slot_end(tow_slot *slot);
bool tow_slot_is_over(const tow_slot *slot);
void tow_slot_clear(tow_slot *slot);

#endif
