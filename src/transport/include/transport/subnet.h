/* subnet: a range of addresses, "ADDRESS" or "ADDRESS/BITS" (RFC 4632, RFC 4291). An IPv4 address counts the
 * same when it comes as an IPv6 one (::ffff:1.2.3.4). */
#ifndef TOW_TRANSPORT_SUBNET_H
#define TOW_TRANSPORT_SUBNET_H

#include "transport/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tow_subnet {
    uint8_t bytes[16]; /* as IPv6 */
    uint8_t bits;      /* 0 to 128: how many of them count */
    bool is_unix;      /* whoever comes over a Unix socket, and no address */
} tow_subnet;

/* Reads the `length` characters at `text`; "unix" stands for Unix sockets. IPv6 may stand in brackets. Bits
 * behind the mask are ignored. Errors: ADDRESS. */
int tow_subnet_read(tow_subnet *subnet, const char *text, size_t length);

bool tow_subnet_contains(const tow_subnet *subnet, const tow_address *address);

#endif
