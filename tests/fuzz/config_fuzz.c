/* Any bytes as a configuration file of `towline serve`: read, or refused with one line that names the file.
 */
#include "fuzz.h"

#include "config_take.h"
#include "option_table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char error[TOW_OPTIONS_ERROR_MAX] = "";
    tow_options options;
    tow_config_tree tree;
    CHECK(tow_options_init(&options, &tow_serve_command) == 0);
    int problem = tow_config_tree_read(&tree, "a.yaml", (const char *)data, size, error);
    if (problem == 0)
        problem = tow_config_take(&options, tree.root, &(tow_config_scope){"a.yaml", "/tmp"}, NULL, error);
    CHECK((problem == 0) == (error[0] == '\0'));
    CHECK(problem == 0 || strncmp(error, "a.yaml:", 7) == 0);
    tow_config_tree_clear(&tree);
    tow_options_clear(&options);
    return 0;
}
