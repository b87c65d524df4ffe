/* event_stream: what is published as events of Server-Sent Events (HTML Standard, section 9.2). */
#ifndef TOW_HANDLER_CHANNEL_EVENT_STREAM_H
#define TOW_HANDLER_CHANNEL_EVENT_STREAM_H

#include "base/buffer.h"
#include "hub/published.h"

/* Appends an event. Its data are lines, and read as joined by LF, whatever ended them. An empty event is
 * "message"; an empty id leaves the client's as it is. In names of events control characters are spaces.
 * Errors: MEMORY. */
int tow_event_append(tow_buffer *out, tow_slice event, const char *id, tow_slice data);

/* Appends what was published: binary data in base64, as event NAME;base64. Errors: MEMORY. */
int tow_event_append_published(tow_buffer *out, const tow_published *published);

#endif
