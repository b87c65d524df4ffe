#include "serve.h"

#include "config.h"
#include "exit_status.h"
#include "handler/console.h"
#include "handler/echo.h"
#include "handlers.h"
#include "ports.h"
#include "serving.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct serve_service {
    tow_serving serving; /* first */
    tow_handler echo, console;
    tow_handler root; /* files, or the console */
    tow_built_in built_in[5];
    tow_handlers handlers;
} serve_service;

static const tow_serve_settings *settings_of(const serve_service *service) {
    return service->serving.service.settings;
}

static int handlers_start(serve_service *service) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_handler_place place = tow_serving_place(&service->serving);
    int error = tow_handlers_start(&service->handlers, &place, why);
    if (error != 0)
        tow_service_complain(&service->serving.service, "--handlers: %s", why);
    return error;
}

static int add_routes(tow_serving *serving) {
    serve_service *service = (serve_service *)(void *)serving;
    int error = 0;
    for (const tow_built_in *each = service->built_in; error == 0 && each->path != NULL; each++)
        error = tow_server_route(serving->server, each->path, each->handler);
    return error != 0 ? error : handlers_start(service);
}

static void before_end(tow_serving *serving) {
    tow_handlers_end(&((serve_service *)(void *)serving)->handlers);
}

static void tick(tow_service *service) {
    tow_handlers_look(&((serve_service *)(void *)service)->handlers);
}

static void reload(tow_service *service) {
    tow_serving_reload(service);
    tow_handlers_reload(&((serve_service *)(void *)service)->handlers);
}

static void built_in_fill(serve_service *service) {
    bool has_files = settings_of(service)->files.root != NULL;
    const tow_built_in all[] = {{"/", "the console", &service->root},
        {"/.console", "the console", &service->console}, {"/echo", "an echo", &service->echo}, {0}};
    memcpy(service->built_in, all, sizeof(all));
    if (has_files)
        service->built_in[0] = (tow_built_in){"/*", settings_of(service)->files.root, &service->root};
    service->handlers.settings = settings_of(service);
    service->handlers.built_in = service->built_in;
}

static int handlers_check(serve_service *service) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_directory_options *options = &settings_of(service)->handlers;
    int error = options->root == NULL ? 0 : tow_directory_check(options, why);
    if (error != 0)
        tow_service_complain(&service->serving.service, "--handlers: %s", why);
    return error;
}

static int handlers_make(serve_service *service) {
    const tow_serve_settings *settings = settings_of(service);
    tow_serving *serving = &service->serving;
    int error = tow_serving_make(serving, &service->echo, &tow_echo_kind, NULL, NULL);
    if (error == 0)
        error = tow_serving_make(serving, &service->console, &tow_console_kind, NULL, NULL);
    service->root = service->console;
    if (error == 0 && settings->files.root != NULL)
        error =
            tow_serving_make(serving, &service->root, &tow_files_kind, &settings->files, "--document-root");
    if (settings->server.allow_origins != NULL)
        service->echo.any_origin = false; /* what is asked for holds everywhere */
    built_in_fill(service);
    return error != 0 ? error : handlers_check(service);
}

static void announce(tow_serving *serving, const char *port, int number) {
    char name[TOW_PORT_NAME_MAX];
    const char *root = serving->service.settings->files.root;
    const char *s = tow_serving_has_tls(serving) ? "s" : "";
    tow_port_name(port, number, name);
    if (strncmp(port, "unix:", 5) == 0)
        tow_service_say(&serving->service, TOW_LOG_NOTICE, "towline: serving on %s", port);
    else if (root != NULL)
        tow_service_say(&serving->service, TOW_LOG_NOTICE,
            "towline: serving ws%s://%s/echo, console http%s://%s/.console, http%s://%s/ from %s", s, name, s,
            name, s, name, root);
    else
        tow_service_say(&serving->service, TOW_LOG_NOTICE,
            "towline: serving ws%s://%s/echo, console http%s://%s/.console", s, name, s, name);
}

/* Returns the exit status. */
static int list(serve_service *service) {
    char why[TOW_HANDLER_TEXT_MAX];
    int error = tow_handlers_list(&service->handlers, why);
    if (error != 0)
        tow_service_complain(&service->serving.service, "--handlers: %s", why);
    tow_serving_clear(&service->serving);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same. */
static int run(serve_service *service) {
    const tow_serve_settings *settings = settings_of(service);
    const char *const *listens = settings->server.listens;
    if (handlers_make(service) != 0) {
        tow_serving_clear(&service->serving);
        return EXIT_FAILURE;
    }
    if (settings->list)
        return list(service);
    if (!settings->check) {
        int result = tow_serving_run(&service->serving, listens);
        tow_handlers_free(&service->handlers);
        return result;
    }
    int status = tow_serving_check(&service->serving, listens);
    if (status == 0)
        printf("%s\n", "all is right");
    return status;
}

static int serve(const tow_options *options) {
    static const tow_service_kind kind = {.on_stop = tow_serving_stop, .on_reload = reload, .on_tick = tick};
    tow_serve_settings *settings = options->settings;
    if (settings->check)
        settings->log_file = NULL; /* what is wrong is told here */
    serve_service service = {.serving = {.service = {.kind = &kind, .options = options, .settings = settings},
                                 .add_routes = add_routes,
                                 .before_end = before_end,
                                 .announce = announce}};
    return run(&service);
}

int tow_serve(const tow_options *given) {
    const char *file = ((const tow_serve_settings *)given->settings)->config;
    char error[TOW_OPTIONS_ERROR_MAX];
    tow_options options;
    if (file == NULL)
        return serve(given);
    if (tow_config_read(&options, given, file, error) != 0) {
        fprintf(stderr, "towline serve: %s\n", error);
        return TOW_EXIT_USAGE;
    }
    int status = serve(&options);
    tow_options_clear(&options);
    return status;
}
