/* config_routes: the list of routes in a configuration file. */
#ifndef TOW_PROGRAM_CONFIG_ROUTES_H
#define TOW_PROGRAM_CONFIG_ROUTES_H

#include "config_take.h"
#include "route_plan.h"

enum { TOW_CONFIG_ROUTES_MAX = 4096 };

/* Adds a plan for each. Errors: ARGUMENT, MEMORY; error[] then holds one line with the place. */
int tow_config_routes_read(tow_route_plans *plans, const tow_config_node *list, const tow_config_scope *scope,
    char error[TOW_OPTIONS_ERROR_MAX]);

#endif
