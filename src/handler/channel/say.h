/* say: what a talk sends. */
#ifndef TOW_HANDLER_CHANNEL_SAY_H
#define TOW_HANDLER_CHANNEL_SAY_H

#include "talk.h"

/* Sends an envelope that was written, unless `error` says that it could not be, which ends the connection;
 * and clears it. */
void tow_talk_say(tow_talk *talk, tow_buffer *envelope, int error);

/* Says that something is wrong. `channel` may be empty. */
void tow_talk_complain(tow_talk *talk, tow_slice id, tow_slice channel, const char *code, const char *reason);

#endif
