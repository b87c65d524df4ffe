#include "config_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>

int tow_config_complain(char error[TOW_OPTIONS_ERROR_MAX], const char *file, const tow_config_node *node,
    const char *format, ...) {
    va_list arguments;
    int used = snprintf(error, TOW_OPTIONS_ERROR_MAX, "%.100s:%zu:%zu: ", file, node->line, node->column);
    va_start(arguments, format);
    vsnprintf(error + used, TOW_OPTIONS_ERROR_MAX - (size_t)used, format, arguments);
    va_end(arguments);
    return TOW_ERROR_ARGUMENT;
}

const char *tow_config_type_name(tow_config_type type) {
    static const char *const names[] = {"nothing", "a text", "a list", "a map"};
    return names[type];
}

const tow_config_node *tow_config_find(const tow_config_node *map, const char *key) {
    for (const tow_config_node *node = map->first; node != NULL; node = node->next)
        if (strcmp(node->key->text, key) == 0)
            return node;
    return NULL;
}
