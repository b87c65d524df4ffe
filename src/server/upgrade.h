/* upgrade: an exchange becomes a WebSocket (RFC 6455, section 4.2): an opening handshake in; what was agreed
 * on, for the version of HTTP to write and to turn into a socket, or a refusal out. */
#ifndef TOW_SERVER_UPGRADE_H
#define TOW_SERVER_UPGRADE_H

#include "exchange_state.h"
#include "protocol/compression.h"

typedef struct tow_upgrade {
    const char *accept; /* the value of Sec-WebSocket-Accept, TOW_ACCEPT_LENGTH bytes */
    tow_slice protocol; /* length 0: none */
    tow_compression_agreement compression;
    char extensions[TOW_COMPRESSION_TEXT_MAX]; /* "" for none */
} tow_upgrade;

/* Answers an opening handshake on a route for WebSocket. */
void tow_upgrade_answer(tow_exchange *exchange);

/* The same for one that was let in later. */
void tow_upgrade_go_on(tow_exchange *exchange);

#endif
