#include "serve_reload.h"

#include "config.h"
#include "option_same.h"
#include "serve_routes.h"
#include "server/change.h"
#include "service_options.h"
#include "service_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

typedef struct reloading {
    tow_served_config *served;
    tow_serving *serving;
    tow_options options;
    tow_route_plans plans;
    tow_config_items channels;
    size_t fresh; /* routes that are new or changed */
    size_t gone;
    tow_terms *terms; /* who may come in, by the server's own options; NULL: as before */
    tow_server_change *change;
    tow_channel_table *table;
    tow_carried_paths carried; /* more of them */
    char error[TOW_OPTIONS_ERROR_MAX];
} reloading;

static const tow_serve_settings *settings_of(const tow_options *options) {
    return options->settings;
}

static const tow_options *before(const reloading *now) {
    return now->served->latest.count > 0 ? &now->served->latest : now->served->first;
}

/* What can change at all. */

static bool has_row(const tow_option *rows, const char *name) {
    for (; rows->name != NULL; rows++)
        if (strcmp(rows->name, name) == 0)
            return true;
    return false;
}

static bool can_change(const char *name) {
    static const char *const names[] = {"allow-origin", "host", "certificate", "key", "document-root"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return has_row(tow_service_limit_rows, name) || has_row(tow_service_compression_rows, name) ||
           has_row(tow_guard_rows, name);
}

static void tell_of_the_next_start(const reloading *now) {
    tow_option option;
    for (size_t i = 0; tow_command_option(now->options.command, i, &option); i++) {
        if (option.name == NULL || can_change(option.name) ||
            tow_option_is_same(now->served->first, &now->options, &option))
            continue;
        char label[TOW_OPTION_LABEL_MAX];
        const tow_option_source *source = tow_options_source(&now->options, option.name);
        if (source == NULL)
            source = tow_options_source(now->served->first, option.name); /* it was taken away */
        tow_option_label(&option, source, label);
        tow_service_say(&now->serving->service, TOW_LOG_NOTICE, "%s: takes effect at the next start", label);
    }
}

/* Routes. */

/* What is served until a late one comes has to hear of it when who may come in changes. */
static void keep_guard(const tow_route_plan *old, tow_route_plan *plan, bool with_origins) {
    plan->with_origins = with_origins;
    if (old != NULL && tow_route_plan_is_late(plan) && tow_route_plans_let_in_the_same(old, plan))
        plan->guard = tow_guard_retain(old->guard);
}

/* Those that are as they were take the place of what was read now. */
static void keep_what_is_the_same(reloading *now) {
    bool with_origins = settings_of(&now->options)->server.allow_origins != NULL;
    for (size_t i = 0; i < now->plans.count; i++) {
        tow_route_plan *old = tow_route_plans_find(&now->served->plans, now->plans.items[i]->path);
        if (old == NULL || !tow_route_plans_are_same(old, now->plans.items[i]) ||
            !tow_route_plan_is_current(old, with_origins)) {
            now->fresh++;
            keep_guard(old, now->plans.items[i], with_origins);
            continue;
        }
        tow_route_plan_release(now->plans.items[i]);
        now->plans.items[i] = tow_route_plan_retain(old);
    }
}

static int routes_make(reloading *now) {
    const tow_handler_place place = tow_serving_place(now->serving);
    keep_what_is_the_same(now);
    return tow_serve_routes_make(&now->plans, &place, &now->served->guards, &now->options, now->error);
}

/* What is built in gives way to a file in the folder of handlers, and comes back when that goes. */
static bool is_replaced(const reloading *now, const tow_route_plan *plan) {
    return plan->is_implied && tow_handlers_serve(now->served->handlers, plan->path);
}

/* Not what is served, and not what comes later where something is that lets in no others. */
static bool is_to_be_served(const reloading *now, const tow_route_plan *plan) {
    const tow_route_plan *old = tow_route_plans_find(&now->served->plans, plan->path);
    if (old == plan || is_replaced(now, plan))
        return false;
    return old == NULL || old->is_missing || !tow_route_plan_is_late(plan) ||
           !tow_route_plans_let_in_the_same(old, plan);
}

/* Those that nothing has any more. */
static void paths_leave(const reloading *now, const tow_route_plan *old) {
    const char *path;
    for (size_t i = 0; (path = tow_route_plan_path(old, i)) != NULL; i++)
        if (tow_route_plans_find(&now->plans, path) == NULL && !is_replaced(now, old))
            tow_server_change_unroute(now->change, path);
}

static int routes_prepare(reloading *now) {
    const tow_route_plans *old = &now->served->plans;
    for (size_t i = 0; i < now->plans.count; i++) {
        tow_route_plan *plan = now->plans.items[i];
        int error = is_to_be_served(now, plan) ? tow_route_plan_change(plan, now->change) : 0;
        if (error != 0) {
            tow_option_complain(now->error, "%s: %s", plan->path, tow_strerror(error));
            return error;
        }
    }
    for (size_t i = 0; i < old->count; i++) {
        if (tow_route_plans_find(&now->plans, old->items[i]->path) == NULL)
            now->gone++;
        paths_leave(now, old->items[i]);
    }
    return 0;
}

static int carried_prepare(reloading *now) {
    const tow_engineio_settings *settings = &settings_of(&now->options)->engineio;
    int error = tow_carried_paths_make(
        &now->carried, &now->served->carried, now->serving->server, settings, &now->plans);
    if (error != 0)
        tow_option_complain(now->error, "Engine.IO: %s", tow_strerror(error));
    return error;
}

/* The server's own options. */

static bool is_same(const reloading *now, const char *name) {
    tow_option option;
    size_t i = 0;
    while (tow_command_option(now->options.command, i, &option) &&
           (option.name == NULL || strcmp(option.name, name) != 0))
        i++;
    return tow_option_is_same(before(now), &now->options, &option);
}

/* Others than before: those that are the same are read again in any case. */
static bool certificates_change(const reloading *now) {
    bool on = tow_serving_has_tls(now->serving) && settings_of(&now->options)->certificates != NULL;
    return on && !(is_same(now, "certificate") && is_same(now, "key"));
}

/* Those that are as they were stay, and only their files are read again. */
static int terms_make(reloading *now) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_option *row = tow_guard_rows;
    while (row->name != NULL && is_same(now, row->name))
        row++;
    if (row->name == NULL)
        return 0;
    int error = tow_terms_new(&now->terms, &settings_of(&now->options)->guard, why);
    if (error != 0)
        tow_options_tell(&now->options, why, now->error);
    return error;
}

static int options_prepare(reloading *now) {
    const tow_serve_settings *settings = settings_of(&now->options);
    const tow_server_options *server = &settings->server;
    size_t count;
    tow_certificate *pairs = tow_serving_certificates(settings, &count);
    const tow_changed_options changed = {.allow_origins = server->allow_origins,
        .hosts = server->hosts,
        .limits = server->limits,
        .certificates = pairs,
        .certificate_count = certificates_change(now) ? count : 0};
    int error = pairs == NULL ? TOW_ERROR_MEMORY
                              : tow_server_change_new(&now->change, now->serving->server, &changed);
    free(pairs);
    bool is_of_options = error == TOW_ERROR_MEMORY || error == TOW_ERROR_ARGUMENT;
    if (error != 0)
        tow_option_complain(
            now->error, "%s%s", is_of_options ? "" : "the certificates are not taken: ", tow_strerror(error));
    return error;
}

static int channels_prepare(reloading *now) {
    int error = tow_served_channels_table(&now->table, &now->channels);
    if (error != 0)
        tow_option_complain(now->error, "channels: %s", tow_strerror(error));
    return error;
}

/* All of it. */

static int read_again(reloading *now) {
    const tow_options *first = now->served->first;
    int problem = tow_config_read(
        &now->options, &now->plans, &now->channels, first, settings_of(first)->config, now->error);
    if (problem != 0)
        return problem;
    if (tow_service_contradicts(&now->options, now->options.settings, now->error))
        return TOW_ERROR_ARGUMENT;
    problem = tow_serve_routes_complete(&now->plans, &now->options, now->error);
    if (problem == 0)
        problem = tow_serve_routes_check(&now->channels, &now->plans, &now->options, now->error);
    return problem != 0 ? problem : routes_make(now);
}

/* All that can fail. */
static int prepare(reloading *now) {
    int problem = read_again(now);
    if (problem == 0)
        problem = terms_make(now);
    if (problem == 0)
        problem = channels_prepare(now);
    if (problem == 0)
        problem = options_prepare(now);
    if (problem == 0)
        problem = routes_prepare(now);
    return problem != 0 ? problem : carried_prepare(now);
}

static void take_over(reloading *now) {
    tow_served_config *served = now->served;
    if (now->terms != NULL)
        tow_guard_take(served->guards.guard, now->terms);
    tow_served_channels_take(&served->channels, now->serving->server, now->table);
    tow_server_change_take(now->change);
    tow_carried_paths_take(&served->carried, &now->carried);
    tow_route_plans_clear(&served->plans);
    tow_options_clear(&served->latest);
    tow_config_items_clear(&served->channel_items);
    served->channel_items = now->channels;
    served->plans = now->plans;
    served->latest = now->options;
    tell_of_the_next_start(now);
    tow_service_say(&now->serving->service, TOW_LOG_NOTICE,
        "%s was read again: %zu routes, of which %zu are new or changed; %zu are gone",
        settings_of(served->first)->config, served->plans.count, now->fresh, now->gone);
}

bool tow_serve_reload(tow_served_config *served, tow_serving *serving) {
    reloading now = {.served = served, .serving = serving};
    if (prepare(&now) == 0) {
        take_over(&now);
        return true;
    }
    tow_service_say(&serving->service, TOW_LOG_ERROR,
        "%s; the configuration stays as it was, and no other file is read again", now.error);
    tow_server_change_drop(now.change);
    tow_carried_paths_clear(&now.carried);
    tow_channel_table_free(now.table);
    tow_terms_release(now.terms);
    tow_route_plans_clear(&now.plans);
    tow_config_items_clear(&now.channels);
    tow_options_clear(&now.options);
    return false;
}

void tow_served_config_clear(tow_served_config *served) {
    tow_carried_paths_clear(&served->carried);
    tow_route_plans_clear(&served->plans);
    tow_config_items_clear(&served->channel_items);
    tow_options_clear(&served->latest);
}
