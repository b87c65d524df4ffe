/* waiting: subscriptions that the store has not answered yet.
 *
 * They stand at their place as all do, but nothing of what is left there is for them. The answer is left for
 * the part, in the channel's order and with it; and whoever takes what was left at a place looks for answers
 * then. So what came before the answer is not for them, and what comes behind it is. */
#ifndef TOW_HUB_WAITING_H
#define TOW_HUB_WAITING_H

#include "aside.h"
#include "state.h"

/* A subscription that stands at its place and has its aside waits from now on. In order. */
void tow_waiting_begin(tow_hub_part *part, tow_aside *aside, tow_store_call *call);

/* It ends; nothing happens if it does not wait. In order. */
void tow_waiting_end(tow_aside *aside, tow_hold *hold);

#endif
