#include "settings.h"

#include "base/range.h"
#include "report.h"
#include "server/descriptors.h"
#include "texts.h"
#include "transport/inherited.h"
#include "websocket/websocket.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    HANDSHAKE_SECONDS = 10,
    HANDSHAKE_BYTES = 16 * 1024,
    DRAIN_SECONDS = 5,
    MAX_POSTED = 64 * 1024 * 1024,
    UNFINISHED_MIN = 256 * 1024 * 1024,
    UNFINISHED_MESSAGES = 16,
    WORKERS_MAX = 1024
};

/* A list with `first` in front, where that is not NULL; nothing if there is neither. */
static int listens_copy(char ***out, const char *first, const char *const *more) {
    size_t count = (first != NULL ? 1 : 0) + tow_texts_count(more);
    const char **all = calloc(count + 1, sizeof(*all));
    if (all == NULL)
        return TOW_ERROR_MEMORY;
    all[0] = first;
    for (size_t i = 0; i < tow_texts_count(more); i++)
        all[i + (first != NULL)] = more[i];
    int error = tow_texts_copy(out, all);
    free(all);
    return error;
}

/* NULL where the list is empty. */
static int list_copy(char ***out, const char *const *list) {
    return tow_texts_copy(out, tow_texts_count(list) > 0 ? list : NULL);
}

/* The first listener of the options; NULL: none, or the list's. */
static const char *first_listen(const tow_server_options *options) {
    if (options->listen == NULL)
        return tow_texts_count(options->listens) == 0 ? "localhost:9998" : NULL;
    return strcmp(options->listen, "off") == 0 ? NULL : options->listen;
}

static int texts_copy(tow_settings *settings, const tow_server_options *options) {
    const char *const status[] = {options->status, NULL};
    int error = listens_copy(&settings->listens, first_listen(options), options->listens);
    if (error == 0)
        error = list_copy(&settings->status, status);
    if (error == 0)
        error = list_copy(&settings->allow_origins, options->allow_origins);
    if (error == 0)
        error = list_copy(&settings->hosts, options->hosts);
    return error;
}

static int addresses_check(const char *option, char *const *texts, tow_complaint *complaint) {
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        int error = tow_listen_text_check(texts[i]);
        if (error == 0)
            continue;
        tow_complain(complaint,
            "%s: '%s' is not an address such as 9998, *:80, [::1]:9998 or unix:/PATH, nor fd:NUMBER or "
            "systemd",
            option, texts[i]);
        return error;
    }
    return 0;
}

static int texts_check(const tow_settings *settings, tow_complaint *complaint) {
    int error = addresses_check("listen", settings->listens, complaint);
    if (error == 0)
        error = addresses_check("status", settings->status, complaint);
    if (error == 0)
        error = tow_texts_check(&tow_rule_of_origins, settings->allow_origins, complaint);
    return error != 0 ? error : tow_texts_check(&tow_rule_of_hosts, settings->hosts, complaint);
}

static int trusted_read(tow_settings *settings, const tow_server_options *options, tow_complaint *complaint) {
    size_t count = tow_texts_count(options->trusted_proxies);
    settings->proxy_protocol = options->proxy_protocol;
    if (count == 0)
        return 0;
    settings->trusted = calloc(count, sizeof(*settings->trusted));
    if (settings->trusted == NULL)
        return TOW_ERROR_MEMORY;
    for (; settings->trusted_count < count; settings->trusted_count++) {
        const char *text = options->trusted_proxies[settings->trusted_count];
        if (tow_subnet_read(&settings->trusted[settings->trusted_count], text, strlen(text)) != 0)
            return tow_complain(complaint,
                "trusted_proxies: '%s' is not an address such as 10.0.0.1, a network such as 10.0.0.0/8, or "
                "unix",
                text);
    }
    return 0;
}

static int numbers_check(const tow_server_options *options, tow_complaint *complaint) {
    const tow_range ranges[] = {
        TOW_RANGE(options, workers, 0, WORKERS_MAX),
        TOW_RANGE(options, io, TOW_IO_AUTO, TOW_IO_EPOLL),
        TOW_RANGE(options, handshake_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(options, handshake_bytes, TOW_OFF, INT64_MAX),
        TOW_RANGE(options, max_connections, TOW_OFF, INT64_MAX),
        TOW_RANGE(options, max_connections_per_address, TOW_OFF, INT64_MAX),
        TOW_RANGE(options, drain_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(options, max_unfinished, TOW_OFF, INT64_MAX),
        TOW_RANGE(options, max_unfinished_per_address, TOW_OFF, INT64_MAX),
        TOW_RANGE(options, max_posted, TOW_OFF, INT64_MAX),
        TOW_RANGE(options, log_level, TOW_OFF, TOW_LOG_DEBUG),
    };
    return tow_ranges_check(ranges, sizeof(ranges) / sizeof(ranges[0]), complaint);
}

/* What says nothing without another option, or the opposite of it: taken silently, it would promise what is
 * not so. */
static int combination_check(const tow_server_options *options, tow_complaint *complaint) {
    if (options->proxy_protocol && tow_texts_count(options->trusted_proxies) == 0)
        return tow_complain(complaint, "proxy_protocol: name the proxies in trusted_proxies");
    return tow_tls_sources_check(options, complaint);
}

static int64_t limit_or(int64_t value, int64_t otherwise) {
    if (value == TOW_OFF)
        return INT64_MAX;
    return value != 0 ? value : otherwise;
}

/* A few of the largest messages must fit. */
static int64_t unfinished_for(int64_t max_message) {
    if (max_message < 0 || max_message > INT64_MAX / UNFINISHED_MESSAGES)
        return INT64_MAX;
    int64_t bytes = max_message * UNFINISHED_MESSAGES;
    return bytes > UNFINISHED_MIN ? bytes : UNFINISHED_MIN;
}

static void numbers_fill(tow_settings *settings, const tow_server_options *options) {
    settings->limits = options->limits;
    tow_limits_resolve(&settings->limits, TOW_ROLE_SERVER, NULL);
    settings->workers = options->workers != 0 ? options->workers : 1;
    settings->io = options->io;
    settings->handshake_seconds =
        options->handshake_seconds != 0 ? options->handshake_seconds : HANDSHAKE_SECONDS;
    settings->drain_seconds = options->drain_seconds != 0 ? options->drain_seconds : DRAIN_SECONDS;
    settings->handshake_bytes = limit_or(options->handshake_bytes, HANDSHAKE_BYTES);
    settings->connections_possible = tow_connections_possible(settings->workers, 1);
    settings->max_connections = limit_or(options->max_connections, settings->connections_possible);
    settings->max_connections_per_address = limit_or(options->max_connections_per_address, INT64_MAX);
    settings->max_unfinished =
        limit_or(options->max_unfinished, unfinished_for(settings->limits.max_message));
    settings->max_unfinished_per_address = limit_or(options->max_unfinished_per_address,
        settings->max_unfinished == INT64_MAX
            ? INT64_MAX
            : settings->max_unfinished / 4 + (settings->max_unfinished % 4 != 0));
    settings->max_posted = limit_or(options->max_posted, MAX_POSTED);
    settings->tls_redirect = options->tls_redirect;
}

static void log_fill(tow_settings *settings, const tow_server_options *options) {
    settings->log_level = options->log_level != 0 ? options->log_level : TOW_LOG_INFO;
    settings->on_log = options->on_log;
    settings->on_log_entry = options->on_log_entry;
    settings->log_user = options->log_user;
}

static int limits_check(const tow_limits *limits, tow_complaint *complaint) {
    tow_complaint inner;
    int error = tow_limits_check(limits, &inner);
    return error == 0 ? 0 : tow_complain(complaint, "limits.%.200s", inner.text);
}

static int read_all(tow_settings *settings, const tow_server_options *options, tow_complaint *complaint) {
    int error = numbers_check(options, complaint);
    if (error != 0)
        return error;
    numbers_fill(settings, options);
    error = limits_check(&settings->limits, complaint);
    if (error == 0)
        error = combination_check(options, complaint);
    if (error == 0)
        error = texts_copy(settings, options);
    if (error == 0)
        error = tow_tls_sources_copy(&settings->tls, options);
    if (error == 0)
        error = texts_check(settings, complaint);
    return error != 0 ? error : trusted_read(settings, options, complaint);
}

int tow_settings_read(tow_settings *settings, const tow_server_options *options) {
    tow_complaint complaint = {0};
    *settings = (tow_settings){0};
    log_fill(settings, options);
    int error = read_all(settings, options, &complaint);
    if (complaint.text[0] != '\0')
        tow_report(settings, TOW_LOG_ERROR, "%s", complaint.text);
    if (error != 0)
        tow_settings_clear(settings);
    return error;
}

void tow_settings_clear(tow_settings *settings) {
    tow_texts_free(settings->listens);
    tow_texts_free(settings->status);
    tow_texts_free(settings->allow_origins);
    tow_texts_free(settings->hosts);
    free(settings->trusted);
    tow_tls_sources_clear(&settings->tls);
    *settings = (tow_settings){0};
}
