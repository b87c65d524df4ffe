/* opening_write: the judge's own part of an opening handshake, with a case's edits (RFC 6455, section 4). */
#ifndef TOW_CONFORM_OPENING_WRITE_H
#define TOW_CONFORM_OPENING_WRITE_H

#include "base/buffer.h"
#include "cases.h"
#include "judged_head.h"

/* Our request for a case (key and edits applied), and our answer to a client's; `extension` may be NULL.
 * Errors: MEMORY. */
int tow_conform_opening_request_write(
    const conform_case *one, const char *host, const char *path, const char *key, tow_buffer *out);
int tow_conform_opening_answer_write(
    const conform_case *one, const char *extension, const judged_head *request, tow_buffer *out);

#endif
