/* forwarded: what proxies in front of the server say in a request's head about the client: Forwarded (RFC
 * 7239), or X-Forwarded-For, -Proto and -Host.
 *
 * Each proxy adds the client that it saw at the end of the list, so the list is read backwards for as long as
 * proxies that are trusted speak. Pure functions over fields. */
#ifndef TOW_SERVER_FORWARDED_H
#define TOW_SERVER_FORWARDED_H

#include "base/slice.h"
#include "transport/subnet.h"

/* Who is believed. */
typedef struct tow_trusted {
    const tow_subnet *subnets;
    size_t count;
} tow_trusted;

bool tow_is_trusted(const tow_trusted *trusted, const tow_address *address);

typedef struct tow_forwarded {
    bool has_address;
    tow_address address; /* of the client; port 0 if it was not said */
    tow_slice scheme;    /* "http" or "https" as it came; data is NULL if it was not said */
    tow_slice host;      /* HOST[:PORT] that the client asked for; the same */
} tow_forwarded;

/* Reads the fields that came from a trusted proxy. Without any of them all of *out is empty; an address that
 * is hidden ("unknown", "_name") is none. Errors: HTTP_SYNTAX (not valid, more than 32 proxies, or both kinds
 * of field with different clients: then one of them passed a proxy that does not know it). */
int tow_forwarded_read(tow_forwarded *out, const tow_field *fields, size_t count, const tow_trusted *trusted);

#endif
