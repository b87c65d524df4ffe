/* births: what the loops' part of a child process asks its nursery for. */
#ifndef TOW_TRANSPORT_BIRTHS_H
#define TOW_TRANSPORT_BIRTHS_H

#include "birth.h"
#include "transport/nursery.h"

/* A number for a child. */
uint64_t tow_nursery_number(tow_nursery *nursery);

/* Has it happen on a thread, and then leaves the letter for its home, which opens or drops it. Errors: SYSTEM
 * (there is no thread). */
int tow_nursery_begin(tow_nursery *nursery, tow_birth *birth);

/* For who opens the letter: when this returns, the thread that has left it touches the loop no more. */
void tow_nursery_receive(tow_nursery *nursery);

/* Has it happen now, on this thread. */
void tow_nursery_happen(tow_nursery *nursery, tow_birth *birth);

/* It is not wanted any more: one that waits still is not started. */
void tow_nursery_forgo(tow_nursery *nursery, tow_birth *birth);

/* Waits until it is over, without a letter. False: the letter was left before. */
bool tow_nursery_await(tow_nursery *nursery, tow_birth *birth);

/* A child has ended, and was waited for. */
void tow_nursery_leave(tow_nursery *nursery, const tow_kin *kin);

#endif
