/* tunnel: a path behind which a TCP service, a Unix socket or a command is: bytes of the WebSocket's messages
 * go there, and what comes from there goes back as messages.
 *
 * One target for all, or a map from tokens (?token=…) and paths to targets, which may be read again while
 * connections are open. */
#ifndef TOW_HANDLER_TUNNEL_H
#define TOW_HANDLER_TUNNEL_H

#include "handler/kind.h"

typedef struct tow_tunnel tow_tunnel;

typedef struct tow_tunnel_options {
    const char *target;              /* tcp:HOST:PORT, unix:PATH or exec:COMMAND; NULL with a map */
    const char *map;                 /* a file, or NULL */
    const char *const *subprotocols; /* that are acknowledged; ends with NULL; NULL: binary */
    bool text;                       /* text messages instead of binary ones */
    bool lines;                      /* text messages, one for each line */
    int send_proxy;                  /* version of the PROXY header that a target gets first; 0: none */
    int connect_seconds;             /* for the target; 0: default */
    int half_close_seconds;          /* 0: default */
    tow_limits limits;
    void (*on_log)(void *user, int level, const char *line); /* any worker's thread */
    void *log_user;
} tow_tunnel_options;

/* The settings are tow_tunnel_options: the rows are for all but `subprotocols` and `limits`, of which those
 * of the place and of tunnels are taken, and the log is another. */
extern const tow_handler_kind tow_tunnel_kind;
extern const tow_option tow_tunnel_rows[];

/* The options' texts are kept until it is freed. Errors: ARGUMENT, SYSTEM (the map), MEMORY; then `why` says
 * what is wrong. */
int tow_tunnel_new(tow_tunnel **tunnel, const tow_tunnel_options *options, char why[TOW_HANDLER_TEXT_MAX]);

/* When its route is gone, or the server. What is still open has its end without it, or with its loop, and the
 * tunnel's memory goes with the last. NULL is allowed. */
void tow_tunnel_free(tow_tunnel *tunnel);

/* The handler for the tunnel's path, and with a map for all paths in it. */
tow_handler tow_tunnel_handler(tow_tunnel *tunnel);

/* Reads the map again: if its file has changed, or in any case. A bad one is logged, and the old one stays.
 * On the thread that made the tunnel. */
void tow_tunnel_look_at_map(tow_tunnel *tunnel);
void tow_tunnel_reload_map(tow_tunnel *tunnel);

/* How many descriptors a connection takes at most, with those of its target: a command has two sockets and a
 * process. */
int tow_tunnel_descriptors(const tow_tunnel_options *options);

/* Whether this is a target: for options. *why (may be NULL) is a static text if not. */
bool tow_tunnel_target_is_valid(const char *text, const char **why);

#endif
