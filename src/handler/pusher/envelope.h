/* envelope: what a server of Pusher's protocol says, as texts of JSON. Data are a string, mostly one that
 * holds JSON again; of errors they are an object.
 *
 * All of it appends to a buffer. Errors: MEMORY, UTF8 (half of a surrogate pair in what is no UTF-8); what
 * was appended is then no envelope. */
#ifndef TOW_HANDLER_PUSHER_ENVELOPE_H
#define TOW_HANDLER_PUSHER_ENVELOPE_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdint.h>

typedef struct tow_pusher_envelope {
    tow_slice event;
    tow_slice channel; /* its pointer is NULL where there is none */
    tow_slice data;    /* the same */
    bool data_is_json; /* it stands there as it is, a value of JSON; else it becomes a string */
    tow_slice user;    /* who sent it, to channels where users are known; pointer NULL: none */
} tow_pusher_envelope;

int tow_pusher_envelope_write(tow_buffer *out, const tow_pusher_envelope *envelope);

/* What comes first on a connection. */
int tow_pusher_write_established(tow_buffer *out, const char *socket_id, int activity_seconds);

/* `code` 0: none. */
int tow_pusher_write_error(tow_buffer *out, int code, const char *text);

/* A subscription that was refused, in the form that pusher-js tells the channel's owner. */
int tow_pusher_write_refusal(
    tow_buffer *out, tow_slice channel, const char *type, const char *text, int status);

/* Whose data are {"NAME":"VALUE"}. */
int tow_pusher_write_with_text(
    tow_buffer *out, const char *event, tow_slice channel, const char *name, tow_slice value);

#endif
