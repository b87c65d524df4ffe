/* config_items: a list of maps in a configuration file, each of which is a set of options with the same rows:
 * channels, say. */
#ifndef TOW_PROGRAM_CONFIG_ITEMS_H
#define TOW_PROGRAM_CONFIG_ITEMS_H

#include "base/buffer.h"
#include "config_take.h"

enum { TOW_CONFIG_ITEMS_MAX = 1000 };

typedef struct tow_config_items { /* zeroed: none */
    tow_options **items;
    size_t count;
} tow_config_items;

/* Reads them; `command` has the rows. Errors: ARGUMENT, MEMORY; error[] then holds one line with the place.
 */
int tow_config_items_read(tow_config_items *items, const tow_config_node *list, const tow_command *command,
    const tow_config_scope *scope, char error[TOW_OPTIONS_ERROR_MAX]);

void tow_config_items_clear(tow_config_items *items);

#endif
