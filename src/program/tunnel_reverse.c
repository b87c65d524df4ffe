/* `towline tunnel` from TCP or a Unix socket to a WebSocket server. */
#include "exit_status.h"
#include "tunnel.h"

#include "client/url.h"
#include "handler/reverse_tunnel.h"
#include "ports.h"
#include "service.h"
#include "transport/inherited.h"
#include "way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { DESCRIPTORS_EACH = 2 }; /* the client, and the way to the server */

typedef struct reverse_service {
    tow_service service; /* first */
    const tow_tunnel_settings *settings;
    tow_connect_settings connect;
    tow_way way;
    tow_websocket_options socket;
    tow_reverse_tunnel_options options;
    tow_reverse_tunnel *tunnel;
} reverse_service;

static void on_log(void *user, int level, const char *line) {
    tow_service *service = user;
    if (level <= service->settings->log_level)
        tow_service_log(service, &(tow_log_entry){.level = level, .line = line});
}

static void stop(tow_service *service) {
    tow_reverse_tunnel_stop(
        ((reverse_service *)(void *)service)->tunnel, service->settings->server.drain_seconds);
}

static void fill(reverse_service *reverse, const char *listen) {
    reverse->socket = tow_way_options(&reverse->way);
    reverse->socket.limits = reverse->settings->serve.server.limits;
    reverse->socket.connect_seconds = reverse->settings->tunnel.connect_seconds;
    reverse->options = (tow_reverse_tunnel_options){.listen = listen,
        .url = tow_way_url(&reverse->way),
        .socket = &reverse->socket,
        .text = reverse->settings->tunnel.text,
        .lines = reverse->settings->tunnel.lines,
        .half_close_seconds = reverse->settings->tunnel.half_close_seconds,
        .on_log = on_log,
        .log_user = &reverse->service};
}

static void say_from(reverse_service *reverse, const char *address) {
    tow_url url = {0}; /* without the user and password that it may have */
    bool shown = tow_url_read(&url, reverse->options.url, NULL) == 0;
    tow_service_say(&reverse->service, TOW_LOG_NOTICE, "towline: tunnel from %s%s to %s",
        strncmp(address, "unix:", 5) == 0 ? "" : "tcp:", address, shown ? url.text : "the server");
    tow_url_clear(&url);
}

/* Sockets that somebody else has opened have addresses of their own. */
static void announce(reverse_service *reverse) {
    const char *listen = reverse->options.listen;
    char name[TOW_PORT_NAME_MAX];
    if (!tow_is_inherited(listen)) {
        tow_port_name(listen, tow_reverse_tunnel_port(reverse->tunnel), name);
        say_from(reverse, name);
        return;
    }
    for (int place = 0; tow_reverse_tunnel_address(reverse->tunnel, place, name); place++)
        say_from(reverse, name);
}

static void complain_of_listening(const reverse_service *reverse, int error) {
    const char *listen = reverse->options.listen;
    tow_complaint why = {0};
    if (tow_is_inherited(listen) && tow_inherited_check(listen, &why) != 0)
        tow_service_complain(&reverse->service, "LISTEN %s: %s", listen, why.text);
    else
        tow_service_complain_of_address(&reverse->service, "LISTEN", listen, error);
}

static int run(reverse_service *reverse) {
    tow_service *service = &reverse->service;
    int error = tow_service_begin(service);
    if (error != 0)
        return error;
    reverse->options.max_connections = tow_service_max_connections(service, 1, DESCRIPTORS_EACH);
    if (tow_way_check(&reverse->way, service->loop) != 0)
        return TOW_ERROR_CERTIFICATE; /* it was told */
    error = tow_reverse_tunnel_new(&reverse->tunnel, service->loop, &reverse->options);
    if (error != 0) {
        complain_of_listening(reverse, error);
        return error;
    }
    tow_service_forget_sockets();
    announce(reverse);
    tow_service_tick(service);
    error = tow_loop_run(service->loop);
    if (error != 0)
        tow_service_complain(service, "%s", tow_strerror(error));
    return error;
}

/* For a server that asks. Returns 0, or the exit status after telling what is wrong. */
static int certificate_fill(reverse_service *reverse) {
    const char *const *certificates = reverse->settings->serve.certificates;
    const char *const *keys = reverse->settings->serve.keys;
    if (certificates != NULL && certificates[1] != NULL) {
        tow_service_complain(&reverse->service, "--certificate: a client has but one to show");
        return TOW_EXIT_USAGE;
    }
    if (keys != NULL && keys[1] != NULL) {
        tow_service_complain(&reverse->service, "--key: a client has but one");
        return TOW_EXIT_USAGE;
    }
    reverse->connect.cert = certificates != NULL ? certificates[0] : NULL;
    reverse->connect.key = keys != NULL ? keys[0] : NULL;
    return 0;
}

int tow_tunnel_reverse(const tow_options *options, const char *listen, const char *url) {
    static const tow_service_kind kind = {.on_stop = stop};
    const tow_tunnel_settings *settings = options->settings;
    reverse_service reverse = {
        .service = {.kind = &kind, .options = options, .settings = &settings->serve}, .settings = settings};
    reverse.connect = settings->connect;
    int status = certificate_fill(&reverse);
    if (status != 0)
        return status;
    status = tow_way_make(&reverse.way, options, &reverse.connect, url);
    if (status == 0) {
        fill(&reverse, listen);
        status = run(&reverse) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        tow_reverse_tunnel_free(reverse.tunnel);
        tow_service_end(&reverse.service);
    }
    tow_way_clear(&reverse.way);
    return status;
}
