/* arguments: what goes with an event, looked at and written. */
#ifndef TOW_SOCKETIO_ARGUMENTS_H
#define TOW_SOCKETIO_ARGUMENTS_H

#include "base/buffer.h"
#include "base/slice.h"

#include <towline/socketio.h>

/* Those of a packet that came. */
tow_socketio_arguments tow_socketio_arguments_of(
    tow_slice text, const tow_socketio_attachment *attachments, size_t count);

/* Their text as it stands between brackets; NULL and none are empty. */
tow_slice tow_socketio_arguments_text(const tow_socketio_arguments *arguments);

/* Appends an array: `name` as a string (data NULL: none), then the arguments, then `last` as a string (data
 * NULL: none). Errors: ARGUMENT, UTF8, LIMIT, MEMORY; the buffer is as before. */
int tow_socketio_arguments_append(
    tow_buffer *out, tow_slice name, const tow_socketio_arguments *arguments, tow_slice last);

#endif
