/* response: writing the head of a response, and the reason phrases. */
#ifndef TOW_HTTP_RESPONSE_H
#define TOW_HTTP_RESPONSE_H

#include "base/buffer.h"
#include "base/slice.h"
#include "http/date.h"

#include <stdbool.h>
#include <stdint.h>

/* "Not Found" for 404; "" for one that is not in the registry. */
const char *tow_http_reason(int status);

/* Begins a head: status line and Date. Further fields by tow_response_field, the end by tow_response_end.
 * Errors: ARGUMENT (a status that has not three digits), MEMORY. After an error the buffer is as before, here
 * and below. */
int tow_response_begin(tow_buffer *out, int status, int64_t wall_seconds);

/* Whether it is one for tow_response_field. */
bool tow_response_field_is_valid(tow_slice name, tow_slice value);

/* Errors: ARGUMENT (a name that is no token; a control character, so CR or LF, in the value), MEMORY. */
int tow_response_field(tow_buffer *out, const char *name, const char *value);
int tow_response_field_number(tow_buffer *out, const char *name, uint64_t value);
int tow_response_end(tow_buffer *out);

#endif
