#include "pusher_apps.h"

#include "handler/pusher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { APPS_MAX = 1000, KEYS_MAX = 128 };

static const tow_route_kind app_kind = {
    .kind = &tow_pusher_kind, .settings_size = sizeof(tow_pusher_settings)};
static const tow_route_kind unknown_kind = {.kind = &tow_pusher_unknown_kind};

bool tow_route_plan_is_pusher_app(const tow_route_plan *plan) {
    return plan->kind == &app_kind;
}

static int complain_of_memory(char error[TOW_OPTIONS_ERROR_MAX]) {
    tow_option_complain(error, "%s", tow_strerror(TOW_ERROR_MEMORY));
    return TOW_ERROR_MEMORY;
}

/* A plan that has its paths, all of which nobody else serves. */

static int paths_add(tow_route_plan *plan, const tow_route_plans *plans, char error[TOW_OPTIONS_ERROR_MAX]) {
    char path[TOW_PUSHER_PATH_MAX];
    for (size_t i = 0; tow_pusher_path(plan->handler.settings, i, path); i++) {
        const tow_route_plan *before = tow_route_plans_find(plans, path);
        if (before != NULL)
            return tow_option_complain(
                error, "%s: %s is served already: %s", plan->label, path, before->label);
        if (i > 0 && tow_route_plan_add_path(plan, path) != 0)
            return complain_of_memory(error);
    }
    return 0;
}

/* Takes the plan over, also when it fails. */
static int plan_add(tow_route_plans *plans, tow_route_plan *plan, char error[TOW_OPTIONS_ERROR_MAX]) {
    int problem = paths_add(plan, plans, error);
    if (problem == 0 && tow_route_plans_add(plans, plan) != 0)
        problem = complain_of_memory(error);
    if (problem != 0)
        tow_route_plan_release(plan);
    return problem;
}

static int plan_new(tow_route_plan **plan, const char *key, char error[TOW_OPTIONS_ERROR_MAX]) {
    const tow_pusher_settings settings = {.key = key, .id = ""};
    char path[TOW_PUSHER_PATH_MAX];
    (void)tow_pusher_path(&settings, 0, path);
    if (tow_route_plan_new(plan, path, &app_kind) != 0)
        return complain_of_memory(error);
    (*plan)->is_implied = true;
    return 0;
}

/* From a file. */

/* Names of the rows of a command; they end with NULL. */
static void names_of(const tow_command *command, const char *names[KEYS_MAX]) {
    tow_option option;
    size_t count = 0;
    for (size_t i = 0; count < KEYS_MAX - 1 && tow_command_option(command, i, &option); i++)
        if (option.name != NULL)
            names[count++] = option.name;
    names[count] = NULL;
}

/* An app's keys are its own and those of any route. */
static int options_take(tow_route_plan *plan, const tow_config_node *app, const tow_config_scope *scope,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    const char *own[KEYS_MAX], *routes[KEYS_MAX];
    names_of(plan->handler.command, own);
    names_of(plan->route.command, routes);
    int problem = tow_config_take(&plan->handler, app, scope, routes, error);
    if (problem == 0)
        problem = tow_config_take(&plan->route, app, scope, own, error);
    if (problem == 0 && tow_route_plan_contradicts(plan, error))
        problem = TOW_ERROR_ARGUMENT;
    return problem;
}

static int keys_check(
    const tow_config_node *app, const tow_config_scope *scope, char error[TOW_OPTIONS_ERROR_MAX]) {
    static const char *const needed[] = {"id", "key", "secret"};
    if (app->type != TOW_CONFIG_MAP)
        return tow_config_complain(error, scope->file, app,
            "pusher: an app is a map, such as {id: 1, key: my-key, secret: FILE}; this is %s",
            tow_config_type_name(app->type));
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (tow_config_find(app, needed[i]) == NULL)
            return tow_config_complain(error, scope->file, app,
                "pusher: an app needs an id, a key and a secret; this has no %s", needed[i]);
    return 0;
}

static int app_read(tow_route_plans *plans, const tow_config_node *app, const tow_config_scope *scope,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    static const tow_option label = {.name = "pusher"};
    const tow_option_source source = {scope->file, app->line, app->column};
    tow_route_plan *plan;
    int problem = keys_check(app, scope, error);
    if (problem == 0)
        problem = plan_new(&plan, tow_config_find(app, "key")->text, error);
    if (problem != 0)
        return problem;
    tow_option_label(&label, &source, plan->label);
    problem = options_take(plan, app, scope, error);
    if (problem == 0)
        return plan_add(plans, plan, error);
    tow_route_plan_release(plan);
    return problem;
}

int tow_pusher_apps_read(tow_route_plans *plans, const tow_config_node *list, const tow_config_scope *scope,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    size_t count = 0;
    int problem = 0;
    if (list->type != TOW_CONFIG_LIST)
        return tow_config_complain(error, scope->file, list, "pusher: it takes a list of apps, not %s",
            tow_config_type_name(list->type));
    for (const tow_config_node *app = list->first; problem == 0 && app != NULL; app = app->next)
        problem = count++ == APPS_MAX
                      ? tow_config_complain(error, scope->file, app, "pusher: more than %d apps", APPS_MAX)
                      : app_read(plans, app, scope, error);
    return problem;
}

/* From the command line: ID:KEY:FILE. */

static int part_take(tow_route_plan *plan, const char *name, const char *part, size_t length,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    static const tow_option_source nowhere = {0};
    char *text = strndup(part, length);
    int problem = text == NULL ? complain_of_memory(error)
                               : tow_options_take(&plan->handler, name, text, nowhere, error);
    free(text);
    return problem;
}

static int text_read(tow_route_plan **plan, const char *text, char error[TOW_OPTIONS_ERROR_MAX]) {
    const char *key = strchr(text, ':') + 1;
    const char *file = strchr(key, ':') + 1;
    const size_t key_length = (size_t)(file - key) - 1;
    char *path_key = strndup(key, key_length);
    int problem = path_key == NULL ? complain_of_memory(error) : plan_new(plan, path_key, error);
    free(path_key);
    if (problem != 0)
        return problem;
    snprintf((*plan)->label, sizeof((*plan)->label), "--pusher-app");
    problem = part_take(*plan, "id", text, (size_t)(key - text) - 1, error);
    if (problem == 0)
        problem = part_take(*plan, "key", key, key_length, error);
    if (problem == 0)
        problem = part_take(*plan, "secret", file, strlen(file), error);
    if (problem != 0)
        tow_route_plan_release(*plan);
    return problem;
}

/* Whether the row of this name takes the text. */
static bool row_takes(const char *name, const char *text, size_t length) {
    char copy[128];
    const tow_option *row = tow_pusher_rows;
    while (strcmp(row->name, name) != 0)
        row++;
    if (length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return row->check(copy) == 0;
}

int tow_pusher_app_check(const char *text) {
    const char *first = strchr(text, ':');
    const char *second = first == NULL ? NULL : strchr(first + 1, ':');
    if (second == NULL || second[1] == '\0')
        return TOW_ERROR_ARGUMENT;
    return row_takes("id", text, (size_t)(first - text)) &&
                   row_takes("key", first + 1, (size_t)(second - first) - 1)
               ? 0
               : TOW_ERROR_ARGUMENT;
}

bool tow_route_plans_have_pusher_app(const tow_route_plans *plans) {
    for (size_t i = 0; i < plans->count; i++)
        if (tow_route_plan_is_pusher_app(plans->items[i]))
            return true;
    return false;
}

/* Whether somebody serves all that is below a folder, of which servers of apps ask. */
static bool has_api_path(const tow_route_plans *plans) {
    return tow_route_plans_find(plans, "/*") != NULL ||
           tow_route_plans_find(plans, TOW_PUSHER_UNKNOWN_API_PATH) != NULL;
}

static int unknown_add(tow_route_plans *plans, char error[TOW_OPTIONS_ERROR_MAX]) {
    tow_route_plan *plan;
    if (!tow_route_plans_have_pusher_app(plans) ||
        tow_route_plans_find(plans, TOW_PUSHER_UNKNOWN_PATH) != NULL)
        return 0;
    if (tow_route_plan_new(&plan, TOW_PUSHER_UNKNOWN_PATH, &unknown_kind) != 0)
        return complain_of_memory(error);
    plan->is_implied = true;
    if (tow_route_plan_add_path(plan, TOW_PUSHER_UNKNOWN_CARRIED_PATH) == 0 &&
        (has_api_path(plans) || tow_route_plan_add_path(plan, TOW_PUSHER_UNKNOWN_API_PATH) == 0) &&
        tow_route_plans_add(plans, plan) == 0)
        return 0;
    tow_route_plan_release(plan);
    return complain_of_memory(error);
}

int tow_pusher_apps_complete(
    tow_route_plans *plans, const char *const *texts, char error[TOW_OPTIONS_ERROR_MAX]) {
    int problem = 0;
    for (; problem == 0 && texts != NULL && *texts != NULL; texts++) {
        tow_route_plan *plan = NULL;
        problem = text_read(&plan, *texts, error);
        if (problem == 0)
            problem = plan_add(plans, plan, error);
    }
    return problem != 0 ? problem : unknown_add(plans, error);
}
