/* target: where a tunnel leads, as one types it: tcp:HOST:PORT, unix:PATH or exec:COMMAND. */
#ifndef TOW_HANDLER_TUNNEL_TARGET_H
#define TOW_HANDLER_TUNNEL_TARGET_H

#include <stddef.h>

typedef enum tow_tunnel_target_kind {
    TOW_TUNNEL_TARGET_PLACE, /* to connect to */
    TOW_TUNNEL_TARGET_COMMAND
} tow_tunnel_target_kind;

typedef struct tow_tunnel_target {
    tow_tunnel_target_kind kind;
    const char *text; /* what it was read from */
    const char *rest; /* in it: "HOST:PORT" or "unix:PATH", as tow_byte_stream_connect has it; the command */
} tow_tunnel_target;

/* Reads one. Errors: ARGUMENT; then *why is a static text. */
int tow_tunnel_target_read(tow_tunnel_target *target, const char *text, const char **why);

#endif
