/* change: what of a server may change while it serves: its routes, and some of its options. It is made in two
 * steps: all that can fail, and then it is taken, at once.
 *
 * Not beside tow_server_route or another change on other threads, nor with either of them between the two. */
#ifndef TOW_SERVER_CHANGE_H
#define TOW_SERVER_CHANGE_H

#include <towline/server.h>

typedef struct tow_server_change tow_server_change;

typedef struct tow_changed_options { /* as in tow_server_options, all of them */
    const char *const *allow_origins;
    const char *const *hosts;
    tow_limits limits;
    const tow_certificate *certificates;
    size_t certificate_count; /* 0: they stay as they are */
} tow_changed_options;

/* These in the place of those that it has: for requests that come from now on, and for all routes that have
 * none of their own. What is open keeps what it has, and so does a route whose own limits contradict them.
 * Errors: ARGUMENT (as tow_server_new; the log says which), those of tow_server_set_certificates, MEMORY. */
int tow_server_change_new(tow_server_change **change, tow_server *server, const tow_changed_options *options);

/* Another route, as tow_server_route, and none, as tow_server_unroute. Errors: ARGUMENT, MEMORY. */
int tow_server_change_route(tow_server_change *change, const char *path, const tow_handler *handler);
void tow_server_change_unroute(tow_server_change *change, const char *path);

/* Takes all of it, or drops it, with on_free of its routes; the change is gone. NULL is allowed. */
void tow_server_change_take(tow_server_change *change);
void tow_server_change_drop(tow_server_change *change);

#endif
