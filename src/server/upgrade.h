/* upgrade: an exchange becomes a WebSocket (RFC 6455, section 4.2): an opening handshake in; what was agreed
 * on, for the version of HTTP to write and to turn into a socket, or a refusal out. */
#ifndef TOW_SERVER_UPGRADE_H
#define TOW_SERVER_UPGRADE_H

#include "exchange_state.h"
#include "protocol/compression.h"
#include "server/entrance.h"

typedef struct tow_upgrade {
    const char *accept; /* the value of Sec-WebSocket-Accept, TOW_ACCEPT_LENGTH bytes */
    tow_slice protocol; /* length 0: none */
    tow_compression_agreement compression;
    char extensions[TOW_COMPRESSION_TEXT_MAX]; /* "" for none */
} tow_upgrade;

/* The route of the socket: that of the entrance, or that which was found. */
static inline const tow_route *tow_upgrade_route(const tow_exchange *exchange) {
    return exchange->entrance != NULL ? exchange->entrance->route : exchange->route;
}

/* Answers an opening handshake that an entrance has let through. */
void tow_upgrade_enter(tow_exchange *exchange);

/* Answers an opening handshake on a route for WebSocket. */
void tow_upgrade_answer(tow_exchange *exchange);

/* The same for one that was let in later. */
void tow_upgrade_go_on(tow_exchange *exchange);

#endif
