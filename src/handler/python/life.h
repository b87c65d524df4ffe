/* life: whether a process still serves. It is asked now and then, and has so many seconds to answer.
 *
 * Seconds are counted by rounds of a timer: while we did not run ourselves, stopped or with the whole
 * machine, none has passed. */
#ifndef TOW_HANDLER_PYTHON_LIFE_H
#define TOW_HANDLER_PYTHON_LIFE_H

#include "transport/timer.h"

typedef struct tow_python_life tow_python_life;

typedef struct tow_python_life_events {
    void (*on_ask)(tow_python_life *life);
    void (*on_silence)(tow_python_life *life); /* it has not answered; nothing follows */
} tow_python_life_events;

struct tow_python_life { /* embedded; zeroed: at rest. Private */
    tow_timer timer;     /* until it is asked, or a second is over */
    tow_loop *loop;
    const tow_python_life_events *events;
    int patience_seconds;
    int waited_seconds;
    bool asked; /* and has not answered */
};

/* Asks, at once and then now and then. */
void tow_python_life_begin(
    tow_python_life *life, tow_loop *loop, int patience_seconds, const tow_python_life_events *events);

/* It has answered. */
void tow_python_life_sign(tow_python_life *life);

/* Nothing is asked any more. One at rest stays so. */
void tow_python_life_end(tow_python_life *life);

#endif
