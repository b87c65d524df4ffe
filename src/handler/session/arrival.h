/* arrival: an answer may be on its way for long after it was handed over: what stands between may hold it,
 * and the client's network may be slow. */
#ifndef TOW_HANDLER_SESSION_ARRIVAL_H
#define TOW_HANDLER_SESSION_ARRIVAL_H

#include <stddef.h>
#include <stdint.h>

enum { TOW_SESSION_SLOWEST = 16 /* bytes that arrive in a millisecond */ };

/* How many milliseconds so many bytes may take. */
static inline int64_t tow_session_arrival(size_t bytes) {
    return (int64_t)(bytes / TOW_SESSION_SLOWEST);
}

#endif
