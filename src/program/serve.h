/* serve: `towline serve`, a WebSocket and HTTP server without code. */
#ifndef TOW_PROGRAM_SERVE_H
#define TOW_PROGRAM_SERVE_H

#include "handler/channels.h"
#include "handler/directory.h"
#include "handler/engineio.h"
#include "handler/files.h"
#include "handler/guard.h"
#include "handler/publish.h"
#include "handler/python.h"
#include "handler/sockjs.h"
#include "handler/token_keeper.h"
#include "options.h"

#include <towline/server.h>

enum { TOW_SERVE_LOG_TEXT, TOW_SERVE_LOG_JSON };

typedef struct tow_serve_settings {
    tow_server_options server; /* `listens` are the texts of --port */
    const char *server_host;   /* host of every port without one; NULL: localhost */
    bool tls;
    const char *const *certificates; /* files; each list ends with NULL, and is NULL when empty */
    const char *const *keys;         /* of the certificates, in order; there may be fewer */
    tow_files_settings files;
    tow_directory_options handlers; /* but for the functions */
    tow_python_settings python;     /* but for the directory */
    tow_guard_settings guard;
    tow_engineio_settings engineio;
    tow_sockjs_settings sockjs;
    /* ID:KEY:FILE each */
    const char *const *pusher_apps;
    tow_publish_settings publish;
    tow_token_settings tokens;
    tow_channels_settings channels;
    bool list;            /* only says what is served where */
    const char *log_file; /* NULL: standard error */
    int log_level;        /* TOW_LOG_ERROR to TOW_LOG_DEBUG */
    int log_format;       /* TOW_SERVE_LOG_… */
    const char *config;   /* a configuration file, or NULL */
    bool check;           /* only says whether all is right */
    bool print_config;    /* only prints all that holds */
} tow_serve_settings;

int tow_serve(const tow_options *options);

#endif
