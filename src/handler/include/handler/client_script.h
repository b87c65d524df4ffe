/* client_script: web/towline.js, the browser's WebSocket interface where WebSocket does not get through,
 * which lies inside the program. */
#ifndef TOW_HANDLER_CLIENT_SCRIPT_H
#define TOW_HANDLER_CLIENT_SCRIPT_H

#include "handler/kind.h"

extern const tow_handler_kind tow_client_script_kind;

/* Answers GET and HEAD with the module, whatever the path, to pages of any origin. */
tow_handler tow_client_script_handler(void);

#endif
