/* publishing: routes of `towline serve` where it is published by HTTP: what the server's options say of them,
 * and where their key lies. */
#ifndef TOW_PROGRAM_PUBLISHING_H
#define TOW_PROGRAM_PUBLISHING_H

#include "route_plan.h"
#include "secret_files.h"
#include "service.h"

/* What the options say is said of each route that does not say it, and a route for all below a path has that
 * path as well. Errors: ARGUMENT, MEMORY; error[] tells. */
int tow_publishing_complete(
    const tow_route_plans *plans, const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]);

/* Says where the key lies that nobody has named, if a route has it. */
void tow_publishing_announce(tow_service *service, const tow_route_plans *plans);

/* Looks at the key that lies where none is named. */
void tow_publishing_key_look(tow_secret_files *files, const tow_route_plans *plans);

#endif
