/* In the parent: what sites serve, found once for all children of a generation. */
#include "python_process.h"
#include "server_options.h"
#include "site.h"

#include "apr_strings.h"
#include "http_log.h"

#include "handler/directory.h"

#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

APLOG_USE_MODULE(towline);

/* Our levels are those of syslog, as Apache's are. */
void tow_apache_log(const server_rec *server, int level, const char *line) {
    ap_log_error(APLOG_MARK, level, 0, server, "towline: %s", line);
}

static void log_line(void *user, int level, const char *line) {
    tow_apache_log(((const tow_apache_site *)user)->server, level, line);
}

typedef struct listing {
    tow_apache_site *site;
    apr_pool_t *pool;
} listing;

static void tell(void *user, const char *path, const char *kind, const char *file) {
    const listing *made = user;
    tow_apache_entry *entry = &APR_ARRAY_PUSH(made->site->entries, tow_apache_entry);
    *entry = (tow_apache_entry){.path = apr_pstrdup(made->pool, path),
        .kind = apr_pstrdup(made->pool, kind),
        .file = apr_pstrdup(made->pool, file)};
}

static bool list_entries(tow_apache_site *site, apr_pool_t *pool) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_directory_options options = {.root = site->handlers, .aliases = site->aliases};
    const tow_handler_place place = {.log = {log_line, site}};
    site->entries = apr_array_make(pool, 16, sizeof(tow_apache_entry));
    if (tow_directory_list(&options, &place, tell, &(listing){site, pool}, why) == 0)
        return true;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, site->server, "towline: TowlineHandlers: %s", why);
    return false;
}

/* A server as the children will make them, which says what is wrong with the settings. */
static bool settings_are_right(const tow_apache_site *site) {
    tow_server *server;
    tow_server_options options = tow_apache_server_options(site);
    int error = tow_server_new(&server, &options);
    if (error == 0)
        error = tow_server_route(server, "/",
            &(tow_handler){.on_open = NULL,
                .on_message = tow_apache_no_message,
                .protocols = tow_apache_list(site->protocols)});
    if (error != 0)
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, site->server, "towline: %s", tow_strerror(error));
    if (error == 0)
        tow_server_free(server);
    return error == 0;
}

static bool is_known(const tow_apache_site *site) {
    const apr_array_header_t *sites = tow_apache_global_of()->sites;
    for (int i = 0; i < sites->nelts; i++)
        if (APR_ARRAY_IDX(sites, i, tow_apache_site *) == site)
            return true;
    return false;
}

bool tow_apache_sites_prepare(apr_pool_t *pool, server_rec *main_server) {
    tow_apache_global *global = tow_apache_global_of();
    for (server_rec *server = main_server; server != NULL; server = server->next) {
        tow_apache_site *site = tow_apache_site_of(server);
        if (site == NULL || is_known(site))
            continue;
        if (!settings_are_right(site) || !list_entries(site, pool))
            return false;
        APR_ARRAY_PUSH(global->sites, tow_apache_site *) = site;
    }
    return true;
}
