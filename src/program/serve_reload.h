/* serve_reload: the configuration file of `towline serve`, read again while it serves. All of it is taken, or
 * nothing; nobody is disconnected, and routes that are as they were are left alone. */
#ifndef TOW_PROGRAM_SERVE_RELOAD_H
#define TOW_PROGRAM_SERVE_RELOAD_H

#include "carried_paths.h"
#include "channels.h"
#include "handlers.h"
#include "route_plan.h"
#include "serving.h"

/* What is served now. */
typedef struct tow_served_config {
    const tow_options *first; /* what was read at the start, which holds for what can't change */
    tow_options latest;       /* what was read last; zeroed: the first */
    tow_route_plans plans;
    tow_config_items channel_items; /* what was read last */
    tow_served_channels channels;
    tow_route_guards guards;
    tow_carried_paths carried;
    const tow_handlers *handlers; /* which stay where they are */
} tow_served_config;

/* Reads the file again; the log tells. False: it was refused. On the thread of the server's first loop. */
bool tow_serve_reload(tow_served_config *served, tow_serving *serving);

void tow_served_config_clear(tow_served_config *served);

#endif
