/* sign_in: "pusher:signin": a connection that is known to be a user's, so that it can be sent what is for the
 * user, ended from outside, and seen to be online. */
#ifndef TOW_HANDLER_PUSHER_SIGN_IN_H
#define TOW_HANDLER_PUSHER_SIGN_IN_H

#include "connection.h"
#include "member.h"
#include "message.h"

typedef struct tow_pusher_signed_in tow_pusher_signed_in;

/* What is published on the bus of a user to end the user's connections. */
#define TOW_PUSHER_TERMINATE "terminate"

void tow_pusher_sign_in(tow_pusher_connection *connection, tow_pusher_message *message);

/* With the connection. */
void tow_pusher_sign_out(tow_pusher_connection *connection);

/* Who it is; as long as the connection lives. */
tow_pusher_member tow_pusher_signed_in_member(const tow_pusher_signed_in *signed_in);

#endif
