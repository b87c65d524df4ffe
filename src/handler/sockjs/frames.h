/* frames: messages of SockJS as JSON: several in an array from the server, an array of texts from the client.
 */
#ifndef TOW_HANDLER_SOCKJS_FRAMES_H
#define TOW_HANDLER_SOCKJS_FRAMES_H

#include "protocol/packets.h"
#include "base/json.h"

enum { TOW_SOCKJS_CLOSE = 'c' /* a packet that is a whole frame */ };

/* Takes packets off the list for one frame, without its end of line: a["…","…"], of `max` bytes and one
 * message more, or the frame of a Close. The list must not be empty. Errors: MEMORY. */
int tow_sockjs_append(tow_buffer *out, tow_packets *packets, size_t max, bool *is_close);

/* The frame of a Close. Errors: MEMORY. */
int tow_sockjs_append_close(tow_buffer *out, unsigned code, const char *reason);

/* What a client has sent: an array of texts, or, where `alone`, one. False: it is none. */
bool tow_sockjs_read(tow_slice text, bool alone, tow_json_walk *messages, tow_slice *single);

#endif
