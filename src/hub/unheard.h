/* unheard: publications that the store refuses when nobody waits for its answer: whoever published did not
 * ask, or has left. They are counted, and told of once in a while, as nobody else will. */
#ifndef TOW_HUB_UNHEARD_H
#define TOW_HUB_UNHEARD_H

#include "state.h"

/* Any thread, that is in no order. */
void tow_unheard_note(tow_hub *hub, const tow_store_call *call);

#endif
