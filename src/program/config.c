#include "config.h"

#include "channels.h"
#include "config_file.h"
#include "config_routes.h"
#include "pusher_apps.h"

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

/* What is read. */
typedef struct reading {
    tow_options *options;
    tow_route_plans *plans; /* NULL: there are options only, and other lists are unknown keys */
    tow_config_items *channels;
    char *error;
} reading;

static int channels_take(const reading *now, const tow_config_node *list, const tow_config_scope *scope) {
    int problem = tow_config_items_read(now->channels, list, &tow_channel_command, scope, now->error);
    if (problem == 0 && tow_channel_items_contradict(now->channels, now->error))
        problem = TOW_ERROR_ARGUMENT;
    return problem;
}

static int tree_take(const reading *now, const tow_config_node *root, const tow_config_scope *scope) {
    static const char *const besides[] = {"routes", "channels", "pusher", NULL}, *const nothing[] = {NULL};
    if (now->plans == NULL)
        return tow_config_take(now->options, root, scope, nothing, now->error);
    const tow_config_node *routes = tow_config_find(root, besides[0]);
    const tow_config_node *channels = tow_config_find(root, besides[1]);
    const tow_config_node *apps = tow_config_find(root, besides[2]);
    int problem = tow_config_take(now->options, root, scope, besides, now->error);
    if (problem == 0 && routes != NULL)
        problem = tow_config_routes_read(now->plans, routes, scope, now->error);
    if (problem == 0 && apps != NULL)
        problem = tow_pusher_apps_read(now->plans, apps, scope, now->error);
    return problem != 0 || channels == NULL ? problem : channels_take(now, channels, scope);
}

static int file_take(const reading *now, const char *file) {
    char folder[PATH_MAX];
    tow_config_tree tree = {0};
    int problem = tow_config_tree_open(&tree, file, now->error);
    if (problem == 0)
        problem = folder_of(file, folder, now->error);
    if (problem == 0)
        problem = tree_take(now, tree.root, &(tow_config_scope){file, folder});
    tow_config_tree_clear(&tree);
    return problem;
}

static int read_file(const reading *now, const tow_options *given, const char *file) {
    int problem = tow_options_init(now->options, given->command);
    if (problem != 0) {
        tow_option_complain(now->error, "%s", tow_strerror(problem));
        return problem;
    }
    if (tow_options_take_words(now->options, given->words, now->error) != TOW_OPTIONS_RUN)
        problem = TOW_ERROR_MEMORY; /* they were right when they were given */
    if (problem == 0)
        problem = file_take(now, file);
    if (problem != 0)
        tow_options_clear(now->options);
    return problem;
}

int tow_config_read(tow_options *options, tow_route_plans *plans, tow_config_items *channels,
    const tow_options *given, const char *file, char error[TOW_OPTIONS_ERROR_MAX]) {
    const reading now = {options, plans, channels, error};
    *plans = (tow_route_plans){0};
    *channels = (tow_config_items){0};
    int problem = read_file(&now, given, file);
    if (problem != 0) {
        tow_route_plans_clear(plans);
        tow_config_items_clear(channels);
    }
    return problem;
}

int tow_config_read_options(
    tow_options *options, const tow_options *given, const char *file, char error[TOW_OPTIONS_ERROR_MAX]) {
    const reading now = {.options = options, .error = error};
    return read_file(&now, given, file);
}
