/* hearing: packets of the client, however they came. The session may be over afterwards. */
#ifndef TOW_HANDLER_ENGINEIO_HEARING_H
#define TOW_HANDLER_ENGINEIO_HEARING_H

#include "session.h"

void tow_engineio_hear(tow_engineio_session *session, const tow_packet *packet);

/* The same for one as it came, in a post or as a text of a WebSocket. */
void tow_engineio_hear_bytes(tow_engineio_session *session, const void *bytes, size_t length);

#endif
