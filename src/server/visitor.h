/* visitor: who the client is: the stream's peer, or, where that is a trusted proxy, whom it names. */
#ifndef TOW_SERVER_VISITOR_H
#define TOW_SERVER_VISITOR_H

#include "http/head.h"
#include "slot.h"

typedef struct tow_visitor {
    tow_connection *connection;
    tow_address hop;        /* by a PROXY header; length 0: none, the stream's peer counts */
    const char *hop_scheme; /* "http", "https", or NULL: not known */
    tow_address address;    /* of the request's client; length 0: the stream's peer */
    const char *scheme;     /* of the request; the same */
    tow_address peer;       /* the stream's, once somebody has asked */
    tow_slice host;  /* that the client asked for, in the request's bytes; data is NULL: as Host says */
    bool introduced; /* no PROXY header is to come (any more) */
    char text[TOW_ADDRESS_TEXT_MAX]; /* "" until somebody asks */
} tow_visitor;

/* Reads the PROXY header with which a trusted proxy begins (--proxy-protocol). Returns how many bytes it
 * took, 0 while it is not whole (visitor->introduced tells), or ARGUMENT. */
int tow_visitor_introduce(tow_visitor *visitor, const uint8_t *bytes, size_t length);

/* Finds out who sent a request, and counts the connection by that address. Errors: HTTP_SYNTAX (what a
 * trusted proxy says can't be read), LIMIT (the address has too many connections), MEMORY. */
int tow_visitor_identify(tow_visitor *visitor, const tow_http_head *head);

/* HOST[:PORT] that the client asked for: what a trusted proxy says of that, else Host. */
tow_slice tow_visitor_authority(const tow_visitor *visitor, const tow_http_head *head);

/* The client's address; length 0: not known. */
const tow_address *tow_visitor_address(tow_visitor *visitor);

/* Its text. */
const char *tow_visitor_peer(tow_visitor *visitor);

/* "127.0.0.1:50001", "127.0.0.1" when the port is not known (a proxy need not say it), "unix"; "unknown" for
 * an address of length 0. */
void tow_visitor_text(const tow_address *address, char out[TOW_ADDRESS_TEXT_MAX]);

/* Whether a peer is a trusted proxy. */
bool tow_visitor_is_proxy(const tow_settings *settings, const tow_address *address);

#endif
