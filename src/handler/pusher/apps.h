/* apps: those of a server, by their ids, for whoever knows a channel's name only. Any thread. */
#ifndef TOW_HANDLER_PUSHER_APPS_H
#define TOW_HANDLER_PUSHER_APPS_H

#include "app.h"

/* An app is served from now on, in front of those with the same id; and not any more. Errors: MEMORY. */
int tow_pusher_apps_add(tow_pusher *pusher, tow_pusher_app *app);
void tow_pusher_apps_remove(tow_pusher *pusher, tow_pusher_app *app);

#endif
