/* fallback: how a client's socket goes on by polling where its opening handshake fails, or begins so where it
 * is known that it would. */
#ifndef TOW_CLIENT_FALLBACK_FALLBACK_H
#define TOW_CLIENT_FALLBACK_FALLBACK_H

#include "plan.h"

/* The client has a plan, whose session begins in a later round: now, or when the opening handshake has
 * failed.
 */
void tow_fallback_start(tow_client *client);

/* A WebSocket that was open is over: one that something between has cut is remembered. */
void tow_fallback_note_end(const tow_client *client);

#endif
