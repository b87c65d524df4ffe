/* opening: the rules of the opening handshake, for both roles (RFC 6455, section 4).
 *
 * Header fields in, a decision out. Knows nothing of sockets and reads no bytes of HTTP itself. Key and
 * accept value are written by tow_opening_key and tow_opening_accept of towline/protocol.h. */
#ifndef TOW_PROTOCOL_OPENING_H
#define TOW_PROTOCOL_OPENING_H

#include "base/slice.h"
#include "protocol/compression.h"
#include "protocol/field_list.h"

#include <stdint.h>
#include <towline/protocol.h>

enum { TOW_OFFERS_MAX = 64 };

/* Whether all of a list of subprotocols (ends with NULL, may be NULL) are tokens, each of which stands once:
 * RFC 6455, section 4.1. */
bool tow_opening_protocols_are_valid(const char *const *protocols);

/* A client's opening handshake, read by a server. */
typedef struct tow_opening_request {
    char accept[TOW_ACCEPT_LENGTH + 1];
    tow_slice protocols[TOW_OFFERS_MAX]; /* offered subprotocols in order; borrowed from the fields */
    size_t protocol_count;
} tow_opening_request;

/* Whether a request asks for WebSocket at all: Upgrade has the token websocket. Others are plain HTTP. */
bool tow_opening_is_requested(const tow_field *fields, size_t count);

/* Checks a request. `method` and `version` are as in the request line ("GET", "HTTP/1.1").
 * Returns 0, or the reason: HANDSHAKE_METHOD (answer 405 or 400), HANDSHAKE_VERSION (426 with
 * Sec-WebSocket-Version: 13), and those to be answered with 400: HANDSHAKE_UPGRADE, HANDSHAKE_CONNECTION,
 * HANDSHAKE_KEY, HANDSHAKE_PROTOCOL (not tokens, one stands twice, more than TOW_OFFERS_MAX),
 * HANDSHAKE_EXTENSION (Sec-WebSocket-Extensions is no list of extensions at all: RFC 6455, section 9.1;
 * offers with wrong parameters are merely declined); MEMORY (500). */
int tow_opening_request_check(
    tow_opening_request *opening, tow_slice method, tow_slice version, const tow_field *fields, size_t count);

/* Checks a server's answer, as a client: status 101, Upgrade, Connection, the accept value for our key, a
 * subprotocol that we offered (`offered`: zero-terminated texts, ends with NULL, may be NULL; one must be
 * acknowledged if any was offered), extensions that we offered. On success *protocol is the chosen one
 * (length 0 if none) and *agreement what compression does. Errors: HTTP_STATUS, HANDSHAKE_UPGRADE,
 * _CONNECTION, _ACCEPT, _PROTOCOL, _EXTENSION, MEMORY. */
int tow_opening_response_check(int status, const tow_field *fields, size_t count,
    const char key[TOW_KEY_LENGTH], const char *const *offered, const tow_compression_settings *settings,
    tow_slice *protocol, tow_compression_agreement *agreement);

#endif
