/* site: what the configuration says of one directory of handlers, and what serves it.
 *
 * Texts and lists are Apache's, in the pool of the configuration. What a process does with it is in `child`:
 * each child has servers of its own (child.h). */
#ifndef TOW_APACHE_SITE_H
#define TOW_APACHE_SITE_H

#include "httpd.h"

#include "apr_tables.h"
#include "http_config.h"

#include <stdbool.h>
#include <stdint.h>
#include <towline/limits.h>

/* A file, or an alias, as the parent has found it. */
typedef struct tow_apache_entry {
    const char *path; /* as a request has it, without the site's prefix */
    const char *kind; /* "module", "python", "program", "alias" */
    const char *file; /* of an alias: the path that it stands for */
    uint64_t number;  /* of a Python handler, in its process; 0: it has failed */
} tow_apache_entry;

typedef struct tow_apache_site { /* zeroed: nothing is set; so are its numbers, 0 being the default */
    const server_rec *server;    /* where it stands, for the log */
    const char *handlers;        /* the directory */
    const char *prefix;          /* "/ws": paths are below it; "" for none */
    const char *aliases;
    apr_array_header_t *origins, *hosts, *proxies,
        *protocols; /* of texts, each ends with NULL; NULL: not set */
    tow_limits limits;
    int drain_seconds;
    bool is_set;                    /* any of these */
    apr_array_header_t *entries;    /* of tow_apache_entry; NULL: not looked at yet */
    struct tow_apache_child *child; /* NULL: this process serves nothing of it */
} tow_apache_site;

/* Of the whole server. */
typedef struct tow_apache_global {
    const char *python;         /* the interpreter; NULL: python3 */
    const char *encoding;       /* of handlers' files; NULL: the locale's */
    const char *python_modules; /* the folder with towline_host.py; NULL: where the build has put it */
    apr_array_header_t *sites;  /* of tow_apache_site *, each once */
    const char *python_socket;  /* NULL: no process of Python runs */
} tow_apache_global;

extern module AP_MODULE_DECLARE_DATA towline_module;
extern const command_rec tow_apache_directives[];

/* Before the configuration is read, in its pool; and what was read. */
void tow_apache_global_begin(apr_pool_t *pool);
tow_apache_global *tow_apache_global_of(void);

void *tow_apache_site_new(apr_pool_t *pool, server_rec *server);
void *tow_apache_site_merge(apr_pool_t *pool, void *base, void *over);

/* The site of a server (a virtual host); NULL: it has none. */
tow_apache_site *tow_apache_site_of(const server_rec *server);

/* A line for Apache's error log, with our level (TOW_LOG_ERROR to TOW_LOG_DEBUG); any thread. */
void tow_apache_log(const server_rec *server, int level, const char *line);

/* Looks at all sites in the parent: what is served where, and whether the settings make sense. False: it is
 * an error that the log has. */
bool tow_apache_sites_prepare(apr_pool_t *pool, server_rec *main_server);

#endif
