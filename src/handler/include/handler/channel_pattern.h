/* channel_pattern: which channels are meant: a name, or what names begin with and an asterisk behind it
 * ("chat/" with one: all below; an asterisk alone: all). Slashes are characters like others. */
#ifndef TOW_HANDLER_CHANNEL_PATTERN_H
#define TOW_HANDLER_CHANNEL_PATTERN_H

#include "base/slice.h"

/* Whether it is one: what stands before the asterisk is a name, or empty, and has no asterisk. */
bool tow_channel_pattern_is_valid(tow_slice pattern);

bool tow_channel_pattern_matches(tow_slice pattern, tow_slice name);

/* Below 0 where `one` stands before `other`, when the first that matches is to be the most exact: names, then
 * longer beginnings. */
int tow_channel_pattern_compare(tow_slice one, tow_slice other);

#endif
