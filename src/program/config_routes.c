#include "config_routes.h"

#include "option_entry.h"
#include "server/route.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>

enum { KEYS_MAX = 32 };

typedef struct reading {
    tow_route_plans *plans;
    const tow_config_scope *scope;
    char *error;
} reading;

static int complain_of_memory(const reading *now) {
    tow_option_complain(now->error, "%.100s: %s", now->scope->file, tow_strerror(TOW_ERROR_MEMORY));
    return TOW_ERROR_MEMORY;
}

/* Its path. */

static int path_find(const reading *now, const tow_config_node *route, const char **path) {
    const tow_config_node *value = tow_config_find(route, "path");
    const char *file = now->scope->file;
    if (value == NULL || value->type == TOW_CONFIG_NOTHING)
        return tow_config_complain(
            now->error, file, value != NULL ? value : route, "a route needs a path, such as path: /echo");
    if (!tow_route_path_is_valid(value->text))
        return tow_config_complain(now->error, file, value,
            "path: '%.60s' is not a path such as /echo, or /files/* for all below", value->text);
    const tow_route_plan *before = tow_route_plans_find(now->plans, value->text);
    if (before != NULL)
        return tow_config_complain(
            now->error, file, value, "path: %.60s is served already: %s", value->text, before->label);
    *path = value->text;
    return 0;
}

/* Its kind. */

/* What the rows of a route do not say: its path, and the kinds. */
static void keys_fill(const char *keys[KEYS_MAX]) {
    size_t count = 0;
    keys[count++] = "path";
    for (const tow_route_kind *row = tow_route_kinds; row->kind != NULL && count < KEYS_MAX - 1; row++)
        keys[count++] = row->kind->name;
    keys[count] = NULL;
}

/* The rows of a route, and what stands beside them. */
static int keys_take(const reading *now, tow_options *options, const tow_config_node *route) {
    const char *keys[KEYS_MAX];
    keys_fill(keys);
    return tow_config_take(options, route, now->scope, keys, now->error);
}

/* A key may be meant for a kind's name. */
static int complain_of_keys(const reading *now, const tow_config_node *route) {
    tow_options scratch;
    if (tow_options_init(&scratch, &tow_route_command) != 0)
        return complain_of_memory(now);
    int problem = keys_take(now, &scratch, route);
    tow_options_clear(&scratch);
    return problem;
}

static int complain_of_kinds(const reading *now, const tow_config_node *route) {
    int problem = complain_of_keys(now, route);
    if (problem != 0)
        return problem;
    char names[160] = "";
    for (const tow_route_kind *row = tow_route_kinds; row->kind != NULL; row++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "", row->kind->name);
    }
    return tow_config_complain(
        now->error, now->scope->file, route, "a route has one of %s; this has none", names);
}

/* The one key that is the name of a kind, with its value. */
static int kind_find(const reading *now, const tow_config_node *route, const tow_config_node **value) {
    *value = NULL;
    for (const tow_config_node *each = route->first; each != NULL; each = each->next) {
        if (tow_route_kind_find(each->key->text) == NULL)
            continue;
        if (*value != NULL)
            return tow_config_complain(now->error, now->scope->file, each->key,
                "%s: there is %s already, and a route has one of them", each->key->text, (*value)->key->text);
        *value = each;
    }
    return *value != NULL ? 0 : complain_of_kinds(now, route);
}

static bool says(const tow_config_node *value, const char *text) {
    return value->type == TOW_CONFIG_TEXT && strcmp(value->text, text) == 0;
}

/* Nothing, or true where no text has to stand. */
static bool is_default(const tow_config_node *value, const tow_route_kind *kind) {
    bool takes_true = kind->text == NULL || kind->is_text_needless;
    return value->type == TOW_CONFIG_NOTHING || (takes_true && says(value, "true"));
}

static bool is_text(const tow_config_node *value, const tow_route_kind *kind) {
    return value->type == TOW_CONFIG_TEXT && kind->text != NULL &&
           !(kind->is_text_needless && says(value, "false"));
}

static int handler_take(const reading *now, tow_route_plan *plan, const tow_config_node *value) {
    const tow_route_kind *kind = plan->kind;
    if (is_default(value, kind))
        return 0;
    if (value->type == TOW_CONFIG_MAP)
        return tow_config_take(&plan->handler, value, now->scope, NULL, now->error);
    if (is_text(value, kind))
        return tow_config_take_value(&plan->handler, kind->text, value, now->scope, now->error);
    return tow_config_complain(now->error, now->scope->file, value,
        "%s: it takes %s, or a map of options, not %.60s", kind->kind->name,
        kind->text != NULL ? kind->text : "true",
        value->type == TOW_CONFIG_TEXT ? value->text : tow_config_type_name(value->type));
}

/* All else. */

static bool has_option(const tow_options *options, const char *name) {
    return tow_option_entry_by_name(options, name, strlen(name)) != NULL;
}

/* An option of the kind that stands beside it is shown its place. */
static int places_check(const reading *now, const tow_route_plan *plan, const tow_config_node *route) {
    const char *kind = plan->kind->kind->name, *text = plan->kind->text;
    for (const tow_config_node *value = route->first; value != NULL; value = value->next) {
        const char *name = value->key->text;
        if (!has_option(&plan->handler, name) || has_option(&plan->route, name) ||
            tow_route_kind_find(name) != NULL)
            continue;
        return tow_config_complain(now->error, now->scope->file, value->key,
            "%s: this is an option of %s: write %s: {%s%s%s: ...}", name, kind, kind,
            text != NULL ? text : "", text != NULL ? ": ..., " : "", name);
    }
    return 0;
}

static int options_take(const reading *now, tow_route_plan *plan, const tow_config_node *route) {
    int problem = places_check(now, plan, route);
    if (problem == 0)
        problem = keys_take(now, &plan->route, route);
    if (problem == 0 && tow_route_plan_contradicts(plan, now->error))
        problem = TOW_ERROR_ARGUMENT;
    return problem;
}

static int plan_fill(
    const reading *now, tow_route_plan *plan, const tow_config_node *route, const tow_config_node *value) {
    const tow_option key = {.name = value->key->text};
    const tow_option_source source = {now->scope->file, value->line, value->column};
    tow_option_label(&key, &source, plan->label);
    int problem = handler_take(now, plan, value);
    return problem != 0 ? problem : options_take(now, plan, route);
}

static int plan_add(
    const reading *now, const char *path, const tow_config_node *route, const tow_config_node *value) {
    tow_route_plan *plan;
    assert(value != NULL);
    if (tow_route_plan_new(&plan, path, tow_route_kind_find(value->key->text)) != 0)
        return complain_of_memory(now);
    int problem = plan_fill(now, plan, route, value);
    if (problem == 0 && tow_route_plans_add(now->plans, plan) != 0)
        problem = complain_of_memory(now);
    if (problem != 0)
        tow_route_plan_release(plan);
    return problem;
}

static int route_read(const reading *now, const tow_config_node *route) {
    const tow_config_node *value;
    const char *path = NULL;
    if (route->type != TOW_CONFIG_MAP)
        return tow_config_complain(now->error, now->scope->file, route,
            "a route is a map, such as {path: /echo, echo: true}; this is %s",
            tow_config_type_name(route->type));
    if (now->plans->count == TOW_CONFIG_ROUTES_MAX)
        return tow_config_complain(
            now->error, now->scope->file, route, "more than %d routes", TOW_CONFIG_ROUTES_MAX);
    int problem = path_find(now, route, &path);
    if (problem == 0)
        problem = kind_find(now, route, &value);
    return problem != 0 ? problem : plan_add(now, path, route, value);
}

int tow_config_routes_read(tow_route_plans *plans, const tow_config_node *list, const tow_config_scope *scope,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    const reading now = {plans, scope, error};
    int problem = 0;
    plans->given = true;
    if (list->type != TOW_CONFIG_LIST)
        return tow_config_complain(error, scope->file, list, "routes: it takes a list of routes, not %s",
            tow_config_type_name(list->type));
    for (const tow_config_node *route = list->first; problem == 0 && route != NULL; route = route->next)
        problem = route_read(&now, route);
    return problem;
}
