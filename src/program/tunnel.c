#include "tunnel.h"

#include "config.h"
#include "exit_status.h"
#include "handler/files.h"
#include "handler/tunnel.h"
#include "ports.h"
#include "serving.h"
#include "tunnel_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct tunnel_service {
    tow_serving serving; /* first */
    tow_serve_settings settings;
    tow_tunnel_listen listen;
    tow_tunnel_options options;
    tow_handler tunnel, files;
} tunnel_service;

/* Where it listens, and where it leads; NULL: nobody has said. */
typedef struct tunnel_words {
    const char *listen, *target;
} tunnel_words;

static int complain(const char *what, const char *why) {
    fprintf(stderr, "towline tunnel: %.200s: %s\n", what, why);
    return TOW_EXIT_USAGE;
}

/* A map may have paths: those below the tunnel's own. */
static int routes_make(tow_serving *serving) {
    const tunnel_service *service = (tunnel_service *)(void *)serving;
    const char *path = service->listen.path;
    char below[TOW_TUNNEL_PATH_MAX + 3];
    int error = 0;
    if (service->settings.files.root != NULL)
        error = tow_server_route(serving->server, "/*", &service->files);
    if (error == 0)
        error = tow_server_route(serving->server, path, &service->tunnel);
    if (error != 0 || service->options.map == NULL)
        return error;
    snprintf(below, sizeof(below), "%s%s*", path, path[strlen(path) - 1] == '/' ? "" : "/");
    return tow_server_route(serving->server, below, &service->tunnel);
}

static int add_routes(tow_serving *serving) {
    int error = routes_make(serving);
    if (error != 0)
        tow_service_complain(&serving->service, "%s", tow_strerror(error));
    return error;
}

static void announce(tow_serving *serving, const char *port, int number) {
    const tunnel_service *service = (tunnel_service *)(void *)serving;
    const char *root = service->settings.files.root;
    const char *s = tow_serving_has_tls(serving) ? "s" : "";
    char name[TOW_PORT_NAME_MAX];
    tow_port_name(port, number, name);
    tow_service_say(&serving->service, TOW_LOG_NOTICE, "towline: tunnel from ws%s://%s%s to %s%s%s%s%s%s%s",
        s, name, service->listen.path, service->options.map != NULL ? "the targets in " : "",
        service->options.map != NULL ? service->options.map : service->options.target,
        root != NULL ? ", http" : "", root != NULL ? s : "", root != NULL ? "://" : "",
        root != NULL ? name : "", root != NULL ? "/ from the document root" : "");
}

/* Returns 0, or the exit status after telling what is wrong. */
static int check_secrecy(tunnel_service *service, const char *text) {
    bool on = tow_serving_has_tls(&service->serving);
    if (service->listen.is_secure && !on)
        return complain(
            text, "name a certificate with --certificate FILE, or have one made with --tls-self-signed");
    if (!service->listen.is_secure && (on || service->settings.tls))
        return complain(text, "with TLS it is wss://");
    return 0;
}

static int check_target(const tunnel_service *service, const char *text, const char *target) {
    const tow_tunnel_options *options = &service->options;
    const char *why;
    if (target == NULL && options->map == NULL)
        return complain(text, "say where it leads: tcp:HOST:PORT, unix:PATH, exec:COMMAND, or --map FILE");
    if (target != NULL && options->map != NULL)
        return complain("--map", "it takes TARGET's place: leave one of the two away");
    if (target != NULL && !tow_tunnel_target_is_valid(target, &why))
        return complain(target, why);
    if (target != NULL && options->send_proxy != 0 && strncmp(target, "exec:", 5) == 0)
        return complain("--send-proxy", "a command gets no PROXY header: leave it away");
    if (options->map != NULL && service->settings.files.root != NULL && service->listen.path[1] == '\0')
        return complain(
            "--map and --document-root", "give the tunnel a path of its own: ws://localhost:6080/tunnel");
    return 0;
}

static void fill(tunnel_service *service, const tow_tunnel_settings *settings, const char *target) {
    service->settings = settings->serve;
    service->options = settings->tunnel;
    service->options.target = target;
    service->options.subprotocols = settings->connect.protocols;
    service->options.limits = settings->serve.server.limits;
}

/* Returns 0, or the exit status after telling what is wrong. */
static int handlers_make(tunnel_service *service) {
    tow_serving *serving = &service->serving;
    const char *option = service->options.map != NULL ? "--map" : "TARGET";
    int error = tow_serving_make(serving, &service->tunnel, &tow_tunnel_kind, &service->options, option);
    if (error != 0)
        return error == TOW_ERROR_ARGUMENT ? TOW_EXIT_USAGE : EXIT_FAILURE;
    const tow_files_settings *files = &service->settings.files;
    if (files->root != NULL)
        error = tow_serving_make(serving, &service->files, &tow_files_kind, files, "--document-root");
    return error == 0 ? 0 : EXIT_FAILURE;
}

static int forward(tunnel_service *service) {
    const char *const listens[] = {service->listen.address, NULL};
    int status = handlers_make(service);
    if (status == 0)
        return tow_serving_run(&service->serving, listens);
    tow_serving_clear(&service->serving);
    return status;
}

static int start_forward(
    const tow_options *options, const tow_tunnel_listen *listen, const tunnel_words *words) {
    static const tow_service_kind kind = {
        .on_stop = tow_serving_stop, .on_reload = tow_serving_reload, .on_tick = tow_serving_tick};
    tunnel_service service = {.listen = *listen};
    service.serving =
        (tow_serving){.service = {.kind = &kind, .options = options, .settings = &service.settings},
            .listen_option = "LISTEN",
            .add_routes = add_routes,
            .announce = announce};
    fill(&service, options->settings, words->target);
    service.serving.descriptors_each = tow_tunnel_descriptors(&service.options);
    int status = check_secrecy(&service, words->listen);
    if (status == 0)
        status = check_target(&service, words->listen, words->target);
    return status != 0 ? status : forward(&service);
}

/* An option that is given and is of no use in this direction. Returns 0, or the exit status after telling. */
static int check_direction(const tow_options *options, bool forward) {
    char label[TOW_OPTION_LABEL_MAX];
    const tow_option *stray =
        tow_options_useless(options, forward ? TOW_OPTION_NEEDS_CLIENT : TOW_OPTION_NEEDS_SERVER);
    if (stray == NULL)
        return 0;
    tow_option_label(stray, tow_options_source(options, stray->name), label);
    return complain(label, forward ? "this is for tunnels to a WebSocket server: leave it away"
                                   : "this is for tunnels from ws:// or wss://: leave it away");
}

/* Operands go before what stands in a file. */
static tunnel_words words_of(const tow_options *options) {
    const tow_tunnel_settings *settings = options->settings;
    const char *const *operands = options->operands;
    tunnel_words words = {settings->listen, settings->target};
    if (operands != NULL && operands[0] != NULL) {
        words.listen = operands[0];
        words.target = operands[1] != NULL ? operands[1] : words.target;
    }
    return words;
}

static int run(const tow_options *options) {
    const tunnel_words words = words_of(options);
    tow_tunnel_listen listen;
    const char *why;
    if (words.listen == NULL)
        return complain("LISTEN", "say where to listen: ws://[HOST:]PORT/PATH or tcp:[HOST:]PORT");
    if (tow_tunnel_listen_read(&listen, words.listen, &why) != 0)
        return complain(words.listen, why);
    int status = check_direction(options, listen.is_websocket);
    if (status != 0)
        return status;
    const tow_tunnel_options *tunnel = &((const tow_tunnel_settings *)options->settings)->tunnel;
    if (tunnel->lines && tunnel->text)
        return complain("--lines", "its messages are text: leave --text away");
    if (listen.is_websocket)
        return start_forward(options, &listen, &words);
    if (words.target == NULL || strstr(words.target, "://") == NULL)
        return complain(words.listen, "the target of this is a URL: ws://HOST:PORT/PATH or wss://HOST/PATH");
    return tow_tunnel_reverse(options, listen.address, words.target);
}

int tow_tunnel_command_run(const tow_options *given) {
    const char *file = ((const tow_tunnel_settings *)given->settings)->serve.config;
    char error[TOW_OPTIONS_ERROR_MAX];
    tow_options options;
    if (file == NULL)
        return run(given);
    if (tow_config_read_options(&options, given, file, error) != 0) {
        fprintf(stderr, "towline tunnel: %s\n", error);
        return TOW_EXIT_USAGE;
    }
    int status = run(&options);
    tow_options_clear(&options);
    return status;
}
