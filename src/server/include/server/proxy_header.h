/* proxy_header: the PROXY protocol, versions 1 and 2: what a load balancer says of the client before the
 * client's own bytes (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt). */
#ifndef TOW_SERVER_PROXY_HEADER_H
#define TOW_SERVER_PROXY_HEADER_H

#include "transport/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tow_proxy_header {
    bool
        has_address; /* false for the balancer's own connections (health checks), and where it is not known */
    bool is_secure;  /* version 2 only: the client came over TLS */
    bool knows_tls;  /* whether is_secure was said */
    tow_address address;
} tow_proxy_header;

/* Reads a header from the front of the bytes. Returns its length, 0 while it is not complete (but right so
 * far), or ARGUMENT as soon as a byte is not one of a header, or when it is longer than 4 KiB. */
int tow_proxy_header_read(tow_proxy_header *header, const uint8_t *bytes, size_t length);

/* Writes a header of version 1 or 2 for a connection from `source` to `destination`; returns its length.
 * Addresses of different families are both written as IPv6; without two addresses of TCP it says that they
 * are not known. */
enum { TOW_PROXY_HEADER_MAX = 108 };
size_t tow_proxy_header_write(uint8_t out[TOW_PROXY_HEADER_MAX], int version, const tow_address *source,
    const tow_address *destination);

#endif
