/* tunnel_ends: the two words that say from where to where a tunnel leads. Pure text. */
#ifndef TOW_PROGRAM_TUNNEL_ENDS_H
#define TOW_PROGRAM_TUNNEL_ENDS_H

#include <stdbool.h>

enum { TOW_TUNNEL_LISTEN_MAX = 300, TOW_TUNNEL_PATH_MAX = 1024 };

typedef struct tow_tunnel_listen {
    bool is_websocket;
    bool is_secure;                      /* wss */
    char address[TOW_TUNNEL_LISTEN_MAX]; /* "[HOST:]PORT", "unix:PATH", or as tow_is_inherited */
    char path[TOW_TUNNEL_PATH_MAX];      /* of a WebSocket's; at least "/" */
} tow_tunnel_listen;

/* Reads ws://[HOST:]PORT[/PATH], the same with wss, tcp:[HOST:]PORT or unix:PATH; fd:N and systemd[:NAME]
 * stand for [HOST:]PORT, or alone. A host without a port gets that of the scheme. Errors: ARGUMENT; then *why
 * is a static text. */
int tow_tunnel_listen_read(tow_tunnel_listen *listen, const char *text, const char **why);

#endif
