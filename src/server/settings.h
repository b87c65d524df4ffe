/* settings: the options of a server, copied and with their defaults filled in. */
#ifndef TOW_SERVER_SETTINGS_H
#define TOW_SERVER_SETTINGS_H

#include "tls_sources.h"
#include "transport/subnet.h"

#include <towline/server.h>

typedef struct tow_settings {
    char **listens; /* texts that we own; each list ends with NULL, and is NULL when empty */
    char **status;  /* none or one */
    char **allow_origins;
    char **hosts;
    tow_subnet *trusted; /* proxies that are believed */
    size_t trusted_count;
    bool proxy_protocol;
    tow_limits limits;
    int workers;
    tow_io io;
    int handshake_seconds;
    int drain_seconds;
    int64_t handshake_bytes; /* INT64_MAX: no limit */
    int64_t max_connections;
    int64_t connections_possible;        /* with the descriptors that there are */
    int64_t max_connections_per_address; /* INT64_MAX: no limit */
    int64_t max_unfinished;              /* the same */
    int64_t max_unfinished_per_address;  /* the same */
    int64_t max_posted;                  /* INT64_MAX: no limit */
    tow_tls_sources tls;
    bool tls_redirect;
    int log_level;
    void (*on_log)(void *user, int level, const char *line);
    void (*on_log_entry)(void *user, const tow_log_entry *entry);
    void *log_user;
} tow_settings;

/* Errors: ARGUMENT (an origin or host that is none, a number out of its range, options that contradict each
 * other: the log then says which), ADDRESS, MEMORY. */
int tow_settings_read(tow_settings *settings, const tow_server_options *options);
void tow_settings_clear(tow_settings *settings);

#endif
