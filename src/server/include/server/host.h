/* host: which names a request may have in its Host field.
 *
 * A page elsewhere can make a browser reach a server on this machine by rebinding its own name to 127.0.0.1;
 * the name in Host then gives it away. Pure functions over text: no sockets, no name look-ups. */
#ifndef TOW_SERVER_HOST_H
#define TOW_SERVER_HOST_H

#include "base/slice.h"

typedef struct tow_host_rule {
    const char *const *names; /* ends with NULL, or NULL for none; "*" any, "*.example" all below */
    bool local;               /* localhost, *.localhost and IP literals; a request without Host too */
} tow_host_rule;

/* Takes "HOST", "HOST:PORT" or "[IPv6]:PORT" apart; *port is -1 if there is none. The host keeps its
 * brackets. Returns false for what is no authority. */
bool tow_authority_split(tow_slice authority, tow_slice *host, int *port);

/* Whether a Host (or the authority of an absolute target) may be served. The port does not matter. A rule
 * without names that is not local allows everything. */
bool tow_host_is_allowed(const tow_host_rule *rule, tow_slice authority);

/* Whether `name` may stand in a rule's names. */
bool tow_host_name_is_valid(const char *name);

#endif
