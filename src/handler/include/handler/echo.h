/* echo: a handler that sends every message back as it came. */
#ifndef TOW_HANDLER_ECHO_H
#define TOW_HANDLER_ECHO_H

#include "handler/kind.h"

extern const tow_handler_kind tow_echo_kind;

/* Takes the first subprotocol that is offered, and any origin. */
tow_handler tow_echo_handler(void);

#endif
