/* console: a page for trying WebSocket endpoints by hand, which lies inside the program. */
#ifndef TOW_HANDLER_CONSOLE_H
#define TOW_HANDLER_CONSOLE_H

#include "handler/kind.h"

extern const tow_handler_kind tow_console_kind;

/* Answers GET and HEAD with the page, whatever the path. */
tow_handler tow_console_handler(void);

#endif
