#include "serve_routes.h"

#include "channels.h"
#include "handler/pusher.h"
#include "pusher_apps.h"
#include "publishing.h"
#include "serve.h"
#include "websocket/websocket.h"

#include <stdio.h>
#include <string.h>
#include <towline/error.h>

typedef struct completing {
    tow_route_plans *plans;
    const tow_options *options;
    char *error;
} completing;

/* A route that nobody has written down. NULL: there is no memory. */
static tow_route_plan *add(const completing *now, const char *path, const char *kind) {
    tow_route_plan *plan;
    if (tow_route_plan_new(&plan, path, tow_route_kind_find(kind)) != 0)
        return NULL;
    plan->is_implied = true;
    if (tow_route_plans_add(now->plans, plan) == 0)
        return plan;
    tow_route_plan_release(plan);
    return NULL;
}

/* Any page may use the echo until --allow-origin says whose: what is asked for holds everywhere. */
static int add_echo(const completing *now) {
    static const tow_option_source nowhere = {0};
    const tow_serve_settings *settings = now->options->settings;
    tow_route_plan *plan = add(now, "/echo", "echo");
    if (plan == NULL)
        return TOW_ERROR_MEMORY;
    return settings->server.allow_origins != NULL
               ? 0
               : tow_options_take(&plan->route, "any-origin", "true", nowhere, now->error);
}

static int add_files(const completing *now, const char *root) {
    static const tow_option option = {.name = "document-root"};
    char label[TOW_OPTION_LABEL_MAX];
    const tow_option_source *source = tow_options_source(now->options, option.name);
    const tow_route_plan *before = tow_route_plans_find(now->plans, "/*");
    tow_option_label(&option, source, label);
    if (before != NULL)
        return tow_option_complain(now->error, "%s: /* is served already: %s", label, before->label);
    tow_route_plan *plan = add(now, "/*", "files");
    if (plan == NULL)
        return TOW_ERROR_MEMORY;
    snprintf(plan->label, sizeof(plan->label), "%s", label);
    return tow_options_take(&plan->handler, "root", root, *source, now->error);
}

static int publishing_add(const completing *now) {
    if (!now->plans->given && add(now, "/publish/*", "publish") == NULL)
        return TOW_ERROR_MEMORY;
    return tow_publishing_complete(now->plans, now->options, now->error);
}

int tow_serve_routes_complete(
    tow_route_plans *plans, const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]) {
    const completing now = {plans, options, error};
    const tow_serve_settings *settings = options->settings;
    const char *root = settings->files.root;
    int problem = plans->given ? 0 : add_echo(&now);
    if (problem == 0 && !plans->given &&
        (add(&now, "/.console", "console") == NULL || add(&now, "/.towline.js", "client-script") == NULL ||
            add(&now, "/channel/*", "channel") == NULL))
        problem = TOW_ERROR_MEMORY;
    if (problem == 0)
        problem = publishing_add(&now);
    if (problem == 0 && root != NULL)
        problem = add_files(&now, root);
    else if (problem == 0 && !plans->given && add(&now, "/", "console") == NULL)
        problem = TOW_ERROR_MEMORY;
    if (problem == 0)
        return tow_pusher_apps_complete(plans, settings->pusher_apps, error);
    if (problem == TOW_ERROR_MEMORY)
        tow_option_complain(error, "%s", tow_strerror(problem));
    return problem;
}

static bool has_kind(const tow_route_plans *plans, const char *name) {
    for (size_t i = 0; i < plans->count; i++)
        if (strcmp(plans->items[i]->kind->kind->name, name) == 0)
            return true;
    return false;
}

/* Who names routes may forget the one that an option is for. */
static int options_check(
    const tow_route_plans *plans, const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]) {
    static const char publishing[] = "no route publishes: add {path: /publish/*, publish: true} to routes";
    static const char door[] = "no route has channels: add {path: /channel/*, channel: true} to routes";
    bool publishes = !plans->given || has_kind(plans, "publish");
    bool has_door = !plans->given || has_kind(plans, "channel") || has_kind(plans, "socketio");
    const struct {
        const char *name;
        bool is_useless;
        const char *text;
    } rows[] = {{"publish-key", !publishes && tow_options_gave(options, "publish-key"), publishing},
        {"publish-max", !publishes && tow_options_changed(options, "publish-max"), publishing},
        {"publish-repeats", !publishes && tow_options_changed(options, "publish-repeats"), publishing},
        {"token-keys", !has_door && tow_options_gave(options, "token-keys"), door},
        {"token-url", !has_door && tow_options_gave(options, "token-url"), door}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const tow_option option = {.name = rows[i].name};
        char label[TOW_OPTION_LABEL_MAX];
        if (!rows[i].is_useless)
            continue;
        tow_option_label(&option, tow_options_source(options, option.name), label);
        return tow_option_complain(error, "%s: %s", label, rows[i].text);
    }
    return 0;
}

/* An app of Pusher's protocol lets its clients in by signatures instead. */
int tow_serve_routes_check(const tow_config_items *channels, const tow_route_plans *plans,
    const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]) {
    const tow_serve_settings *settings = options->settings;
    const tow_token_settings *tokens = &settings->tokens;
    bool is_known = tokens->keys != NULL || tokens->url != NULL || tow_route_plans_have_pusher_app(plans);
    bool is_wrong = (!is_known && tow_channel_items_want_tokens(channels, error)) ||
                    tow_channel_items_exceed(channels, settings->channels.max_history_bytes, error);
    return is_wrong ? TOW_ERROR_ARGUMENT : options_check(plans, options, error);
}

/* Those of the server and of the route together. */
static int limits_check(
    const tow_route_plan *plan, const tow_limits *servers, char error[TOW_OPTIONS_ERROR_MAX]) {
    tow_complaint complaint = {0};
    tow_limits all = *servers;
    tow_limits limits = plan->made.limits;
    tow_limits_resolve(&all, TOW_ROLE_SERVER, NULL);
    tow_limits_resolve(&limits, TOW_ROLE_SERVER, &all);
    return tow_limits_check(&limits, &complaint) == 0
               ? 0
               : tow_option_complain(error, "%s: %s", plan->label, complaint.text);
}

/* A request has one Bearer token: where both read it, nobody would get in. */
static int tokens_check(
    const tow_route_plan *plan, const tow_serve_settings *settings, char error[TOW_OPTIONS_ERROR_MAX]) {
    const tow_guard_settings *own = &((const tow_route_settings *)plan->route.settings)->guard;
    const tow_guard_settings *guard = tow_guard_settings_say(own) ? own : &settings->guard;
    const char *kind = plan->kind->kind->name;
    bool reads_tokens = strcmp(kind, "channel") == 0 || strcmp(kind, "socketio") == 0;
    if (settings->tokens.keys == NULL || !reads_tokens || !tow_guard_is_said(guard->bearer_token))
        return 0;
    return tow_option_complain(error,
        "%s: bearer-token and token-keys would both read the one token that a request has: leave one of the "
        "two away, "
        "or say `bearer-token: off` for this route",
        plan->path);
}

/* Clients of such an app are sent to TLS: somebody has to have it. */
static int tls_only_check(
    const tow_route_plan *plan, const tow_serve_settings *settings, char error[TOW_OPTIONS_ERROR_MAX]) {
    bool has_tls = settings->certificates != NULL || settings->server.tls_self_signed;
    if (has_tls || settings->server.trusted_proxies != NULL || !tow_route_plan_is_pusher_app(plan) ||
        !((const tow_pusher_settings *)plan->handler.settings)->tls_only)
        return 0;
    return tow_option_complain(error,
        "%s: tls-only: nobody could come by TLS: turn it on with --certificate FILE, or name the proxy that "
        "has "
        "it with --trusted-proxy ADDRESS",
        plan->label);
}

int tow_serve_routes_make(const tow_route_plans *plans, const tow_handler_place *place,
    const tow_route_guards *guards, const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]) {
    const tow_serve_settings *settings = options->settings;
    const tow_server_options *server = &settings->server;
    int problem = 0;
    for (size_t i = 0; problem == 0 && i < plans->count; i++) {
        tow_route_plan *plan = plans->items[i];
        if (!plan->is_made)
            problem = tow_route_plan_make(plan, place, guards, server->allow_origins != NULL, error);
        if (problem == 0)
            problem = limits_check(plan, &server->limits, error);
        if (problem == 0)
            problem = tokens_check(plan, settings, error);
        if (problem == 0)
            problem = tls_only_check(plan, settings, error);
    }
    return problem;
}

void tow_serve_routes_tick(const tow_route_plans *plans) {
    for (size_t i = 0; i < plans->count; i++) {
        const tow_route_plan *plan = plans->items[i];
        if (plan->kind->kind->tick != NULL)
            plan->kind->kind->tick(plan->made.user);
    }
}

void tow_serve_routes_reload(const tow_route_plans *plans) {
    for (size_t i = 0; i < plans->count; i++) {
        const tow_route_plan *plan = plans->items[i];
        if (plan->kind->kind->reload != NULL)
            plan->kind->kind->reload(plan->made.user);
        if (tow_guard_settings_say(&((const tow_route_settings *)plan->route.settings)->guard))
            tow_guard_reload(plan->guard); /* its own */
    }
}
