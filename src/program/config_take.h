/* config_take: a map of a configuration file taken into options, each key by the row of its name. */
#ifndef TOW_PROGRAM_CONFIG_TAKE_H
#define TOW_PROGRAM_CONFIG_TAKE_H

#include "config_tree.h"
#include "options.h"

typedef struct tow_config_scope {
    const char *file;   /* as errors and sources call it; outlives the options */
    const char *folder; /* what paths in it are relative to: an absolute name; "": nothing */
} tow_config_scope;

/* Takes all keys but those in `besides` (a list that ends with NULL), which somebody else knows. Errors:
 * ARGUMENT, MEMORY; error[] then holds one line with the place. */
int tow_config_take(tow_options *options, const tow_config_node *map, const tow_config_scope *scope,
    const char *const *besides, char error[TOW_OPTIONS_ERROR_MAX]);

/* The same for a value that stands without the key of its option. */
int tow_config_take_value(tow_options *options, const char *name, const tow_config_node *value,
    const tow_config_scope *scope, char error[TOW_OPTIONS_ERROR_MAX]);

#endif
