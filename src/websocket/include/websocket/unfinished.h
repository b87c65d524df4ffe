/* unfinished: the bytes that connections hold of what has not come to its end (a message, a request's body),
 * bounded for each address and for all connections of a worker. */
#ifndef TOW_WEBSOCKET_UNFINISHED_PART_H
#define TOW_WEBSOCKET_UNFINISHED_PART_H

#include "websocket/cause.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tow_websocket_context tow_websocket_context;

/* What one connection holds; zeroed: nothing. */
typedef struct tow_unfinished_part {
    size_t bytes;                           /* as they are counted: a little is not */
    struct tow_unfinished_account *account; /* its address's, or NULL */
} tow_unfinished_part;

/* It holds so much by now. `address` is the peer's key (tow_address_key), or 0, and asked for when it holds
 * something for the first time. Returns the limit that is passed by what came to it, or TOW_CAUSE_COUNT. */
tow_cause tow_unfinished_hold(
    tow_websocket_context *context, tow_unfinished_part *part, uint64_t address, size_t bytes);

#endif
