/* carried_paths: the paths of routes that are at once those of what carries them: Engine.IO for clients of
 * Socket.IO. */
#ifndef TOW_PROGRAM_CARRIED_PATHS_H
#define TOW_PROGRAM_CARRIED_PATHS_H

#include "handler/engineio.h"
#include "route_plan.h"

typedef struct tow_carried_paths { /* zeroed: none */
    struct tow_carried_path *first;
} tow_carried_paths;

/* Adds those of routes that want that, if they are not among them: they stay as long as the server, and lead
 * to whatever route has the path. Errors: as tow_engineio_new. */
int tow_carried_paths_add(tow_carried_paths *paths, tow_server *server, const tow_engineio_settings *settings,
    const tow_route_plans *plans);

/* After the server. */
void tow_carried_paths_clear(tow_carried_paths *paths);

#endif
