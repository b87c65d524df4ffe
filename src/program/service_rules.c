#include "service_rules.h"

#include "ports.h"

#include <stdio.h>
#include <string.h>

/* A rule, and what is said when it is broken. */
typedef struct service_rule {
    bool is_broken;
    const char *text;
} service_rule;

static const char *first_broken(const service_rule *rules, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (rules[i].is_broken)
            return rules[i].text;
    return NULL;
}

#define FIRST_BROKEN(rules) first_broken(rules, sizeof(rules) / sizeof((rules)[0]))

static const char *broken_of_tls(const tow_serve_settings *settings) {
    const tow_server_options *server = &settings->server;
    bool certified = settings->certificates != NULL;
    bool on = certified || server->tls_self_signed;
    const service_rule rules[] = {
        {settings->tls && !on,
            "--tls: name a certificate with --certificate FILE, or have one made with --tls-self-signed"},
        {server->tls_self_signed && certified,
            "--tls-self-signed: there is a certificate already: leave one of the two away"},
        {settings->keys != NULL && !certified, "--key: name its certificate with --certificate FILE"},
        {tow_list_length(settings->keys) > tow_list_length(settings->certificates),
            "--key: there are more keys than certificates: name each one's with --certificate FILE"},
        {server->tls_client_crl != NULL && server->tls_client_ca == NULL,
            "--tls-client-crl: name the authorities whose list it is with --tls-client-ca FILE"},
        {!on && server->tls_redirect,
            "--tls-redirect: turn TLS on with --certificate FILE or --tls-self-signed"},
        {!on && server->tls_client_ca != NULL,
            "--tls-client-ca: turn TLS on with --certificate FILE or --tls-self-signed"},
    };
    return FIRST_BROKEN(rules);
}

static const char *broken_of_limits(const tow_options *options, const tow_limits *limits) {
    bool compresses = limits->compression != TOW_COMPRESSION_OFF;
    const service_rule rules[] = {
        {limits->overflow == TOW_OVERFLOW_DROP_OLDEST && limits->compression == TOW_COMPRESSION_TAKEOVER,
            "--overflow drop-oldest: with --compression takeover each message refers to those before: use "
            "--compression shared"},
        {tow_options_changed(options, "overflow") && limits->max_queue == TOW_OFF,
            "--overflow: with --max-queue off nothing is over it: leave one of the two away"},
        {limits->low_mark > 0 && limits->high_mark == TOW_OFF,
            "--low-mark: with --high-mark off there is none: leave one of the two away"},
        {limits->high_mark > 0 && limits->low_mark >= limits->high_mark,
            "--low-mark: it is not below --high-mark: give a larger one of that, or a smaller one of this"},
        {tow_options_changed(options, "message-rate") && limits->message_seconds == TOW_OFF,
            "--message-rate: it adds to --message-seconds, which is off: give both, or none"},
        {tow_options_changed(options, "compression-min") && !compresses,
            "--compression-min: with --compression off nothing is compressed: leave one of the two away"},
        {tow_options_changed(options, "compression-max") && !compresses,
            "--compression-max: with --compression off nothing is compressed: leave one of the two away"},
    };
    return FIRST_BROKEN(rules);
}

/* Whether a port is left for which --server-host says the host. */
static bool has_bare_port(const char *const *ports) {
    if (ports == NULL)
        return true; /* the default one */
    for (; *ports != NULL; ports++)
        if (tow_port_stands_alone(*ports))
            return true;
    return false;
}

static const char *broken_of_access(const tow_serve_settings *settings) {
    const tow_server_options *server = &settings->server;
    const service_rule rules[] = {
        {server->proxy_protocol && server->trusted_proxies == NULL,
            "--proxy-protocol: name the proxies with --trusted-proxy, such as --trusted-proxy 127.0.0.1"},
        {settings->server_host != NULL && !has_bare_port(server->listens),
            "--server-host: every --port says its host: leave it away"},
    };
    return FIRST_BROKEN(rules);
}

static const char *broken_of_guard(const tow_options *options, const tow_guard_settings *guard) {
    bool lists = tow_guard_is_said(guard->basic_auth) || tow_guard_is_said(guard->bearer_token);
    bool asks = tow_guard_is_said(guard->auth_url);
    const service_rule rules[] = {
        {asks && lists, "--auth-url: there is a file of users or tokens already: leave one of the two away"},
        {guard->auth_cookie != NULL && !lists,
            "--auth-cookie: say who may come in with --basic-auth FILE or --bearer-token FILE"},
        {tow_options_changed(options, "auth-seconds") && !asks,
            "--auth-seconds: name the back end that is asked with --auth-url URL"},
    };
    return FIRST_BROKEN(rules);
}

static const char *broken_of_tokens(const tow_options *options, const tow_token_settings *tokens) {
    const service_rule rules[] = {
        {tokens->url != NULL && tokens->keys != NULL,
            "--token-url: there is a file of keys already: leave one of the two away"},
        {tokens->audience != NULL && tokens->keys == NULL,
            "--token-audience: name the keys that check tokens with --token-keys FILE"},
        {tokens->cookie != NULL && tokens->keys == NULL,
            "--token-cookie: name the keys that check tokens with --token-keys FILE"},
        {tow_options_changed(options, "token-seconds") && tokens->url == NULL,
            "--token-seconds: name the back end that is asked with --token-url URL"},
    };
    return FIRST_BROKEN(rules);
}

static const char *broken_of_sessions(const tow_options *options, const tow_serve_settings *settings) {
    const service_rule rules[] = {
        {tow_options_changed(options, "sockjs-half-made") && settings->sockjs.off,
            "--sockjs-half-made: with --no-sockjs there are none: leave one of the two away"},
    };
    return FIRST_BROKEN(rules);
}

static const char *broken_of_handlers(const tow_serve_settings *settings) {
    const tow_directory_options *handlers = &settings->handlers;
    bool none = handlers->root == NULL;
    const service_rule rules[] = {
        {none && handlers->aliases != NULL, "--aliases: name the folder of handlers with --handlers DIR"},
        {none && handlers->scan != NULL, "--scan: name the folder of handlers with --handlers DIR"},
        {none && handlers->outside,
            "--allow-handlers-outside: name the folder of handlers with --handlers DIR"},
        {none && handlers->sources, "--dev: name the folder of handlers with --handlers DIR"},
    };
    return FIRST_BROKEN(rules);
}

/* What a rule says begins with the option's name. */
static bool tell(const tow_options *options, const char *text, char out[TOW_OPTIONS_ERROR_MAX]) {
    if (text == NULL)
        return false;
    tow_options_tell(options, text + 2, out);
    return true;
}

bool tow_limits_contradict(
    const tow_options *options, const tow_limits *limits, char out[TOW_OPTIONS_ERROR_MAX]) {
    return tell(options, broken_of_limits(options, limits), out);
}

bool tow_guard_contradicts(
    const tow_options *options, const tow_guard_settings *guard, char out[TOW_OPTIONS_ERROR_MAX]) {
    return tell(options, broken_of_guard(options, guard), out);
}

bool tow_service_contradicts(
    const tow_options *options, const tow_serve_settings *settings, char out[TOW_OPTIONS_ERROR_MAX]) {
    const char *broken = broken_of_access(settings);
    if (broken == NULL)
        broken = broken_of_tls(settings);
    if (broken == NULL)
        broken = broken_of_handlers(settings);
    if (broken == NULL)
        broken = broken_of_tokens(options, &settings->tokens);
    if (broken == NULL)
        broken = broken_of_sessions(options, settings);
    return tell(options, broken, out) || tow_guard_contradicts(options, &settings->guard, out) ||
           tow_limits_contradict(options, &settings->server.limits, out);
}
