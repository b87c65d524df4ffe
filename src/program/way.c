#include "way.h"

#include "client/client.h"
#include "client/url.h"
#include "connect/proxy.h"
#include "exit_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static int fail(const tow_way *way, int error) {
    fprintf(stderr, "towline %s: %s\n", way->options->command->name, tow_strerror(error));
    return EXIT_FAILURE;
}

static int usage(const tow_way *way, const char *complaint) {
    fprintf(stderr, "towline %s: %s\n", way->options->command->name, complaint);
    return TOW_EXIT_USAGE;
}

/* A URL without a scheme is one of ws. */
static int url_complete(const char *url, tow_buffer *out) {
    bool has_scheme = strstr(url, "://") != NULL;
    int error = tow_buffer_append_format(out, "%s%s", has_scheme ? "" : "ws://", url);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

/* Returns 0, or the exit status after telling what is wrong. */
static int url_check(tow_way *way) {
    const char *text = (const char *)way->url.data;
    tow_url url = {0};
    const char *why = NULL;
    int error = tow_url_read(&url, text, &why);
    way->is_secure = url.secure;
    tow_url_clear(&url);
    if (error == 0)
        return 0;
    if (error == TOW_ERROR_MEMORY)
        return fail(way, error);
    fprintf(stderr, "towline %s: %.200s: %s\n", way->options->command->name, text, why);
    return TOW_EXIT_USAGE;
}

/* What the environment says of this URL's host. Errors: MEMORY. */
static int proxy_from_environment(tow_way *way) {
    const char *text = (const char *)way->url.data;
    tow_url url = {0};
    int error = tow_url_read(&url, text, NULL);
    if (error != 0)
        return error;
    way->proxy = tow_proxy_from_environment(getenv, url.secure, url.host);
    tow_url_clear(&url);
    return 0;
}

/* Tells what is wrong with a proxy, without its password. */
static int proxy_refused(const tow_way *way, const char *from, const char *why) {
    fprintf(stderr, "towline %s: %s: %s\n", way->options->command->name, from, why);
    return TOW_EXIT_USAGE;
}

static int proxy_check(tow_way *way) {
    const char *from = way->settings->proxy != NULL ? "--proxy" : "the environment's proxy";
    const char *why = NULL;
    tow_proxy proxy = {0};
    if (tow_proxy_read(&proxy, way->proxy, &why) != 0)
        return proxy_refused(way, from, why);
    snprintf(way->proxy_place, sizeof(way->proxy_place), "%s port %u", proxy.host, proxy.port);
    way->proxy_is_secure = proxy.kind == TOW_PROXY_HTTPS;
    tow_proxy_clear(&proxy);
    return 0;
}

/* Returns 0, or the exit status after telling what is wrong. */
static int proxy_choose(tow_way *way) {
    const tow_connect_settings *settings = way->settings;
    bool off = settings->proxy != NULL && strcmp(settings->proxy, "off") == 0;
    if (settings->proxy != NULL && !off && settings->unix_path != NULL)
        return proxy_refused(way, "--proxy and --unix", "these are two ways; take one of them");
    way->proxy = off ? NULL : settings->proxy;
    if (settings->proxy == NULL && settings->unix_path == NULL && proxy_from_environment(way) != 0)
        return fail(way, TOW_ERROR_MEMORY);
    return way->proxy != NULL ? proxy_check(way) : 0;
}

/* What contradicts each other, or NULL. */
static const char *tls_complaint(const tow_connect_settings *settings) {
    if (settings->key != NULL && settings->cert == NULL)
        return "--key: name its certificate with --cert FILE";
    if (settings->insecure && settings->cacert != NULL)
        return "--insecure checks no certificate: leave it or --cacert away";
    if (settings->insecure && settings->crl != NULL)
        return "--insecure checks no certificate: leave it or --crl away";
    return NULL;
}

/* Whether a proxy has TLS may be the environment's affair: then nothing is said. Some options are for TLS
 * whoever is its server: a tunnel's certificate. */
static int tls_options_check(const tow_way *way) {
    char label[TOW_OPTION_LABEL_MAX];
    bool may_have_tls = way->is_secure || way->proxy != NULL;
    const tow_option *option = may_have_tls ? NULL : tow_options_useless(way->options, TOW_OPTION_NEEDS_TLS);
    if (option == NULL)
        return 0;
    tow_option_label(option, tow_options_source(way->options, option->name), label);
    fprintf(stderr, "towline %s: %s: this is for %swss://, or a proxy at https://: leave it away\n",
        way->options->command->name, label,
        (option->needs & TOW_OPTION_NEEDS_CLIENT) != 0 ? "" : "tunnels from wss://, or to ");
    return TOW_EXIT_USAGE;
}

int tow_way_make(
    tow_way *way, const tow_options *options, const tow_connect_settings *settings, const char *operand) {
    *way = (tow_way){.options = options, .settings = settings};
    const char *complaint = tow_headers_complaint(settings);
    if (complaint == NULL)
        complaint = tls_complaint(settings);
    if (complaint != NULL)
        return usage(way, complaint);
    int error = url_complete(operand, &way->url);
    if (error == 0)
        error = tow_headers_make(&way->headers, settings);
    if (error != 0)
        return fail(way, error);
    int status = url_check(way);
    if (status == 0)
        status = proxy_choose(way);
    return status != 0 ? status : tls_options_check(way);
}

tow_websocket_options tow_way_options(const tow_way *way) {
    const tow_connect_settings *settings = way->settings;
    return (tow_websocket_options){.protocols = settings->protocols,
        .origin = settings->origin,
        .headers = way->headers.fields,
        .limits.compression = settings->compression,
        .limits.max_message = settings->max_message,
        .proxy = way->proxy,
        .unix_path = settings->unix_path,
        .tls_roots = settings->cacert,
        .tls_revoked = settings->crl,
        .tls_certificate = settings->cert,
        .tls_key = settings->key,
        .tls_insecure = settings->insecure,
        .fallback = settings->fallback};
}

int tow_way_check(const tow_way *way, tow_loop *loop) {
    char why[TOW_TLS_TEXT_MAX] = "";
    const tow_websocket_options options = tow_way_options(way);
    if (!way->is_secure && !way->proxy_is_secure)
        return 0;
    if (way->settings->insecure)
        fprintf(stderr, "towline %s: --insecure: no certificate is checked, so the peer may be anybody\n",
            way->options->command->name);
    if (tow_client_check_trust(loop, &options, why) == 0)
        return 0;
    fprintf(stderr, "towline %s: %s\n", way->options->command->name, why);
    return EXIT_FAILURE;
}

const char *tow_way_url(const tow_way *way) {
    return (const char *)way->url.data;
}

int tow_way_refused(const tow_way *way, int error) {
    if (error != TOW_ERROR_ARGUMENT)
        return fail(way, error);
    fprintf(stderr,
        "towline %s: a subprotocol stands twice, or a header cannot be sent: the handshake's own are not "
        "yours\n",
        way->options->command->name);
    return TOW_EXIT_USAGE;
}

void tow_way_clear(tow_way *way) {
    tow_buffer_clear(&way->url);
    tow_headers_clear(&way->headers);
}
