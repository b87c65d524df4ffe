/* placeholders: objects {"_placeholder":true,"num":N} in a packet's JSON, at whatever depth: N says which of
 * its attachments, from 0, stands there. */
#ifndef TOW_SOCKETIO_PLACEHOLDERS_H
#define TOW_SOCKETIO_PLACEHOLDERS_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether each of them refers to one of so many attachments. `value` is one of JSON (tow_json_read). It is
 * read once, however deep it is. */
bool tow_placeholders_fit(tow_slice value, size_t attachments);

#endif
