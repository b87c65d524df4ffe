/* message: what a client of Pusher's protocol says: {"event":…,"channel":…,"data":…}, as slices of the text
 * or of the strings in it. What becomes of it is for others. */
#ifndef TOW_HANDLER_PUSHER_MESSAGE_H
#define TOW_HANDLER_PUSHER_MESSAGE_H

#include "base/buffer.h"
#include "base/slice.h"

typedef struct tow_pusher_message { /* zeroed: empty */
    tow_slice event;
    tow_slice channel; /* its pointer is NULL where there is none */
    tow_slice data;    /* a value of JSON as it came; its pointer is NULL where there is none */
    tow_buffer texts;  /* private: what strings say */
} tow_pusher_message;

/* Reads it; the text is lent until it is cleared. Errors: ARGUMENT (no object of JSON with an event's name,
 * or a channel that is no string), MEMORY. It is to be cleared in any case. */
int tow_pusher_message_read(tow_pusher_message *message, tow_slice text);
void tow_pusher_message_clear(tow_pusher_message *message);

/* For the protocol's own events, whose data are an object, or a string that has one: what a member of it says
 * that is a string; its pointer is NULL where there is none. Errors: MEMORY, ARGUMENT (it is no string). */
int tow_pusher_message_take_object(tow_pusher_message *message);
int tow_pusher_message_string(tow_pusher_message *message, const char *name, tow_slice *text);

#endif
