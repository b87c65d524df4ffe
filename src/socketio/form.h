/* form: an event as the messages that it is for sockets of one namespace: made once, by whoever publishes it
 * or, for what others publish, by the first worker that needs it. */
#ifndef TOW_SOCKETIO_FORM_H
#define TOW_SOCKETIO_FORM_H

#include "base/slice.h"
#include "hub/published.h"

#include <stdbool.h>
#include <stddef.h>
#include <towline/shared.h>
#include <towline/socketio.h>

/* Messages that follow each other: a text, and behind it its attachments; of a joined form many. They do not
 * change, and are counted themselves. */
typedef struct tow_socketio_form {
    char *text; /* of the first, where something is to be put behind its arguments; else NULL */
    size_t text_length;
    size_t count;
    tow_shared *messages[];
} tow_socketio_form;

void tow_socketio_form_free(tow_socketio_form *form);

/* Of its messages. */
size_t tow_socketio_form_bytes(const tow_socketio_form *form);

/* `last` is one more argument, a string (data NULL: none). Errors: as tow_socketio_emit. */
int tow_socketio_form_new(tow_socketio_form **form, const char *scope, tow_slice event,
    const tow_socketio_arguments *arguments, tow_slice last);

/* For the sockets of one namespace. It is counted, as forms of it may be left when nobody needs the namespace
 * any more. */
typedef struct tow_socketio_encoding tow_socketio_encoding;

/* `with_offsets`: each event has its position as one more argument, by which a client says what it got. NULL
 * without memory. */
tow_socketio_encoding *tow_socketio_encoding_new(const char *scope, bool with_offsets);
void tow_socketio_encoding_release(tow_socketio_encoding *encoding);

/* What subscribers get; forms are tow_socketio_form. */
const tow_encoding *tow_socketio_encoding_of(const tow_socketio_encoding *encoding);

/* Hands a form over with a draft, as that is the event that clients get; and takes it back, if nothing came
 * of that. */
int tow_socketio_encoding_give(
    tow_socketio_encoding *encoding, tow_draft *draft, const tow_socketio_arguments *arguments);
void tow_socketio_encoding_take_back(tow_draft *draft);

#endif
