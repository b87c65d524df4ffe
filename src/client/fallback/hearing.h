/* hearing: what a session makes of the server's packets. It may be over afterwards. */
#ifndef TOW_CLIENT_FALLBACK_HEARING_H
#define TOW_CLIENT_FALLBACK_HEARING_H

#include "session_state.h"

void tow_fallback_hear(tow_fallback_session *session, const tow_packet *packet);

/* One as it came, in an answer or as a text of the WebSocket. */
void tow_fallback_hear_bytes(tow_fallback_session *session, const uint8_t *bytes, size_t length);

/* The server's Close. */
void tow_fallback_hear_close(tow_fallback_session *session, uint16_t code, const char *reason, size_t length);

#endif
