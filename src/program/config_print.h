/* config_print: --print-config: all that holds, as a configuration file that says the same, with a remark
 * where each value comes from. */
#ifndef TOW_PROGRAM_CONFIG_PRINT_H
#define TOW_PROGRAM_CONFIG_PRINT_H

#include "base/buffer.h"
#include "config_items.h"
#include "route_plan.h"

/* Errors: MEMORY, SYSTEM (the current folder, to which relative paths of the command line belong). */
int tow_config_print(tow_buffer *out, const tow_options *options, const tow_route_plans *plans);

/* Appends a list of items with its key, if there are some. Errors: MEMORY, SYSTEM. */
int tow_config_print_items(tow_buffer *out, const char *key, const tow_config_items *items);

#endif
