/* compression: the negotiation of permessage-deflate (RFC 7692, section 7.1), for both roles. */
#ifndef TOW_PROTOCOL_COMPRESSION_H
#define TOW_PROTOCOL_COMPRESSION_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What this end wants. A server declines what it can't do; a client offers it. */
typedef struct tow_compression_settings {
    bool enabled;
    bool server_takeover; /* the server may keep its context (server: will it; client: may it) */
    bool client_takeover;
    uint8_t server_max_window_bits; /* 8 to 15; 0 means 15 */
    uint8_t client_max_window_bits;
} tow_compression_settings;

/* What both ends agreed on. `enabled` false: no compression on this connection. Plain data. */
typedef struct tow_compression_agreement {
    bool enabled;
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    uint8_t server_max_window_bits; /* 8 to 15 */
    uint8_t client_max_window_bits;
} tow_compression_agreement;

enum { TOW_COMPRESSION_TEXT_MAX = 160 };

/* As a server: takes the first offer in the Sec-WebSocket-Extensions fields that can be accepted. Malformed
 * offers and unknown extensions are passed over. `text` gets the value for the response, "" if there is
 * nothing to say. */
void tow_compression_accept(const tow_compression_settings *settings, const tow_field *fields, size_t count,
    tow_compression_agreement *agreement, char text[TOW_COMPRESSION_TEXT_MAX]);

/* As a client: the value for the request, "" when not enabled. */
void tow_compression_offer(const tow_compression_settings *settings, char text[TOW_COMPRESSION_TEXT_MAX]);

/* As a client: reads the server's answer. Returns 0 or HANDSHAKE_EXTENSION: an extension or parameter that
 * was not offered, a value that is not valid, anything twice. */
int tow_compression_check(const tow_compression_settings *settings, const tow_field *fields, size_t count,
    tow_compression_agreement *agreement);

/* The agreement as the value of the header: what tow_websocket_extensions answers. */
void tow_compression_text(const tow_compression_agreement *agreement, char text[TOW_COMPRESSION_TEXT_MAX]);

#endif
