#include "route_plan.h"

#include "handler/field_text.h"
#include "option_effect.h"
#include "option_entry.h"
#include "option_same.h"
#include "protocol/opening.h"
#include "service_rules.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static const tow_option no_rows[] = {{0}};

static const tow_route_settings *settings_of(const tow_route_plan *plan) {
    return plan->route.settings;
}

static void handler_free(tow_route_plan *plan) {
    const tow_handler *made = &plan->made;
    if (plan->is_made && made->on_free != NULL)
        made->on_free(made->free_user != NULL ? made->free_user : made->user);
    plan->is_made = false;
}

static void destroy(tow_route_plan *plan) {
    handler_free(plan);
    tow_guard_release(plan->guard);
    tow_options_clear(&plan->route);
    tow_options_clear(&plan->handler);
    free(plan->fields);
    for (size_t i = 0; i < TOW_ROUTE_PATHS_MAX - 1; i++)
        free(plan->further[i]);
    free(plan->path);
    free(plan);
}

static int fill(tow_route_plan *plan, const char *path) {
    const tow_option *rows = plan->kind->kind->options;
    plan->sections[0].options = rows != NULL ? rows : no_rows;
    plan->command = (tow_command){.name = plan->kind->kind->name,
        .operands = "",
        .sections = plan->sections,
        .settings_size = plan->kind->settings_size + 1};
    plan->path = strdup(path);
    int error = plan->path == NULL ? TOW_ERROR_MEMORY : tow_options_init(&plan->route, &tow_route_command);
    return error != 0 ? error : tow_options_init(&plan->handler, &plan->command);
}

int tow_route_plan_new(tow_route_plan **out, const char *path, const tow_route_kind *kind) {
    tow_route_plan *plan = calloc(1, sizeof(*plan));
    if (plan == NULL)
        return TOW_ERROR_MEMORY;
    plan->kind = kind;
    atomic_init(&plan->holders, 1);
    atomic_init(&plan->routes, 0);
    int error = fill(plan, path);
    if (error != 0)
        destroy(plan);
    else
        *out = plan;
    return error;
}

tow_route_plan *tow_route_plan_retain(tow_route_plan *plan) {
    atomic_fetch_add_explicit(&plan->holders, 1, memory_order_relaxed);
    return plan;
}

void tow_route_plan_release(tow_route_plan *plan) {
    if (plan != NULL && atomic_fetch_sub_explicit(&plan->holders, 1, memory_order_acq_rel) == 1)
        destroy(plan);
}

int tow_route_plan_add_path(tow_route_plan *plan, const char *path) {
    size_t i = 0;
    while (plan->further[i] != NULL)
        i++;
    assert(i < TOW_ROUTE_PATHS_MAX - 1);
    plan->further[i] = strdup(path);
    return plan->further[i] != NULL ? 0 : TOW_ERROR_MEMORY;
}

const char *tow_route_plan_path(const tow_route_plan *plan, size_t number) {
    if (number == 0)
        return plan->path;
    return number < TOW_ROUTE_PATHS_MAX ? plan->further[number - 1] : NULL;
}

/* Contradictions. */

static bool complain(
    const tow_route_plan *plan, const char *name, const char *text, char error[TOW_OPTIONS_ERROR_MAX]) {
    char label[TOW_OPTION_LABEL_MAX];
    const tow_option option = {.name = name};
    tow_option_label(&option, tow_options_source(&plan->route, name), label);
    snprintf(error, TOW_OPTIONS_ERROR_MAX, "%s: %s", label, text);
    return true;
}

bool tow_route_plan_contradicts(const tow_route_plan *plan, char error[TOW_OPTIONS_ERROR_MAX]) {
    const tow_route_settings *settings = settings_of(plan);
    if (settings->any_origin && settings->allow_origins != NULL)
        return complain(
            plan, "any-origin", "there is allow-origin already: leave one of the two away", error);
    if (!tow_opening_protocols_are_valid(settings->protocols))
        return complain(plan, "subprotocol", "one stands twice", error);
    return tow_options_without_effect(&plan->handler, error) ||
           tow_guard_contradicts(&plan->route, &settings->guard, error) ||
           tow_limits_contradict(&plan->route, &settings->limits, error);
}

static bool paths_are_same(const tow_route_plan *one, const tow_route_plan *other) {
    const char *path, *its;
    for (size_t i = 0; (path = tow_route_plan_path(one, i)) != NULL; i++) {
        its = tow_route_plan_path(other, i);
        if (its == NULL || strcmp(path, its) != 0)
            return false;
    }
    return true;
}

bool tow_route_plans_are_same(const tow_route_plan *one, const tow_route_plan *other) {
    return one->kind == other->kind && paths_are_same(one, other) && paths_are_same(other, one) &&
           tow_options_are_same(&one->route, &other->route) &&
           tow_options_are_same(&one->handler, &other->handler);
}

bool tow_route_plans_let_in_the_same(const tow_route_plan *one, const tow_route_plan *other) {
    return one->with_origins == other->with_origins && tow_options_are_same(&one->route, &other->route);
}

/* The handler. */

/* What the route says goes before what its handler does. */
static void dress(tow_route_plan *plan) {
    const tow_route_settings *settings = settings_of(plan);
    tow_handler *handler = &plan->made;
    if (settings->any_origin || settings->allow_origins != NULL || plan->with_origins)
        handler->any_origin = settings->any_origin;
    if (settings->allow_origins != NULL)
        handler->allow_origins = settings->allow_origins;
    if (settings->hosts != NULL)
        handler->hosts = settings->hosts;
    if (settings->protocols != NULL) {
        handler->protocols = settings->protocols;
        handler->on_select = NULL;
    }
    handler->keep_request |= settings->keep_request;
    handler->fields = plan->fields;
    tow_limits_overlay(&handler->limits, &settings->limits);
    if (handler->on_free == NULL)
        handler->on_free = plan->kind->kind->free;
}

/* The file with its code; NULL: it has none. */
static const char *code_of(const tow_route_plan *plan) {
    const tow_option_entry *entry = plan->kind->is_code ? tow_option_entry_by_name(&plan->handler,
                                                              plan->kind->text, strlen(plan->kind->text))
                                                        : NULL;
    return entry != NULL ? tow_option_text_of(&plan->handler, &entry->option) : NULL;
}

static struct stat stamp_of(const tow_route_plan *plan) {
    const char *file = code_of(plan);
    struct stat stamp = {0};
    if (file == NULL || stat(file, &stamp) != 0)
        return (struct stat){0};
    return stamp;
}

bool tow_route_plan_is_current(const tow_route_plan *plan, bool with_origins) {
    const struct stat now = stamp_of(plan);
    const struct stat *then = &plan->stamp;
    bool is_same_code = now.st_ino == then->st_ino && now.st_size == then->st_size &&
                        now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
                        now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
    bool judges_the_same = plan->with_origins == with_origins || !plan->kind->is_code;
    return plan->is_made && !plan->is_missing && is_same_code && judges_the_same &&
           (!tow_route_plan_is_late(plan) || plan->is_loading);
}

bool tow_route_plan_is_late(const tow_route_plan *plan) {
    return plan->kind->is_late && !plan->is_adopted;
}

void tow_route_plan_adopt(tow_route_plan *plan, const tow_handler *handler) {
    plan->made = *handler;
    plan->is_adopted = true;
    dress(plan);
}

/* Its own guard, or that of all, unless it has one of before. */
static int guard_make(tow_route_plan *plan, const tow_route_guards *guards, char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_guard_settings *settings = &settings_of(plan)->guard;
    if (plan->guard != NULL)
        return 0;
    if (tow_guard_settings_say(settings))
        return tow_guard_new(&plan->guard, guards->admission, settings, why);
    plan->guard = tow_guard_retain(guards->guard);
    return 0;
}

static int make(tow_route_plan *plan, const tow_handler_place *place, const tow_route_guards *guards,
    char why[TOW_HANDLER_TEXT_MAX]) {
    plan->fields = tow_field_texts_read(settings_of(plan)->fields);
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (plan->fields == NULL)
        return TOW_ERROR_MEMORY;
    int problem = guard_make(plan, guards, why);
    return problem != 0 ? problem : plan->kind->kind->make(&plan->made, plan->handler.settings, place, why);
}

/* The file that has the option which a kind needs most; NULL: it stands on the command line, or nowhere. */
static const char *config_of(const tow_route_plan *plan) {
    const char *text = plan->kind->text;
    const tow_option_source *source = text != NULL ? tow_options_source(&plan->handler, text) : NULL;
    return source != NULL ? source->file : NULL;
}

int tow_route_plan_make(tow_route_plan *plan, const tow_handler_place *place, const tow_route_guards *guards,
    bool with_origins, char error[TOW_OPTIONS_ERROR_MAX]) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler_place here = *place;
    here.path = plan->path;
    here.config = config_of(plan);
    here.protocols = settings_of(plan)->protocols;
    plan->with_origins = with_origins;
    plan->stamp = stamp_of(plan);
    int problem = make(plan, &here, guards, why);
    if (problem != 0) {
        tow_option_complain(error, "%s%s%s", plan->label, plan->label[0] != '\0' ? ": " : "", why);
        return problem;
    }
    plan->is_made = true;
    dress(plan);
    return 0;
}

static void route_gone(void *user) {
    tow_route_plan *plan = user;
    if (atomic_fetch_sub_explicit(&plan->routes, 1, memory_order_acq_rel) == 1)
        handler_free(plan);
    tow_route_plan_release(plan);
}

static void stand_in_gone(void *user) {
    tow_route_plan_release(user);
}

/* A server, or a change of it. */
typedef struct destination {
    tow_server *server;
    tow_server_change *change;
} destination;

static int path_serve(tow_route_plan *plan, const destination *to, const char *path) {
    tow_handler handler = plan->made;
    const int counts = tow_route_plan_is_late(plan) ? 0 : 1;
    handler.on_free = counts == 0 ? stand_in_gone : route_gone;
    handler.free_user = tow_route_plan_retain(plan);
    atomic_fetch_add_explicit(&plan->routes, counts, memory_order_relaxed);
    int error = tow_guard_dress(plan->guard, &handler);
    if (error == 0) {
        error = to->change != NULL ? tow_server_change_route(to->change, path, &handler)
                                   : tow_server_route(to->server, path, &handler);
        if (error != 0)
            tow_guard_undress(&handler);
    }
    if (error != 0) {
        atomic_fetch_sub_explicit(&plan->routes, counts, memory_order_relaxed);
        tow_route_plan_release(plan);
    }
    return error;
}

static int paths_serve(tow_route_plan *plan, const destination *to) {
    const char *path;
    int error = 0;
    for (size_t i = 0; error == 0 && (path = tow_route_plan_path(plan, i)) != NULL; i++)
        error = path_serve(plan, to, path);
    /* What was let go there was retained there. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    plan->is_missing = error != 0;
    return error;
}

int tow_route_plan_serve(tow_route_plan *plan, tow_server *server) {
    return paths_serve(plan, &(destination){.server = server});
}

int tow_route_plan_change(tow_route_plan *plan, tow_server_change *change) {
    return paths_serve(plan, &(destination){.change = change});
}

/* Several. */

int tow_route_plans_add(tow_route_plans *plans, tow_route_plan *plan) {
    tow_route_plan **items = realloc(plans->items, (plans->count + 1) * sizeof(tow_route_plan *));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    plans->items = items;
    plans->items[plans->count++] = plan;
    return 0;
}

static bool has_path(const tow_route_plan *plan, const char *path) {
    const char *own;
    for (size_t i = 0; (own = tow_route_plan_path(plan, i)) != NULL; i++)
        if (strcmp(own, path) == 0)
            return true;
    return false;
}

tow_route_plan *tow_route_plans_find(const tow_route_plans *plans, const char *path) {
    for (size_t i = 0; i < plans->count; i++)
        if (has_path(plans->items[i], path))
            return plans->items[i];
    return NULL;
}

void tow_route_plans_clear(tow_route_plans *plans) {
    for (size_t i = 0; i < plans->count; i++)
        tow_route_plan_release(plans->items[i]);
    free(plans->items);
    *plans = (tow_route_plans){0};
}
