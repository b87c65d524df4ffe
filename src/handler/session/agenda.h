/* agenda: what a session waits for: several times, by one timer of its loop. */
#ifndef TOW_HANDLER_SESSION_AGENDA_H
#define TOW_HANDLER_SESSION_AGENDA_H

#include "transport/timer.h"

#include <stddef.h>

enum {
    TOW_AGENDA_MAX = 9,
    TOW_SESSION_DRAIN_MILLISECONDS =
        300 /* for a request that is on its way when a drain begins: no other comes */
};

typedef struct tow_agenda {
    tow_loop *loop;
    /* One of them is due, and is not set any more. The last of them goes before the others, and its act may
     * free the agenda. */
    void (*act)(struct tow_agenda *agenda, int due);
    tow_timer timer;
    int64_t armed; /* for when the timer is set */
    int64_t due[TOW_AGENDA_MAX];
    int count;
} tow_agenda;

/* Nothing is due, and nothing will act before tow_agenda_go. */
void tow_agenda_init(tow_agenda *agenda, tow_loop *loop, int count, void (*act)(tow_agenda *agenda, int due));
void tow_agenda_go(tow_agenda *agenda);

/* In so many milliseconds from now, in a later round; or not at all. */
void tow_agenda_set(tow_agenda *agenda, int due, int64_t milliseconds);
void tow_agenda_drop(tow_agenda *agenda, int due);
void tow_agenda_drop_all(tow_agenda *agenda);

/* Lets go of the timer. */
void tow_agenda_end(tow_agenda *agenda);

#endif
