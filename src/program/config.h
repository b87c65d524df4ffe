/* config: a configuration file (-f FILE): options of a command, by their long names, and routes.
 *
 * What stands on the command line goes before it. */
#ifndef TOW_PROGRAM_CONFIG_H
#define TOW_PROGRAM_CONFIG_H

#include "config_items.h"
#include "route_plan.h"

/* Makes options of what was given on a command line, whose words must be there still, and of the file, plans
 * of its routes, and what is set for channels; `file` outlives them. Errors: ARGUMENT, SYSTEM, MEMORY,
 * UNSUPPORTED; error[] then holds one line, with file, line and column where there is a place. */
int tow_config_read(tow_options *options, tow_route_plans *plans, tow_config_items *channels,
    const tow_options *given, const char *file, char error[TOW_OPTIONS_ERROR_MAX]);

/* The same for a command that has no routes. Errors: the same. */
int tow_config_read_options(
    tow_options *options, const tow_options *given, const char *file, char error[TOW_OPTIONS_ERROR_MAX]);

#endif
