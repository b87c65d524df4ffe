/* inquiry: the header fields that a back end gets to see of a request that it decides on: those of the
 * request, but for what belongs to its connection, its handshake or its body, and what is asked for, as
 * X-Forwarded-Method, -Proto, -Host, -Uri and -For, which clients can't say themselves; nor can they say what
 * begins with Towline-, which is for whoever asks. */
#ifndef TOW_HANDLER_INQUIRY_H
#define TOW_HANDLER_INQUIRY_H

#include <towline/http.h>

/* A list that ends with a NULL name, with its texts in one piece of memory, to be freed. NULL without memory.
 */
tow_header_field *tow_inquiry_fields(const tow_request *request);

/* The fields of one list and those of another, in the same way. */
tow_header_field *tow_inquiry_join(const tow_header_field *own, const tow_header_field *others);

#endif
