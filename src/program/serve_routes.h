/* serve_routes: the routes of `towline serve`: those of its configuration file or, where it names none, the
 * built-in ones; and the document root. */
#ifndef TOW_PROGRAM_SERVE_ROUTES_H
#define TOW_PROGRAM_SERVE_ROUTES_H

#include "config_items.h"
#include "route_plan.h"

/* Adds what the options ask for to what the file named. Errors: ARGUMENT (two claim a path), MEMORY; error[]
 * tells. */
int tow_serve_routes_complete(
    tow_route_plans *plans, const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]);

/* Whether options, completed routes and what is set for channels go together: where a token is needed
 * somebody has to know tokens, and what an option is for has to be served. Errors: ARGUMENT; error[] tells.
 */
int tow_serve_routes_check(const tow_config_items *channels, const tow_route_plans *plans,
    const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]);

/* Has the handlers made that are not, as the options say of origins, and looks at the limits of all. Errors:
 * those of the kinds, ARGUMENT; error[] tells. */
int tow_serve_routes_make(const tow_route_plans *plans, const tow_handler_place *place,
    const tow_route_guards *guards, const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]);

/* Calls each handler's function, if it has one. */
void tow_serve_routes_tick(const tow_route_plans *plans);
void tow_serve_routes_reload(const tow_route_plans *plans);

#endif
