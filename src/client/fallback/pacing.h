/* pacing: when a session polls, shows that it lives, and looks whether the other side does. */
#ifndef TOW_CLIENT_FALLBACK_PACING_H
#define TOW_CLIENT_FALLBACK_PACING_H

#include "session_state.h"

/* Polls, unless nothing more is to come that way, or what has come is not told yet. */
void tow_fallback_poll(tow_fallback_session *session);

/* No WebSocket is to take it over: what is left is said by polling. */
void tow_fallback_give_upgrade_up(tow_fallback_session *session);

/* Something has come over the WebSocket, or it is read no more, or again: from when on silence counts. */
void tow_fallback_watch(tow_fallback_session *session);

/* While nobody takes what there is, and no poll is made, the server is shown that there is somebody. */
void tow_fallback_show_signs(tow_fallback_session *session);

/* The WebSocket tells when it is below the low mark only if it was above the high one; the socket may have
 * been so before. */
void tow_fallback_look_at_marks(tow_fallback_session *session);

#endif
