/* reverse_tunnel: the other end of a tunnel: each connection that is accepted on TCP or a Unix socket opens a
 * WebSocket connection, and bytes go to and fro. */
#ifndef TOW_HANDLER_REVERSE_TUNNEL_H
#define TOW_HANDLER_REVERSE_TUNNEL_H

#include "transport/address.h"

#include <towline/server.h>
#include <towline/stream.h>

typedef struct tow_reverse_tunnel tow_reverse_tunnel;

typedef struct tow_reverse_tunnel_options {
    const char *listen; /* as for tow_byte_listener_new */
    const char *url;
    const tow_websocket_options *socket; /* but for callbacks and user */
    bool text;                           /* text messages instead of binary ones */
    bool lines;                          /* text messages, one for each line */
    int half_close_seconds;              /* 0: default */
    int64_t max_connections;             /* 0: no limit but the descriptors */
    void (*on_log)(void *user, int level, const char *line);
    void *log_user;
} tow_reverse_tunnel_options;

/* Starts listening. The options are kept, not copied. Errors: those of tow_byte_listener_new. */
int tow_reverse_tunnel_new(
    tow_reverse_tunnel **tunnel, tow_loop *loop, const tow_reverse_tunnel_options *options);

/* The address that is listened on at `place`, from 0; false: there is none more. The port is that of the
 * first; 0 for a Unix socket. */
bool tow_reverse_tunnel_address(const tow_reverse_tunnel *tunnel, int place, char out[TOW_ADDRESS_TEXT_MAX]);
int tow_reverse_tunnel_port(const tow_reverse_tunnel *tunnel);

/* Accepts no more; what is open after so many seconds (TOW_OFF: never) is reset. Nothing keeps the loop alive
 * when the last is gone. */
void tow_reverse_tunnel_stop(tow_reverse_tunnel *tunnel, int seconds);

/* When it was stopped and the loop has run to its end. NULL is allowed. */
void tow_reverse_tunnel_free(tow_reverse_tunnel *tunnel);

#endif
