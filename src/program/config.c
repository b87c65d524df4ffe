#include "config.h"

#include "config_routes.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* The folder of a file that is there, as an absolute name. */
static int folder_of(const char *file, char out[PATH_MAX], char error[TOW_OPTIONS_ERROR_MAX]) {
    const char *slash = strrchr(file, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + 1);
    bool found = folder != NULL && realpath(folder, out) != NULL;
    free(folder);
    if (found)
        return 0;
    tow_option_complain(error, "%.100s: %s", file, strerror(errno));
    return TOW_ERROR_SYSTEM;
}

static int tree_take(tow_options *options, tow_route_plans *plans, const tow_config_node *root,
    const tow_config_scope *scope, char error[TOW_OPTIONS_ERROR_MAX]) {
    static const char *const besides[] = {"routes", NULL};
    const tow_config_node *routes = tow_config_find(root, besides[0]);
    int problem = tow_config_take(options, root, scope, besides, error);
    return problem != 0 || routes == NULL ? problem : tow_config_routes_read(plans, routes, scope, error);
}

static int file_take(
    tow_options *options, tow_route_plans *plans, const char *file, char error[TOW_OPTIONS_ERROR_MAX]) {
    char folder[PATH_MAX];
    tow_config_tree tree = {0};
    int problem = tow_config_tree_open(&tree, file, error);
    if (problem == 0)
        problem = folder_of(file, folder, error);
    if (problem == 0)
        problem = tree_take(options, plans, tree.root, &(tow_config_scope){file, folder}, error);
    tow_config_tree_clear(&tree);
    return problem;
}

int tow_config_read(tow_options *options, tow_route_plans *plans, const tow_options *given, const char *file,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    int problem = tow_options_init(options, given->command);
    *plans = (tow_route_plans){0};
    if (problem != 0) {
        tow_option_complain(error, "%s", tow_strerror(problem));
        return problem;
    }
    if (tow_options_take_words(options, given->words, error) != TOW_OPTIONS_RUN)
        problem = TOW_ERROR_MEMORY; /* they were right when they were given */
    if (problem == 0)
        problem = file_take(options, plans, file, error);
    if (problem != 0) {
        tow_route_plans_clear(plans);
        tow_options_clear(options);
    }
    return problem;
}
