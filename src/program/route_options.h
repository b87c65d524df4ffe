/* route_options: what may be set of a route, whatever its kind, by the names that the command line has for
 * all routes. */
#ifndef TOW_PROGRAM_ROUTE_OPTIONS_H
#define TOW_PROGRAM_ROUTE_OPTIONS_H

#include "options.h"

#include "handler/guard.h"

#include <towline/server.h>

typedef struct tow_route_settings {
    const char *const *allow_origins;
    bool any_origin;
    const char *const *hosts;
    const char *const *protocols;
    const char *const *fields; /* "Name: value" */
    bool keep_request;
    tow_guard_settings guard; /* none of it: what the server has */
    tow_limits limits;        /* zero: what the kind says, or else the server */
} tow_route_settings;

extern const tow_command tow_route_command;

/* Puts those limits that are set in the place of the others. */
void tow_limits_overlay(tow_limits *limits, const tow_limits *set);

#endif
