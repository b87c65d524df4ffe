/* carried_paths: the paths of routes that are at once those of what carries them: Engine.IO for clients of
 * Socket.IO. */
#ifndef TOW_PROGRAM_CARRIED_PATHS_H
#define TOW_PROGRAM_CARRIED_PATHS_H

#include "handler/engineio.h"
#include "route_plan.h"

typedef struct tow_carried_paths { /* zeroed: none */
    struct tow_carried_path *first;
} tow_carried_paths;

/* Makes those of routes that want that and are not among `paths`. Errors: as tow_engineio_new; some may be
 * made. */
int tow_carried_paths_make(tow_carried_paths *more, const tow_carried_paths *paths, tow_server *server,
    const tow_engineio_settings *settings, const tow_route_plans *plans);

/* They are served from now on: they stay as long as the server, and lead to whatever route has the path. */
void tow_carried_paths_take(tow_carried_paths *paths, tow_carried_paths *more);

/* After the server; or before, those that were not taken. */
void tow_carried_paths_clear(tow_carried_paths *paths);

#endif
