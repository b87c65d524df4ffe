/* echo: a handler that sends every message back as it came. */
#ifndef TOW_HANDLER_ECHO_H
#define TOW_HANDLER_ECHO_H

#include <towline/server.h>

/* Takes the first subprotocol that is offered, and any origin. */
tow_handler tow_echo_handler(void);

#endif
