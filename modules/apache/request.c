#include "request.h"

#include "carrier.h"
#include "child.h"

#include "apr_strings.h"
#include "http_log.h"
#include "http_ssl.h"
#include "scoreboard.h"

#include <stdbool.h>
#include <string.h>

APLOG_USE_MODULE(towline);

/* The path, encoded: as it was sent, where nobody has changed it since. */
static const char *encoded_path(request_rec *request) {
    char *decoded =
        apr_pstrdup(request->pool, request->parsed_uri.path != NULL ? request->parsed_uri.path : "");
    bool is_unchanged = ap_unescape_url(decoded) == OK && strcmp(decoded, request->uri) == 0;
    return is_unchanged ? request->parsed_uri.path : ap_os_escape_path(request->pool, request->uri, 1);
}

/* Below the site's prefix; NULL: it lies elsewhere. */
static const char *path_in(const tow_apache_site *site, request_rec *request) {
    const char *path = encoded_path(request);
    size_t length = strlen(site->prefix);
    if (strncmp(path, site->prefix, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    return path[length] != '\0' ? path + length : "/";
}

/* The head as the client has sent it, or as Apache's other modules have changed it. */

typedef struct head_text {
    apr_pool_t *pool;
    apr_array_header_t *parts;
    bool has_connection;
} head_text;

static void add(head_text *head, const char *text) {
    APR_ARRAY_PUSH(head->parts, const char *) = text;
}

static void add_field(head_text *head, const char *name, const char *value) {
    add(head, apr_pstrcat(head->pool, name, ": ", value, "\r\n", NULL));
}

/* The connection ends with its answer: Apache has no part in it any more. */
static int add_from_table(void *user, const char *name, const char *value) {
    head_text *head = user;
    bool is_connection = ap_cstr_casecmp(name, "Connection") == 0;
    bool is_kept = is_connection && ap_find_token(head->pool, value, "upgrade");
    if (is_kept)
        add_field(head, name, apr_pstrcat(head->pool, value, ", close", NULL));
    else if (!is_connection)
        add_field(head, name, value);
    head->has_connection |= is_kept;
    return 1;
}

static const char *head_of(request_rec *request, const char *path) {
    head_text head = {.pool = request->pool, .parts = apr_array_make(request->pool, 32, sizeof(char *))};
    const char *query = request->args != NULL ? apr_pstrcat(head.pool, "?", request->args, NULL) : "";
    const char *version = request->proto_num >= HTTP_VERSION(1, 1) ? "HTTP/1.1" : "HTTP/1.0";
    add(&head, apr_pstrcat(head.pool, request->method, " ", path, query, " ", version, "\r\n", NULL));
    apr_table_do(add_from_table, &head, request->headers_in, NULL);
    if (!head.has_connection)
        add_field(&head, "Connection", "close");
    add(&head, "\r\n");
    return apr_array_pstrcat(head.pool, head.parts, '\0');
}

/* Serving. */

static tow_address address_of(const request_rec *request) {
    tow_address address = {0};
    const apr_sockaddr_t *from = request->useragent_addr;
    if (from != NULL && from->salen <= sizeof(address.storage)) {
        memcpy(&address.storage, &from->sa, from->salen);
        address.length = from->salen;
        tow_address_unmap(&address);
    }
    return address;
}

/* What the access log tells. */
static void note_answer(request_rec *request, const tow_carrier *carrier) {
    int status = tow_carrier_status(carrier);
    request->status = status != 0 ? status : HTTP_INTERNAL_SERVER_ERROR;
    request->status_line = NULL;
    request->bytes_sent = carrier->sent;
}

static int serve(request_rec *request, tow_worker *worker, const char *path) {
    tow_carrier *carrier = apr_palloc(request->pool, sizeof(*carrier));
    if (!tow_carrier_take(carrier, request, tow_lent_loop(worker), head_of(request, path)))
        return HTTP_INTERNAL_SERVER_ERROR;
    const tow_hosted hosted = {.carriage = {&tow_carrier_functions, carrier, carrier->fd},
        .client = address_of(request),
        .is_secure = ap_ssl_conn_is_ssl(request->connection)};
    if (tow_lent_begin(worker, &hosted, &carrier->stream) != 0) {
        request->connection->aborted = 1; /* without memory there is no answer either */
        return OK;
    }
    ap_update_child_status(request->connection->sbh, SERVER_BUSY_WRITE, request);
    tow_carrier_begin(carrier);
    tow_lent_serve(worker);
    note_answer(request, carrier);
    return OK;
}

int tow_apache_handle(request_rec *request) {
    const tow_apache_site *site = tow_apache_site_of(request->server);
    if (site == NULL || site->child == NULL || request->main != NULL)
        return DECLINED;
    const char *path = path_in(site, request);
    if (path == NULL || !tow_apache_child_serves(site->child, path))
        return DECLINED;
    if (request->connection->master != NULL) { /* a stream of HTTP/2 has no connection of its own */
        ap_log_rerror(
            APLOG_MARK, APLOG_NOTICE, 0, request, "towline: handlers are served over HTTP/1.1 only");
        return HTTP_VERSION_NOT_SUPPORTED;
    }
    tow_worker *worker = tow_apache_child_worker(site->child);
    return worker != NULL ? serve(request, worker, path) : HTTP_SERVICE_UNAVAILABLE;
}
