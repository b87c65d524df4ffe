/* place: what was left at a place goes to its subscribers. */
#ifndef TOW_HUB_PLACE_H
#define TOW_HUB_PLACE_H

#include "part.h"

/* Delivers what was left, as far as this round goes; returns whether that is all: then the letter is out of
 * all lists. */
bool tow_place_deliver(tow_place *place);

/* The batch is delivered, or not wanted. */
void tow_place_end_batch(tow_place *place);

/* Frees a place that nobody is subscribed at any more, as soon as nothing holds it. */
void tow_place_settle(tow_place *place);

/* Its letter is dropped with the loop. */
void tow_place_drop(tow_letter *letter);

#endif
