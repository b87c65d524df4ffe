/* retry: whether a lost connection is worth another attempt, and when. Arithmetic only: no clock, no chance,
 * no socket. */
#ifndef TOW_CLIENT_RETRY_H
#define TOW_CLIENT_RETRY_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <towline/reconnector.h>

/* Whether another attempt may go better after a failure with this error, and this status unless it is 0. */
bool tow_retry_may_help(int error, int http_status);

/* Whether a clean close with this code, by the server, is the end. */
bool tow_retry_ends_at(uint16_t code, tow_after_clean_close after);

/* The wait before an attempt (1 is the first), in milliseconds. The options are resolved: no zero is left. */
int64_t tow_retry_delay(const tow_reconnector_options *options, int attempt, uint64_t random);

/* What a Retry-After field says, in seconds from `now` (seconds since 1970), between 0 and an hour; 0 if it
 * is absent or not valid. */
int tow_retry_after(tow_slice field, int64_t now);

#endif
