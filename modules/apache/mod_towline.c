/* mod_towline: WebSocket handlers inside of Apache httpd 2.4: a directory of them, served over Apache's own
 * connections and TLS beside its other pages. docs/apache.md tells how it is used. */
#include "child.h"
#include "python_process.h"
#include "request.h"
#include "site.h"

#include "ap_mpm.h"
#include "http_core.h"
#include "http_log.h"
#include "mpm_common.h"

#include <string.h>
#include <towline/version.h>

/* What the floors offer is for exactly this version. */
static int before_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary) {
    (void)log, (void)temporary;
    if (strcmp(tow_version(), TOW_VERSION) != 0) {
        ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL,
            "mod_towline is of version %s, but libtowline of %s; install both from one build", TOW_VERSION,
            tow_version());
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    tow_apache_global_begin(pool);
    return OK;
}

/* A first pass only looks whether the configuration is right, and is thrown away. */
static bool is_first_pass(void) {
    return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;
}

/* Where each connection has a process of its own, no two meet in a handler. */
static bool is_threaded(void) {
    int answer = AP_MPMQ_NOT_SUPPORTED;
    return ap_mpm_query(AP_MPMQ_IS_THREADED, &answer) == APR_SUCCESS && answer != AP_MPMQ_NOT_SUPPORTED;
}

/* Also where the configuration is only tested. */
static int check_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *server) {
    (void)log, (void)temporary;
    if (!is_threaded()) {
        ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, server,
            "mod_towline needs a threaded MPM, and %s is none: load mpm_event or mpm_worker", ap_show_mpm());
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return tow_apache_sites_prepare(pool, server) ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

static int after_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *server) {
    (void)log, (void)temporary;
    bool runs = !is_first_pass() && ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_NORMAL;
    return !runs || tow_apache_python_start(pool, server) ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

static void child_begins(apr_pool_t *pool, server_rec *server) {
    (void)server;
    tow_apache_children_begin(pool);
}

static void child_stops(apr_pool_t *pool, int graceful) {
    (void)pool, (void)graceful;
    tow_apache_children_stop();
}

static void register_hooks(apr_pool_t *pool) {
    (void)pool;
    ap_hook_pre_config(before_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(after_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_begins, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(child_stops, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(tow_apache_handle, NULL, NULL, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(towline) = {
    STANDARD20_MODULE_STUFF,
    NULL,
    NULL,
    tow_apache_site_new,
    tow_apache_site_merge,
    tow_apache_directives,
    register_hooks,
    AP_MODULE_FLAG_NONE,
};
