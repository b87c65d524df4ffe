#include "settings.h"

#include "../options.h"
#include "../trust.h"
#include "base/range.h"

#include <limits.h>

enum {
    MAX_CONNECTIONS = 256,
    MAX_HOST_CONNECTIONS = 16,
    MAX_WAITING = 1024,
    MAX_HOST_WAITING = 256,
    CONNECT_SECONDS = 10,
    IDLE_SECONDS = 30
};

static void set_default(int *number, int otherwise) {
    if (*number == 0)
        *number = otherwise;
}

int tow_http_settings_resolve(tow_http_client_options *options) {
    const tow_range ranges[] = {
        TOW_RANGE(options, max_connections, TOW_OFF, INT_MAX),
        TOW_RANGE(options, max_host_connections, TOW_OFF, INT_MAX),
        TOW_RANGE(options, max_waiting, TOW_OFF, INT_MAX),
        TOW_RANGE(options, max_host_waiting, TOW_OFF, INT_MAX),
        TOW_RANGE(options, connect_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(options, idle_seconds, TOW_OFF, INT_MAX),
    };
    int error = tow_ranges_check(ranges, sizeof(ranges) / sizeof(ranges[0]), NULL);
    if (error != 0)
        return error;
    set_default(&options->max_connections, MAX_CONNECTIONS);
    set_default(&options->max_host_connections, MAX_HOST_CONNECTIONS);
    set_default(&options->max_waiting, MAX_WAITING);
    set_default(&options->max_host_waiting, MAX_HOST_WAITING);
    set_default(&options->connect_seconds, CONNECT_SECONDS);
    set_default(&options->idle_seconds, IDLE_SECONDS);
    return 0;
}

static int make_tls(
    tow_loop *loop, const tow_http_client_options *options, tow_trust trusted, tow_tls_context **tls) {
    char why[TOW_TLS_TEXT_MAX];
    const tow_websocket_options trust = {.tls_roots = options->tls_roots,
        .tls_revoked = options->tls_revoked,
        .tls_certificate = options->tls_certificate,
        .tls_key = options->tls_key,
        .tls_insecure = options->tls_insecure};
    int error = tow_options_check(&trust);
    return error != 0 ? error : tow_trust_context(loop, &trust, trusted, tls, why);
}

int tow_http_settings_trust_server(tow_http_client *client) {
    return make_tls(client->loop, &client->options, TOW_TRUST_SERVER, &client->tls);
}

int tow_http_settings_read_trust(tow_http_client *client, const tow_http_client_options *options) {
    bool names_files = options->tls_roots != NULL || options->tls_revoked != NULL ||
                       options->tls_certificate != NULL || options->tls_key != NULL;
    bool asks_proxy = options->proxy != NULL && options->proxy->kind == TOW_PROXY_HTTPS;
    int error = 0;
    if (options->tls != NULL)
        client->tls = tow_tls_context_retain(options->tls);
    else if (names_files)
        error = make_tls(client->loop, options, TOW_TRUST_SERVER, &client->tls);
    if (options->proxy_tls != NULL)
        client->proxy_tls = tow_tls_context_retain(options->proxy_tls);
    else if (error == 0 && asks_proxy)
        error = make_tls(client->loop, options, TOW_TRUST_PROXY, &client->proxy_tls);
    return error;
}
