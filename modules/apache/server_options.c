#include "server_options.h"

#include "http_log.h"

APLOG_USE_MODULE(towline);

static void log_line(void *user, int level, const char *line) {
    tow_apache_log(((const tow_apache_site *)user)->server, level, line);
}

const char *const *tow_apache_list(const apr_array_header_t *list) {
    return list != NULL ? (const char *const *)(void *)list->elts : NULL;
}

void tow_apache_no_message(tow_websocket *socket, const tow_message *message) {
    (void)socket, (void)message;
}

/* The log's user is never changed. */
static void *mutable(const tow_apache_site *site) {
    return (void *)(uintptr_t)site; // NOLINT(performance-no-int-to-ptr)
}

/* Apache has bounded the head of a request and the number of connections, and has chosen the site by Host. */
tow_server_options tow_apache_server_options(const tow_apache_site *site) {
    static const char *const any[] = {"*", NULL};
    int level = ap_get_server_module_loglevel(site->server, APLOG_MODULE_INDEX);
    return (tow_server_options){
        .listen = "off",
        .io = TOW_IO_EPOLL,
        .allow_origins = tow_apache_list(site->origins),
        .hosts = site->hosts != NULL ? tow_apache_list(site->hosts) : any,
        .trusted_proxies = tow_apache_list(site->proxies),
        .handshake_bytes = TOW_OFF,
        .drain_seconds = site->drain_seconds,
        .limits = site->limits,
        .on_log = log_line,
        .log_user = mutable(site),
        .log_level = level < TOW_LOG_DEBUG ? level : TOW_LOG_DEBUG,
    };
}
