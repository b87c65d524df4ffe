/* turn: what a part does in a round: subscribers hear that they are subscribed, those who take again get what
 * waited, places deliver what was left there, and questions are answered. Each callback may end any
 * subscription, this one too, so nothing of it is used afterwards unless it is still there. */
#ifndef TOW_HUB_TURN_H
#define TOW_HUB_TURN_H

#include "part.h"

/* A part's turn, as far as this round goes. */
void tow_turn_run(tow_hub_part *part);

/* One who has just subscribed is told so in a later round. */
void tow_turn_expect(tow_hub_part *part, tow_subscription *subscription);

/* Ends it for a reason, and tells it. */
void tow_turn_end(tow_subscription *subscription, tow_subscription_end why);

/* Keeps what a subscriber does not take now; ends it where that is too much. */
void tow_turn_keep(tow_subscription *subscription, const tow_burst *burst);

/* Gives it a burst. Its flags say afterwards whether it takes more, if it is still there. */
void tow_turn_give(tow_subscription *subscription, tow_burst *burst);

/* Letters of places: opened, or dropped with the loop. */
void tow_places_arrive(tow_letter *letters);
void tow_place_drop(tow_letter *letter);

/* Delivers what was left at a place, as far as this round goes; returns whether that is all: then the letter
 * is out of all lists. */
bool tow_place_deliver(tow_place *place);

/* Frees a place that nobody is subscribed at any more, as soon as nothing holds it. */
void tow_place_settle(tow_place *place);

#endif
