/* tunnel: `towline tunnel`, bytes of TCP services, Unix sockets and commands over WebSocket, both ways. */
#ifndef TOW_PROGRAM_TUNNEL_H
#define TOW_PROGRAM_TUNNEL_H

#include "connect.h"
#include "handler/tunnel.h"
#include "serve.h"

typedef struct tow_tunnel_settings {
    tow_serve_settings serve;     /* ports are not used: LISTEN says where */
    tow_connect_settings connect; /* of the other direction; its subprotocols are for both */
    tow_tunnel_options tunnel;    /* what its rows say */
    const char *listen, *target;  /* instead of operands */
} tow_tunnel_settings;

int tow_tunnel_command_run(const tow_options *options);

/* From TCP or a Unix socket, "[HOST:]PORT" or "unix:PATH", to a URL. Returns the exit status. */
int tow_tunnel_reverse(const tow_options *options, const char *listen, const char *url);

#endif
