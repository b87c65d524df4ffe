/* options: what the user asked for, checked and copied. */
#ifndef TOW_CLIENT_OPTIONS_H
#define TOW_CLIENT_OPTIONS_H

#include "base/buffer.h"
#include "protocol/compression.h"

#include <towline/websocket.h>

/* Checks everything that can be wrong before a connection is tried. Errors: ARGUMENT. */
int tow_options_check(const tow_websocket_options *options);

/* A copy of the list of subprotocols in one piece of memory, or NULL when out of memory; `protocols` may be
 * NULL. */
char **tow_options_copy_protocols(const char *const *protocols);

/* Options with all that they point to, but `user`. Zeroed: empty. */
typedef struct tow_options_copy {
    tow_websocket_options options;
    char *memory;
    size_t size;
} tow_options_copy;

/* Errors: MEMORY; the copy is empty then. */
int tow_options_copy_init(tow_options_copy *copy, const tow_websocket_options *options);
void tow_options_copy_clear(tow_options_copy *copy);

/* What compression is offered, by limits that are resolved. */
tow_compression_settings tow_options_compression(const tow_limits *limits);

/* Appends what the options say to the request: Origin, Sec-WebSocket-Protocol, Sec-WebSocket-Extensions,
 * further headers. Errors: MEMORY. */
int tow_options_write(
    tow_buffer *request, const tow_websocket_options *options, const tow_compression_settings *compression);

/* The value of the user's own header of this name, or NULL. */
const char *tow_options_header(const tow_websocket_options *options, const char *name);

#endif
