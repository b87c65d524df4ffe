/* kind: a kind of handler as a table: what there is to set, how one is made, read again and freed. The
 * program goes through such tables and knows no more of a kind. */
#ifndef TOW_HANDLER_KIND_H
#define TOW_HANDLER_KIND_H

#include "handler/option.h"

#include <towline/server.h>

/* Where a handler's lines go; any worker's thread. */
typedef struct tow_handler_log {
    void (*write)(void *user, int level, const char *line); /* NULL: nowhere */
    void *user;
} tow_handler_log;

enum { TOW_HANDLER_TEXT_MAX = 320 };

typedef struct tow_handler_kind {
    const char *name;
    const tow_option *options; /* rows of its settings; NULL: there is nothing to set */
    /* Makes one as its settings say, whose texts outlive it; nothing is logged meanwhile. Returns 0 or a
     * tow_error; `why` then says in one line what is wrong. */
    int (*make)(
        tow_handler *handler, const void *settings, tow_handler_log log, char why[TOW_HANDLER_TEXT_MAX]);
    void (*reload)(void *user); /* of the handler: reads its files again; NULL: it has none */
    void (*free)(
        void *user); /* when the server is gone, and all loops that it ran on; NULL: nothing is kept */
} tow_handler_kind;

#endif
