/* kind: a kind of handler as a table: what there is to set, how one is made, read again and freed. The
 * program goes through such tables and knows no more of a kind. */
#ifndef TOW_HANDLER_KIND_H
#define TOW_HANDLER_KIND_H

#include "handler/option.h"
#include "transport/nursery.h"

#include <stdbool.h>
#include <towline/server.h>

/* Where a handler's lines go; any worker's thread. */
typedef struct tow_handler_log {
    void (*write)(void *user, int level, const char *line); /* NULL: nowhere */
    void *user;
} tow_handler_log;

/* Where a handler is made. The server's first loop is that of what belongs to no connection: a process that
 * many connections share, a timer. Both are there until after `free`, though not run any more in the end;
 * what is left for the loop then by tow_loop_post_letter is dropped with it. */
typedef struct tow_handler_place {
    tow_handler_log log;
    tow_server *server;   /* NULL: it is made later, and the kind can do without */
    tow_loop *loop;       /* of its first worker; NULL: the same */
    tow_nursery *nursery; /* of the processes that it starts; there longer than all loops. NULL: none */
    /* what the doors to channels share, as long as server and handler; NULL: there are none */
    const struct tow_channels *channels;
    struct tow_pusher *pusher; /* what apps of Pusher's protocol share, the same */
    const char
        *path; /* of its route, "/prefix/" with an asterisk for all below, as long as it lives; NULL: any */
    const char *config; /* the file that names what it runs, whose folder may be meant; NULL: none */
    const char *const *protocols; /* subprotocols that its route has, the same; NULL: the kind's own */
    bool is_trial;                /* it is only asked whether one can be made: nothing is started for it */
} tow_handler_place;

enum { TOW_HANDLER_TEXT_MAX = 320 };

typedef struct tow_handler_kind {
    const char *name;
    const tow_option *options; /* rows of its settings; NULL: there is nothing to set */
    /* Makes one as its settings say, whose texts outlive it; nothing is logged meanwhile. Returns 0 or a
     * tow_error; `why` then says in one line what is wrong. */
    int (*make)(tow_handler *handler, const void *settings, const tow_handler_place *place,
        char why[TOW_HANDLER_TEXT_MAX]);
    void (*reload)(void *user); /* of the handler: reads its files again; NULL: it has none */
    void (*tick)(void *user); /* each second or so, on the thread that made it; NULL: nothing is done then */
    /* Of one that was made with a server: as the on_free of its route, on any thread. Of
     * others: when the server is gone, and all loops that it ran on. NULL: nothing is kept, or the handler
     * has an on_free from `make`. */
    void (*free)(void *user);
} tow_handler_kind;

#endif
