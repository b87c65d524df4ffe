/* sweep: channels that nobody is subscribed to go when they have lingered and nothing of them is kept any
 * more. One part of the hub looks at them once a second, as long as there are any. */
#ifndef TOW_HUB_SWEEP_H
#define TOW_HUB_SWEEP_H

#include "part.h"

/* The part's thread: it looks from now on; and leaves it to another. */
void tow_sweep_begin(tow_hub_part *part);
void tow_sweep_stop(tow_hub_part *part);

#endif
