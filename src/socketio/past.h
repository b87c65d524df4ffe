/* past: what a socket was sent last, and what it misses while it is away, for clients that come back and say
 * what they got last. Bounded: the oldest is forgotten, and who needs that can't be recovered. */
#ifndef TOW_SOCKETIO_PAST_H
#define TOW_SOCKETIO_PAST_H

#include "form.h"
#include "state.h"

enum {
    TOW_SOCKETIO_PAST_MAX = 128,              /* events */
    TOW_SOCKETIO_PAST_BYTES_MAX = 1024 * 1024 /* of their data; one more may come */
};

/* What a client shows to be recovered: not to be guessed. */
const char *tow_socketio_past_id(const tow_socketio_past *past);

/* NULL without memory. */
tow_socketio_past *tow_socketio_past_new(tow_loop *loop);
void tow_socketio_past_free(tow_socketio_past *past); /* NULL is allowed */

/* Something that was published to one of its rooms. Without memory it is forgotten, with all before it. */
void tow_socketio_past_add(tow_socketio_past *past, tow_published *published);

/* An event for this socket alone: its offset, which goes with it, and then the event, of which the past has
 * the form from then on. */
size_t tow_socketio_past_offset(const tow_socketio_past *past, char offset[TOW_POSITION_TEXT_SIZE]);
void tow_socketio_past_add_own(tow_socketio_past *past, tow_socketio_form *form);

/* Whether all is there that came behind this offset (empty: all that ever was), from `*first` on. */
bool tow_socketio_past_has(const tow_socketio_past *past, tow_slice offset, size_t *first);

/* The form of an event there, or NULL: there is none more, or no memory. */
size_t tow_socketio_past_count(const tow_socketio_past *past);
const tow_socketio_form *tow_socketio_past_at(
    const tow_socketio_past *past, size_t index, const tow_encoding *encoding);

#endif
