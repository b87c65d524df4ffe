/* turn: what a part does in a round: subscribers hear that they are subscribed, those who take again get what
 * waited, places deliver what was left there, and questions are answered. */
#ifndef TOW_HUB_TURN_H
#define TOW_HUB_TURN_H

#include "part.h"

/* A part's turn, as far as this round goes. */
void tow_turn_run(tow_hub_part *part);

/* Letters of places: there is something to deliver. */
void tow_turn_places_arrive(tow_letter *letters);

#endif
