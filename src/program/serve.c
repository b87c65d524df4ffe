#include "serve.h"

#include "config.h"
#include "config_print.h"
#include "exit_status.h"
#include "handler/pusher.h"
#include "handlers.h"
#include "ports.h"
#include "publishing.h"
#include "python_routes.h"
#include "secret_files.h"
#include "serve_reload.h"
#include "serve_routes.h"
#include "service_rules.h"
#include "serving.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

typedef struct serve_service {
    tow_serving serving; /* first */
    tow_served_config served;
    tow_handlers handlers;
    tow_engineio *engineio; /* NULL: it is not served */
    tow_sockjs *sockjs;     /* the same */
    bool key_is_told;       /* where that for publishing lies */
} serve_service;

static serve_service *service_of(tow_service *service) {
    return (serve_service *)(void *)service;
}

static int handlers_start(serve_service *service) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_handler_place place = tow_serving_place(&service->serving);
    int error = tow_handlers_start(&service->handlers, &place, why);
    if (error != 0)
        tow_service_complain(&service->serving.service, "--handlers: %s", why);
    return error;
}

/* What is wrong begins with the name of its option. */
static void complain_of_option(const serve_service *service, const char *why) {
    char text[TOW_OPTIONS_ERROR_MAX];
    tow_options_tell(service->serving.service.options, why, text);
    tow_service_complain(&service->serving.service, "%s", text);
}

/* With a configuration file there is one in any case, as that may say other things later. */
static int guard_make(
    tow_route_guards *guards, const tow_serve_settings *settings, char why[TOW_HANDLER_TEXT_MAX]) {
    if (settings->config != NULL)
        return tow_guard_new_open(&guards->guard, guards->admission, &settings->guard, why);
    return tow_guard_new(&guards->guard, guards->admission, &settings->guard, why);
}

/* Who stands before all routes. */
static int guards_start(serve_service *service) {
    tow_route_guards *guards = &service->served.guards;
    const tow_handler_place place = tow_serving_place(&service->serving);
    char why[TOW_HANDLER_TEXT_MAX];
    int error = tow_admission_new(&guards->admission, &place);
    if (error != 0)
        snprintf(why, sizeof(why), "%s", tow_strerror(error));
    else
        error = guard_make(guards, service->serving.service.settings, why);
    if (error != 0)
        complain_of_option(service, why);
    return error;
}

static void guards_end(tow_route_guards *guards) {
    tow_guard_release(guards->guard);
    tow_admission_free(guards->admission);
}

static int channels_start(serve_service *service) {
    tow_served_config *served = &service->served;
    int error = tow_served_channels_begin(&served->channels, service->serving.server,
        &service->serving.service.settings->channels, &served->channel_items);
    if (error != 0)
        tow_service_complain(&service->serving.service, "%s", tow_strerror(error));
    service->serving.channels = &served->channels.shared;
    return error;
}

/* What apps of Pusher's protocol share. */
static int pusher_start(serve_service *service) {
    tow_serving *serving = &service->serving;
    const tow_handler_place place = tow_serving_place(serving);
    int error = tow_pusher_new(&serving->pusher, &place);
    if (error != 0)
        tow_service_complain(&serving->service, "%s", tow_strerror(error));
    service->served.channels.pusher = serving->pusher;
    return error;
}

/* Who knows those who come to channels. */
static int keeper_start(serve_service *service) {
    const tow_handler_place place = tow_serving_place(&service->serving);
    char why[TOW_HANDLER_TEXT_MAX];
    int error = tow_served_channels_keep(
        &service->served.channels, &place, &service->serving.service.settings->tokens, why);
    if (error != 0)
        complain_of_option(service, why);
    return error;
}

static int plans_start(serve_service *service) {
    tow_serving *serving = &service->serving;
    const tow_route_plans *plans = &service->served.plans;
    const tow_handler_place place = tow_serving_place(serving);
    char text[TOW_OPTIONS_ERROR_MAX];
    int error = tow_serve_routes_make(plans, &place, &service->served.guards, serving->service.options, text);
    for (size_t i = 0; error == 0 && i < plans->count; i++) {
        error = tow_route_plan_serve(plans->items[i], serving->server);
        if (error != 0)
            tow_option_complain(text, "%s: %s", plans->items[i]->path, tow_strerror(error));
    }
    if (error == 0) {
        tow_carried_paths more = {0};
        error = tow_carried_paths_make(
            &more, &service->served.carried, serving->server, &serving->service.settings->engineio, plans);
        if (error != 0)
            tow_option_complain(text, "Engine.IO: %s", tow_strerror(error));
        else
            tow_carried_paths_take(&service->served.carried, &more);
        tow_carried_paths_clear(&more);
    }
    if (error != 0)
        tow_service_complain(&serving->service, "%s", text);
    return error;
}

/* Other ways to each route. */
static int entrances_start(serve_service *service) {
    const tow_serving *serving = &service->serving;
    const tow_engineio_settings *settings = &serving->service.settings->engineio;
    int error = settings->off ? 0 : tow_engineio_new(&service->engineio, serving->server, settings, NULL);
    if (error == 0 && !serving->service.settings->sockjs.off)
        error = tow_sockjs_new(&service->sockjs, serving->server, &serving->service.settings->sockjs);
    if (error != 0)
        tow_service_complain(&serving->service, "%s", tow_strerror(error));
    return error;
}

/* Keys of tokens are secrets where signatures can be made with them. */
static void token_keys_look(tow_secret_files *files, const serve_service *service) {
    static const tow_option option = {.name = "token-keys"};
    const tow_service *about = &service->serving.service;
    bool is_public = !tow_token_keeper_has_secret(service->served.channels.keeper);
    char label[TOW_OPTION_LABEL_MAX];
    tow_option_label(&option, tow_options_source(about->options, option.name), label);
    if (about->settings->tokens.keys != NULL)
        tow_secret_file_look(files, label, about->settings->tokens.keys, is_public);
}

/* Who may read a secret can do what its owner can. */
static void secrets_look(serve_service *service) {
    tow_secret_files files = {.service = &service->serving.service};
    const tow_route_plans *plans = &service->served.plans;
    const tow_options *latest = &service->served.latest;
    tow_secret_files_look(&files, latest->count > 0 ? latest : service->served.first, NULL);
    for (size_t i = 0; i < plans->count; i++) {
        tow_secret_files_look(&files, &plans->items[i]->handler, plans->items[i]->label);
        tow_secret_files_look(&files, &plans->items[i]->route, plans->items[i]->label);
    }
    token_keys_look(&files, service);
    tow_publishing_key_look(&files, plans);
    tow_secret_files_clear(&files);
}

static int add_routes(tow_serving *serving) {
    serve_service *service = service_of(&serving->service);
    int error = guards_start(service);
    if (error == 0)
        error = entrances_start(service);
    if (error == 0)
        error = channels_start(service);
    if (error == 0)
        error = pusher_start(service);
    if (error == 0)
        error = keeper_start(service);
    if (error == 0)
        error = plans_start(service);
    if (error == 0)
        error = handlers_start(service);
    if (error == 0 && serving->service.settings->check)
        tow_python_routes_compile(&service->served, serving);
    else if (error == 0)
        tow_python_routes_load(&service->served, serving, service->handlers.python);
    if (error == 0)
        secrets_look(service);
    return error;
}

static bool is_ready(const tow_serving *serving) {
    const serve_service *service = (const serve_service *)(const void *)serving;
    for (size_t i = 0; i < service->served.plans.count; i++)
        if (service->served.plans.items[i]->is_loading)
            return false;
    return service->handlers.late == 0;
}

static void before_end(tow_serving *serving) {
    tow_token_keeper_end(service_of(&serving->service)->served.channels.keeper);
    tow_admission_end(service_of(&serving->service)->served.guards.admission);
    tow_pusher_end(serving->pusher);
    tow_handlers_end(&service_of(&serving->service)->handlers);
}

static void announce_routes(tow_serving *serving, const char *scheme_end, const char *name) {
    const tow_route_plans *plans = &service_of(&serving->service)->served.plans;
    tow_service_say(&serving->service, TOW_LOG_NOTICE, "towline: serving ws%s://%s/, %zu %s of %s",
        scheme_end, name, plans->count, plans->count == 1 ? "route" : "routes",
        serving->service.settings->config);
}

static void announce_port(tow_serving *serving, const char *port, int number) {
    char name[TOW_PORT_NAME_MAX];
    const char *root = serving->service.settings->files.root;
    const char *s = tow_serving_has_tls(serving) ? "s" : "";
    tow_port_name(port, number, name);
    if (strncmp(port, "unix:", 5) == 0)
        tow_service_say(&serving->service, TOW_LOG_NOTICE, "towline: serving on %s", port);
    else if (service_of(&serving->service)->served.plans.given)
        announce_routes(serving, s, name);
    else if (root != NULL)
        tow_service_say(&serving->service, TOW_LOG_NOTICE,
            "towline: serving ws%s://%s/echo, console http%s://%s/.console, http%s://%s/ from %s", s, name, s,
            name, s, name, root);
    else
        tow_service_say(&serving->service, TOW_LOG_NOTICE,
            "towline: serving ws%s://%s/echo, console http%s://%s/.console", s, name, s, name);
}

static void announce(tow_serving *serving, const char *port, int number) {
    serve_service *service = service_of(&serving->service);
    announce_port(serving, port, number);
    if (!service->key_is_told)
        tow_publishing_announce(&serving->service, &service->served.plans);
    service->key_is_told = true;
}

/* Files of a handler that stays are read again too, but none behind a configuration that is refused. */
static void reload(tow_service *service) {
    serve_service *now = service_of(service);
    if (service->settings->config != NULL && !tow_serve_reload(&now->served, &now->serving))
        return;
    tow_python_routes_load(&now->served, &now->serving, now->handlers.python);
    tow_serving_reload(service);
    tow_guard_reload(now->served.guards.guard);
    tow_token_keeper_reload(now->served.channels.keeper);
    tow_serve_routes_reload(&service_of(service)->served.plans);
    tow_handlers_reload(&service_of(service)->handlers);
    secrets_look(now);
}

static void tick(tow_service *service) {
    tow_serve_routes_tick(&service_of(service)->served.plans);
    tow_handlers_look(&service_of(service)->handlers);
}

/* Returns the exit status. */
static int check(serve_service *service) {
    const tow_serve_settings *settings = service->serving.service.settings;
    int status = tow_serving_check(&service->serving, settings->server.listens);
    if (status == 0 && atomic_load(&service->serving.service.has_failed))
        return TOW_EXIT_USAGE;
    if (status == 0)
        printf("%s%sall is right\n", settings->config != NULL ? settings->config : "",
            settings->config != NULL ? ": " : "");
    return status;
}

/* The same. */
static int list(serve_service *service) {
    char why[TOW_HANDLER_TEXT_MAX];
    int error = tow_handlers_list(&service->handlers, why);
    if (error != 0)
        tow_service_complain(&service->serving.service, "--handlers: %s", why);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same. */
static int print_config(const serve_service *service) {
    char error[TOW_OPTIONS_ERROR_MAX];
    const tow_options *options = service->serving.service.options;
    tow_buffer text = {0};
    if (tow_service_contradicts(options, options->settings, error)) {
        tow_service_complain(&service->serving.service, "%s", error);
        return TOW_EXIT_USAGE;
    }
    int problem = tow_config_print(&text, options, &service->served.plans);
    if (problem == 0)
        problem = tow_config_print_items(&text, "channels", &service->served.channel_items);
    if (problem == 0 && (fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout) != 0))
        problem = TOW_ERROR_SYSTEM;
    tow_buffer_clear(&text);
    if (problem != 0)
        tow_service_complain(&service->serving.service, "--print-config: %s", tow_strerror(problem));
    return problem == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* One after the other, so that what is wrong with the folder of handlers is told of the option that says so.
 */
static bool folder_is_right(const serve_service *service) {
    const tow_directory_options *all = &service->serving.service.settings->handlers;
    const tow_options *options = service->serving.service.options;
    const struct {
        const char *name;
        tow_directory_options options;
    } parts[] = {{"handlers", {.root = all->root}}, {"scan", {.root = all->root, .scan = all->scan}},
        {"aliases", {.root = all->root, .aliases = all->aliases}}};
    char why[TOW_HANDLER_TEXT_MAX], label[TOW_OPTION_LABEL_MAX];
    for (size_t i = 0; all->root != NULL && i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (tow_directory_check(&parts[i].options, why) == 0)
            continue;
        const tow_option option = {.name = parts[i].name};
        tow_option_label(&option, tow_options_source(options, option.name), label);
        tow_service_complain(&service->serving.service, "%s: %s", label, why);
        return false;
    }
    return true;
}

/* The same. */
static int run(serve_service *service) {
    const tow_serve_settings *settings = service->serving.service.settings;
    if (!folder_is_right(service))
        return settings->check ? TOW_EXIT_USAGE : EXIT_FAILURE;
    if (settings->list)
        return list(service);
    if (settings->print_config)
        return print_config(service);
    return settings->check ? check(service) : tow_serving_run(&service->serving, settings->server.listens);
}

/* As options and routes say; takes the routes over. Returns the exit status. */
static int serve(const tow_options *options, tow_route_plans *plans, tow_config_items *channels) {
    static const tow_service_kind kind = {.on_stop = tow_serving_stop, .on_reload = reload, .on_tick = tick};
    tow_serve_settings *settings = options->settings;
    if (settings->check) { /* what is wrong is told here, and what would be served is not */
        settings->log_file = NULL;
        settings->log_level = settings->log_level < TOW_LOG_WARNING ? settings->log_level : TOW_LOG_WARNING;
    }
    serve_service service = {.serving = {.service = {.kind = &kind, .options = options, .settings = settings},
                                 .add_routes = add_routes,
                                 .is_ready = is_ready,
                                 .before_end = before_end,
                                 .announce = announce},
        .served = {.first = options, .plans = *plans, .channel_items = *channels},
        .handlers = {.settings = settings}};
    service.handlers.plans = &service.served.plans;
    service.handlers.guards = &service.served.guards;
    service.served.handlers = &service.handlers;
    int status = run(&service);
    tow_engineio_free(service.engineio);
    tow_sockjs_free(service.sockjs);
    tow_handlers_free(&service.handlers);
    tow_served_config_clear(&service.served);
    guards_end(&service.served.guards);
    tow_pusher_free(service.serving.pusher);
    tow_served_channels_end(&service.served.channels);
    return status;
}

static int complete_and_serve(
    const tow_options *options, tow_route_plans *plans, tow_config_items *channels) {
    char error[TOW_OPTIONS_ERROR_MAX];
    int problem = tow_serve_routes_complete(plans, options, error);
    if (problem == 0)
        problem = tow_serve_routes_check(channels, plans, options, error);
    if (problem == 0)
        return serve(options, plans, channels);
    fprintf(stderr, "towline serve: %s\n", error);
    tow_route_plans_clear(plans);
    tow_config_items_clear(channels);
    return problem == TOW_ERROR_MEMORY ? EXIT_FAILURE : TOW_EXIT_USAGE;
}

int tow_serve(const tow_options *given) {
    const char *file = ((const tow_serve_settings *)given->settings)->config;
    char error[TOW_OPTIONS_ERROR_MAX];
    tow_options options;
    tow_route_plans plans = {0};
    tow_config_items channels = {0};
    if (file == NULL)
        return complete_and_serve(given, &plans, &channels);
    if (tow_config_read(&options, &plans, &channels, given, file, error) != 0) {
        fprintf(stderr, "towline serve: %s\n", error);
        return TOW_EXIT_USAGE;
    }
    int status = complete_and_serve(&options, &plans, &channels);
    tow_options_clear(&options);
    return status;
}
