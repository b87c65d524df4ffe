/* config_file: a configuration file, read as a tree. */
#ifndef TOW_PROGRAM_CONFIG_FILE_H
#define TOW_PROGRAM_CONFIG_FILE_H

#include "config_tree.h"

/* Errors: as tow_config_tree_read, SYSTEM. */
int tow_config_tree_open(tow_config_tree *tree, const char *file, char error[TOW_OPTIONS_ERROR_MAX]);

#endif
