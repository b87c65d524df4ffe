#include "config_items.h"

#include <stdlib.h>
#include <towline/error.h>

static int complain_of_memory(const tow_config_scope *scope, char error[TOW_OPTIONS_ERROR_MAX]) {
    tow_option_complain(error, "%.100s: %s", scope->file, tow_strerror(TOW_ERROR_MEMORY));
    return TOW_ERROR_MEMORY;
}

/* One more, which holds the defaults. NULL: there is no memory. */
static tow_options *item_add(tow_config_items *items, const tow_command *command) {
    tow_options **grown = realloc(items->items, (items->count + 1) * sizeof(tow_options *));
    if (grown == NULL)
        return NULL;
    items->items = grown;
    tow_options *item = calloc(1, sizeof(*item));
    if (item == NULL || tow_options_init(item, command) != 0) {
        free(item);
        return NULL;
    }
    return items->items[items->count++] = item;
}

static int item_read(tow_config_items *items, const tow_config_node *map, const tow_command *command,
    const tow_config_scope *scope, char error[TOW_OPTIONS_ERROR_MAX]) {
    if (map->type != TOW_CONFIG_MAP)
        return tow_config_complain(error, scope->file, map, "a %s is a map, such as {name: a}; this is %s",
            command->name, tow_config_type_name(map->type));
    if (items->count == TOW_CONFIG_ITEMS_MAX)
        return tow_config_complain(error, scope->file, map, "more than %d of these", TOW_CONFIG_ITEMS_MAX);
    tow_options *item = item_add(items, command);
    return item == NULL ? complain_of_memory(scope, error) : tow_config_take(item, map, scope, NULL, error);
}

int tow_config_items_read(tow_config_items *items, const tow_config_node *list, const tow_command *command,
    const tow_config_scope *scope, char error[TOW_OPTIONS_ERROR_MAX]) {
    int problem = 0;
    if (list->type != TOW_CONFIG_LIST)
        return tow_config_complain(error, scope->file, list, "%s: it takes a list of maps, not %s",
            list->key->text, tow_config_type_name(list->type));
    for (const tow_config_node *map = list->first; problem == 0 && map != NULL; map = map->next)
        problem = item_read(items, map, command, scope, error);
    return problem;
}

void tow_config_items_clear(tow_config_items *items) {
    for (size_t i = 0; i < items->count; i++) {
        tow_options_clear(items->items[i]);
        free(items->items[i]);
    }
    free(items->items);
    *items = (tow_config_items){0};
}
