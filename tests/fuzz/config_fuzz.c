/* Any bytes as a configuration file of `towline serve`: read, or refused with one line that names the file.
 */
#include "fuzz.h"

#include "config_routes.h"
#include "option_table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char error[TOW_OPTIONS_ERROR_MAX] = "";
    tow_options options;
    tow_config_tree tree;
    CHECK(tow_options_init(&options, &tow_serve_command) == 0);
    static const char *const besides[] = {"routes", NULL};
    static const tow_config_scope scope = {"a.yaml", "/tmp"};
    tow_route_plans plans = {0};
    int problem = tow_config_tree_read(&tree, "a.yaml", (const char *)data, size, error);
    const tow_config_node *routes = problem == 0 ? tow_config_find(tree.root, besides[0]) : NULL;
    if (problem == 0)
        problem = tow_config_take(&options, tree.root, &scope, besides, error);
    if (problem == 0 && routes != NULL)
        problem = tow_config_routes_read(&plans, routes, &scope, error);
    CHECK((problem == 0) == (error[0] == '\0'));
    CHECK(problem == 0 || strncmp(error, "a.yaml:", 7) == 0);
    tow_route_plans_clear(&plans);
    tow_config_tree_clear(&tree);
    tow_options_clear(&options);
    return 0;
}
