/* The tree of a configuration file, in a build without libyaml. */
#include "config_tree.h"

#include <towline/error.h>

int tow_config_tree_read(tow_config_tree *tree, const char *file, const char *text, size_t length,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    (void)text, (void)length;
    *tree = (tow_config_tree){0};
    tow_option_complain(
        error, "%.100s: this build reads no configuration files: it was made without libyaml", file);
    return TOW_ERROR_UNSUPPORTED;
}

void tow_config_tree_clear(tow_config_tree *tree) {
    *tree = (tow_config_tree){0};
}
