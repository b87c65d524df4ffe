#include "certificates.h"
#include "report.h"
#include "server/change.h"
#include "state.h"
#include "websocket/websocket.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* One route. */

static int route_make(tow_route **route, const tow_server *server, const char *path,
    const tow_handler *handler, const tow_route_defaults *defaults) {
    tow_complaint complaint = {0};
    int error = tow_route_new(route, path, handler, defaults, &complaint);
    if (complaint.text[0] != '\0')
        tow_report(&server->settings, TOW_LOG_ERROR, "route %.200s: %s", path, complaint.text);
    return error;
}

static int route_put(tow_server *server, tow_route *route) {
    tow_letter *letters = NULL;
    int error = tow_errands_make(server, tow_worker_look_at_routes, &letters);
    if (error == 0)
        error = tow_routing_put(&server->routing, route);
    tow_errands_leave(letters, error == 0);
    return error;
}

/* Of a struct that may have grown since, the caller knows so much. */
int tow_server_route_sized(
    tow_server *server, const char *path, const tow_handler *handler, size_t handler_size) {
    if (server == NULL || path == NULL || handler == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_handler known = {0};
    memcpy(&known, handler, handler_size < sizeof(known) ? handler_size : sizeof(known));
    tow_route *route = NULL;
    int error = route_make(&route, server, path, &known, &server->route_defaults);
    if (error == 0)
        error = route_put(server, route);
    if (error != 0)
        tow_route_free(route);
    return error;
}

int tow_server_unroute(tow_server *server, const char *path) {
    if (server == NULL || path == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_letter *letters = NULL;
    int error = tow_errands_make(server, tow_worker_look_at_routes, &letters);
    if (error == 0)
        error = tow_routing_remove(&server->routing, path);
    tow_errands_leave(letters, error == 0);
    return error;
}

/* Certificates. */

static int certificates_change(tow_server *server, const tow_certificate *certificates, size_t count) {
    tow_certificates made;
    int error = tow_certificates_make(&made, server, certificates, count);
    if (error == 0)
        tow_certificates_take(&made, server);
    return error;
}

int tow_server_reload(tow_server *server) {
    if (server == NULL)
        return TOW_ERROR_ARGUMENT;
    bool has_some = tow_secrecy_is_on(&server->secrecy) && !tow_secrecy_is_self_signed(&server->secrecy);
    return has_some ? certificates_change(server, NULL, 0) : 0;
}

int tow_server_set_certificates(tow_server *server, const tow_certificate *certificates, size_t count) {
    if (server == NULL || certificates == NULL || count == 0)
        return TOW_ERROR_ARGUMENT;
    return tow_secrecy_is_on(&server->secrecy) ? certificates_change(server, certificates, count)
                                               : TOW_ERROR_STATE;
}

/* All at once. */

struct tow_server_change {
    tow_server *server;
    tow_rules *rules;
    tow_route_defaults defaults;
    tow_snapshot *routes;
    tow_certificates certificates;
    tow_letter *letters;
};

/* Limits that all routes fall back to. */
static int limits_make(tow_server_change *change, const tow_limits *limits) {
    tow_complaint complaint = {0};
    change->defaults = change->server->route_defaults;
    change->defaults.limits = *limits;
    tow_limits_resolve(&change->defaults.limits, TOW_ROLE_SERVER, NULL);
    int error = tow_limits_check(&change->defaults.limits, &complaint);
    if (error != 0)
        tow_report(&change->server->settings, TOW_LOG_ERROR, "limits: %.200s", complaint.text);
    return error;
}

static int certificates_make(tow_server_change *change, const tow_changed_options *options) {
    tow_server *server = change->server;
    if (options->certificate_count == 0)
        return 0;
    return tow_secrecy_is_on(&server->secrecy) ? tow_certificates_make(&change->certificates, server,
                                                     options->certificates, options->certificate_count)
                                               : TOW_ERROR_STATE;
}

static int make(tow_server_change *change, const tow_changed_options *options) {
    tow_server *server = change->server;
    int error = tow_rules_new(&change->rules, options->allow_origins, options->hosts, &server->settings);
    if (error == 0)
        error = limits_make(change, &options->limits);
    if (error == 0)
        error = tow_routing_draft(&server->routing, &change->defaults, &change->routes);
    if (error == 0)
        error = certificates_make(change, options);
    return error != 0 ? error : tow_errands_make(server, tow_worker_take_rules, &change->letters);
}

int tow_server_change_new(tow_server_change **out, tow_server *server, const tow_changed_options *options) {
    tow_server_change *change = calloc(1, sizeof(*change));
    if (change == NULL)
        return TOW_ERROR_MEMORY;
    change->server = server;
    int error = make(change, options);
    if (error != 0)
        tow_server_change_drop(change);
    else
        *out = change;
    return error;
}

int tow_server_change_route(tow_server_change *change, const char *path, const tow_handler *handler) {
    tow_route *route = NULL;
    int error = route_make(&route, change->server, path, handler, &change->defaults);
    if (error == 0)
        error = tow_draft_put(change->routes, route);
    if (error != 0)
        tow_route_free(route);
    return error;
}

void tow_server_change_unroute(tow_server_change *change, const char *path) {
    tow_draft_remove(change->routes, path);
}

static void rules_take(tow_server *server, tow_rules *rules) {
    tow_rules_know_sites(rules, &server->sites);
    pthread_mutex_lock(&server->mutex);
    tow_rules *before = server->rules;
    server->rules = rules;
    pthread_mutex_unlock(&server->mutex);
    tow_rules_release(before);
}

void tow_server_change_take(tow_server_change *change) {
    if (change == NULL)
        return;
    tow_server *server = change->server;
    server->route_defaults = change->defaults;
    tow_routing_take(&server->routing, change->routes);
    rules_take(server, change->rules);
    tow_certificates_take(&change->certificates, server);
    tow_errands_leave(change->letters, true);
    free(change);
}

void tow_server_change_drop(tow_server_change *change) {
    if (change == NULL)
        return;
    tow_snapshot_release(change->routes);
    tow_rules_release(change->rules);
    tow_certificates_drop(&change->certificates, change->server);
    tow_errands_leave(change->letters, false);
    free(change);
}
