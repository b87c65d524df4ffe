#include "child.h"

#include "server_options.h"

#include "ap_mpm.h"
#include "apr_strings.h"
#include "http_log.h"

#include "handler/module.h"
#include "handler/program.h"
#include "handler/python.h"
#include "transport/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

APLOG_USE_MODULE(towline);

struct tow_apache_child {
    tow_apache_site *site;
    tow_loop *loop; /* of the first worker */
    tow_server *server;
    tow_python *python; /* NULL: no Python handlers */
    pthread_key_t key;  /* of a thread's worker */
    bool has_key;
};

/* Handlers. */

static void log_line(void *user, int level, const char *line) {
    tow_apache_log(((const tow_apache_site *)user)->server, level, line);
}

static tow_handler_place place_of(const tow_apache_child *child, const char *path) {
    return (tow_handler_place){
        .log = {log_line, child->site}, .server = child->server, .loop = child->loop, .path = path};
}

static int make_module(const tow_apache_child *child, const tow_apache_entry *entry, tow_handler *handler,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_handler_place place = place_of(child, entry->path);
    return tow_module_kind.make(
        handler, &(tow_module_settings){.file = entry->file, .path = entry->path}, &place, why);
}

static int make_python(const tow_apache_child *child, const tow_apache_entry *entry, tow_handler *handler,
    char why[TOW_HANDLER_TEXT_MAX]) {
    int error = TOW_ERROR_NO_FILE;
    apr_cpystrn(why, "it is not loaded", TOW_HANDLER_TEXT_MAX);
    if (entry->number != 0 && child->python != NULL)
        error = tow_python_joined(child->python, entry->number, entry->file, handler);
    return error;
}

static int make_program(const tow_apache_child *child, const tow_apache_entry *entry, tow_handler *handler,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_handler_place place = place_of(child, entry->path);
    int error = tow_program_kind.make(handler, &(tow_program_settings){.file = entry->file}, &place, why);
    if (error == 0 && handler->on_free == NULL)
        handler->on_free = tow_program_kind.free;
    return error;
}

static int make_handler(const tow_apache_child *child, const tow_apache_entry *entry, tow_handler *handler,
    char why[TOW_HANDLER_TEXT_MAX]) {
    static const struct {
        const char *name;
        int (*make)(const tow_apache_child *child, const tow_apache_entry *entry, tow_handler *handler,
            char why[TOW_HANDLER_TEXT_MAX]);
    } kinds[] = {{"module", make_module}, {"python", make_python}, {"program", make_program}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, entry->kind) == 0)
            return kinds[i].make(child, entry, handler, why);
    apr_cpystrn(why, "this kind is not served here", TOW_HANDLER_TEXT_MAX);
    return TOW_ERROR_UNSUPPORTED;
}

static bool is_alias(const tow_apache_entry *entry) {
    return strcmp(entry->kind, "alias") == 0;
}

/* Handlers in the old manner decide on origins themselves, unless somebody has named some. */
static void dress(const tow_apache_site *site, tow_handler *handler) {
    if (site->origins != NULL)
        handler->any_origin = false;
    if (handler->protocols == NULL && handler->on_select == NULL && handler->on_admit == NULL)
        handler->protocols = tow_apache_list(site->protocols);
}

static void free_handler(const tow_handler *handler) {
    if (handler->on_free != NULL)
        handler->on_free(handler->free_user != NULL ? handler->free_user : handler->user);
}

static void complain(const tow_apache_child *child, const tow_apache_entry *entry, const char *why) {
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, child->site->server, "towline: %s is not served: %s: %s",
        entry->path, entry->file, why);
}

/* `handler` is what is served then; else it stays empty. */
static void serve_file(const tow_apache_child *child, const tow_apache_entry *entry, tow_handler *handler) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler made;
    if (make_handler(child, entry, &made, why) != 0) {
        complain(child, entry, why);
        return;
    }
    dress(child->site, &made);
    int error = tow_server_route(child->server, entry->path, &made);
    if (error == 0) {
        *handler = made;
        return;
    }
    complain(child, entry, tow_strerror(error));
    free_handler(&made);
}

/* The handler stays the one of its file's route, which is there as long. */
static void serve_alias(
    const tow_apache_child *child, const tow_apache_entry *entry, const tow_handler *handlers) {
    const apr_array_header_t *entries = child->site->entries;
    int base = 0;
    while (base < entries->nelts &&
           (strcmp(APR_ARRAY_IDX(entries, base, tow_apache_entry).path, entry->file) != 0 ||
               is_alias(&APR_ARRAY_IDX(entries, base, tow_apache_entry))))
        base++;
    tow_handler shared = base < entries->nelts ? handlers[base] : (tow_handler){0};
    shared.on_free = NULL;
    bool is_served = shared.user != NULL || shared.on_message != NULL || shared.on_piece != NULL ||
                     shared.on_open != NULL || shared.on_request != NULL;
    int error = is_served ? tow_server_route(child->server, entry->path, &shared) : TOW_ERROR_ARGUMENT;
    if (error != 0)
        complain(child, entry, is_served ? tow_strerror(error) : "this path is not served");
}

static void serve_entries(const tow_apache_child *child) {
    const apr_array_header_t *entries = child->site->entries;
    tow_handler *handlers = calloc((size_t)entries->nelts + 1, sizeof(*handlers));
    for (int i = 0; handlers != NULL && i < entries->nelts; i++)
        if (!is_alias(&APR_ARRAY_IDX(entries, i, tow_apache_entry)))
            serve_file(child, &APR_ARRAY_IDX(entries, i, tow_apache_entry), &handlers[i]);
    for (int i = 0; handlers != NULL && i < entries->nelts; i++)
        if (is_alias(&APR_ARRAY_IDX(entries, i, tow_apache_entry)))
            serve_alias(child, &APR_ARRAY_IDX(entries, i, tow_apache_entry), handlers);
    free(handlers);
}

/* Beginning and end. */

static int thread_count(void) {
    int count = 0;
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &count) != APR_SUCCESS || count < 1)
        count = 1;
    return count;
}

static void thread_ended(void *worker) {
    tow_lent_return(worker);
}

static int begin_server(tow_apache_child *child) {
    tow_server_options options = tow_apache_server_options(child->site);
    int error = tow_loop_new(&child->loop, &(tow_loop_options){.io = TOW_IO_EPOLL});
    options.loop = child->loop;
    options.workers = thread_count() + 1;
    if (error == 0)
        error = tow_server_new(&child->server, &options);
    if (error == 0)
        error = tow_server_listen(child->server);
    return error;
}

static int begin_python(tow_apache_child *child) {
    const char *socket = tow_apache_global_of()->python_socket;
    const tow_handler_place place = place_of(child, NULL);
    return socket != NULL ? tow_python_join(&child->python, socket, &place) : 0;
}

/* Handlers that are there still end with their server, and what they have on its loop with that. */
static void end(tow_apache_child *child) {
    tow_python_end(child->python);
    tow_server_free(child->server);
    tow_loop_free(child->loop);
    tow_python_free(child->python);
    if (child->has_key)
        pthread_key_delete(child->key);
    child->site->child = NULL;
    free(child);
}

static void begin(tow_apache_site *site) {
    tow_apache_child *child = calloc(1, sizeof(*child));
    if (child == NULL)
        return;
    child->site = site;
    int error = begin_server(child);
    if (error == 0)
        error = begin_python(child);
    if (error == 0)
        error = pthread_key_create(&child->key, thread_ended) == 0 ? 0 : TOW_ERROR_SYSTEM;
    child->has_key = error == 0;
    if (error != 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, site->server, "towline: %s", tow_strerror(error));
        end(child);
        return;
    }
    serve_entries(child);
    site->child = child;
}

static void each(void (*act)(tow_apache_site *site)) {
    const apr_array_header_t *sites = tow_apache_global_of()->sites;
    for (int i = 0; i < sites->nelts; i++)
        act(APR_ARRAY_IDX(sites, i, tow_apache_site *));
}

/* A thread that still runs, as in a child that is ended by force, takes it along with the process. */
static void end_if_idle(tow_apache_site *site) {
    if (site->child != NULL && tow_server_lent_count(site->child->server) == 0)
        end(site->child);
}

static apr_status_t end_all(void *unused) {
    (void)unused;
    each(end_if_idle);
    return APR_SUCCESS;
}

void tow_apache_children_begin(apr_pool_t *pool) {
    each(begin);
    apr_pool_cleanup_register(pool, NULL, end_all, apr_pool_cleanup_null);
}

static void stop(tow_apache_site *site) {
    if (site->child != NULL)
        tow_server_stop(site->child->server);
}

void tow_apache_children_stop(void) {
    each(stop);
}

/* Serving. */

bool tow_apache_child_serves(const tow_apache_child *child, const char *path) {
    return tow_server_has_route(child->server, path);
}

static void complain_of_worker(const tow_apache_child *child, int error) {
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, child->site->server, "towline: no worker for a thread: %s",
        tow_strerror(error));
}

tow_worker *tow_apache_child_worker(tow_apache_child *child) {
    tow_worker *worker = pthread_getspecific(child->key);
    if (worker != NULL)
        return worker;
    int error = tow_server_lend(child->server, &worker);
    if (error != 0) {
        complain_of_worker(child, error);
        return NULL;
    }
    if (pthread_setspecific(child->key, worker) == 0)
        return worker;
    tow_lent_return(worker);
    return NULL;
}
