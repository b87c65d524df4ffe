/* name: what a channel may be called, and which names are never open by another door than their own.
 *
 * A name has 1 to 200 bytes of UTF-8 without control characters (U+0000 to U+001F, U+007F to U+009F). It is
 * compared byte by byte; a slash is a character like others, but separates what rules look at: segments. A
 * path is percent-decoded once, and by this file alone, so that no door sees another name than the next.
 *
 * Names that begin with the byte 0x01 are internal: the hub takes them, lists leave them out, and the checks
 * here refuse them, so that nothing from outside gets there. */
#ifndef TOW_HUB_NAME_H
#define TOW_HUB_NAME_H

#include "base/slice.h"

enum { TOW_CHANNEL_NAME_MAX = 200, TOW_CHANNEL_INTERNAL = 0x01 };

/* What comes from outside is a name, and not an internal one. */
bool tow_channel_name_is_valid(tow_slice name);

/* The same for prefixes, which may be empty and may end anywhere in a character. */
bool tow_channel_prefix_is_valid(tow_slice prefix);

/* Writes the name that a part of a path stands for to `name`, and returns its length, or ARGUMENT: a percent
 * sign without two hexadecimal digits, or what it stands for is no name. "+" stands for itself. */
int tow_channel_name_decode(tow_slice path, char name[TOW_CHANNEL_NAME_MAX]);

/* Whether nobody gets in without proof, whatever a policy says: any segment begins with "private-",
 * "presence-" or "#server-to-user-". A door that asks for no proof is closed for such a name. */
bool tow_channel_name_is_private(tow_slice name);

#endif
