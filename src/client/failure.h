/* failure: how an opening handshake ends that fails, in whichever stage it is. */
#ifndef TOW_CLIENT_FAILURE_H
#define TOW_CLIENT_FAILURE_H

#include "object.h"

/* Ends a handshake that is under way; the events come in a later round. `text` may be NULL. */
void tow_client_fail(tow_client *client, int error, const char *text);

/* The same for what went wrong with the peer, which is told before the text. */
void tow_client_fail_with_peer(tow_client *client, int error, const char *text);

/* The stream's on_closed, until the websocket floor has it. */
void tow_client_closed(tow_stream *stream);

#endif
