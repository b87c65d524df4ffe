/* pusher_apps: the apps of Pusher's protocol that a server has, from `pusher:` in a configuration file or
 * from
 * --pusher-app, as plans of routes: each app's paths have one handler. */
#ifndef TOW_PROGRAM_PUSHER_APPS_H
#define TOW_PROGRAM_PUSHER_APPS_H

#include "config_take.h"
#include "route_plan.h"

/* Adds a plan for each app of a list in a file. Errors: ARGUMENT, MEMORY; error[] then holds one line. */
int tow_pusher_apps_read(tow_route_plans *plans, const tow_config_node *list, const tow_config_scope *scope,
    char error[TOW_OPTIONS_ERROR_MAX]);

/* Adds those of --pusher-app (a list that ends with NULL, or NULL), and what is told to clients of others
 * where there is any app. Errors: as above. */
int tow_pusher_apps_complete(
    tow_route_plans *plans, const char *const *texts, char error[TOW_OPTIONS_ERROR_MAX]);

/* Whether such a text is ID:KEY:FILE: 0, or ARGUMENT. */
int tow_pusher_app_check(const char *text);

bool tow_route_plan_is_pusher_app(const tow_route_plan *plan);
bool tow_route_plans_have_pusher_app(const tow_route_plans *plans);

#endif
