#include "serve.h"

#include "handler/console.h"
#include "handler/echo.h"
#include "ports.h"
#include "serving.h"

#include <string.h>
#include <syslog.h>

static int add_routes(tow_serving *serving) {
    tow_handler echo = tow_echo_handler();
    if (serving->service.settings->server.allow_origins != NULL)
        echo.any_origin = false; /* what is asked for holds everywhere */
    tow_handler console = tow_console_handler();
    tow_handler files = serving->files != NULL ? tow_files_handler(serving->files) : console;
    int error = tow_server_route(serving->server, "/echo", &echo);
    if (error == 0)
        error = tow_server_route(serving->server, "/.console", &console);
    if (error == 0)
        error = tow_server_route(serving->server, serving->files != NULL ? "/*" : "/", &files);
    return error;
}

static void announce(tow_serving *serving, const char *port, int number) {
    char name[TOW_PORT_NAME_MAX];
    const char *root = serving->service.settings->document_root;
    const char *s = tow_serving_has_tls(serving) ? "s" : "";
    tow_port_name(port, number, name);
    if (strncmp(port, "unix:", 5) == 0)
        tow_service_say(&serving->service, LOG_NOTICE, "towline: serving on %s", port);
    else if (root != NULL)
        tow_service_say(&serving->service, LOG_NOTICE,
            "towline: serving ws%s://%s/echo, console http%s://%s/.console, http%s://%s/ from %s", s, name, s,
            name, s, name, root);
    else
        tow_service_say(&serving->service, LOG_NOTICE,
            "towline: serving ws%s://%s/echo, console http%s://%s/.console", s, name, s, name);
}

int tow_serve(const tow_options *options) {
    static const tow_service_kind kind = {
        .command = "serve", .on_stop = tow_serving_stop, .on_reload = tow_serving_reload};
    const tow_serve_settings *settings = options->settings;
    tow_serving serving = {
        .service = {.kind = &kind, .settings = settings}, .add_routes = add_routes, .announce = announce};
    return tow_serving_run(&serving, settings->server.listens);
}
