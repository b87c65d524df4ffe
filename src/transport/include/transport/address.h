/* address: where to listen or connect, as text and as the kernel's form. Literals and `localhost` only. */
#ifndef TOW_TRANSPORT_ADDRESS_H
#define TOW_TRANSPORT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct tow_address {
    struct sockaddr_storage storage;
    socklen_t length;
} tow_address;

enum { TOW_ADDRESSES_MAX = 4, TOW_ADDRESS_TEXT_MAX = 128 };

/* Reads "[HOST:]PORT" or "unix:PATH", as on the command line, into one or more addresses: a bare PORT and
 * localhost give 127.0.0.1 and ::1; "*:PORT" every address (:: and 0.0.0.0); IPv6 literals stand in brackets.
 * Returns how many, or ADDRESS. */
int tow_address_parse(const char *text, tow_address out[TOW_ADDRESSES_MAX]);

/* The same for a host and port that are already apart (as in a URL). Errors: ADDRESS, NAME_NOT_FOUND (a
 * name). */
int tow_address_from_host(const char *host, uint16_t port, tow_address out[TOW_ADDRESSES_MAX]);

/* "127.0.0.1:9998", "[::1]:9998", "unix:/path", "unix:@name" (abstract: unix(7)) or "unix" */
void tow_address_text(const tow_address *address, char out[TOW_ADDRESS_TEXT_MAX]);

/* What a socket for both families shows of an IPv4 peer (::ffff:192.0.2.1) becomes the IPv4 address that it
 * is. */
void tow_address_unmap(tow_address *address);

bool tow_address_is_loopback(const tow_address *address);
bool tow_address_is_unix(const tow_address *address);
uint16_t tow_address_port(const tow_address *address);
void tow_address_set_port(tow_address *address, uint16_t port);

#endif
