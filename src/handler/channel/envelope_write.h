/* envelope_write: what a server says in the subprotocol towline.v1: objects of JSON, member by member
 * (docs/channels.md). All of them append. Errors: MEMORY, UTF8; what was appended is then of no use. */
#ifndef TOW_HANDLER_CHANNEL_ENVELOPE_WRITE_H
#define TOW_HANDLER_CHANNEL_ENVELOPE_WRITE_H

#include "base/buffer.h"
#include "hub/published.h"

/* {"type":TYPE, and "id" if it has a length; then members; then the end. */
int tow_envelope_begin(tow_buffer *out, const char *type, tow_slice id);
int tow_envelope_add_text(tow_buffer *out, const char *name, tow_slice text);
int tow_envelope_add_value(tow_buffer *out, const char *name, tow_slice value); /* of JSON, as it is */
int tow_envelope_add_number(tow_buffer *out, const char *name, int64_t number);
int tow_envelope_add_flag(tow_buffer *out, const char *name, bool flag);
int tow_envelope_add_position(tow_buffer *out, const tow_position *position);
int tow_envelope_end(tow_buffer *out);

/* {"user":…,"info":…}, without the first where it is named already. */
int tow_envelope_write_member(tow_buffer *out, tow_slice user, tow_slice info);

/* A whole one: a message, or that a member has come or gone. */
int tow_envelope_write_published(tow_buffer *out, const tow_published *published);

#endif
