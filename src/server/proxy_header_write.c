#include "server/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Both ends in the form of one family. */
typedef struct address_pair {
    bool is_ipv6;
    uint8_t source[16], destination[16]; /* IPv4: the first four bytes */
    uint16_t source_port, destination_port;
} address_pair;

static bool is_ipv4(const tow_address *address) {
    return address->storage.ss_family == AF_INET;
}

static void bytes_of(uint8_t out[16], const tow_address *address, bool as_ipv6) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (!is_ipv4(address)) {
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)&address->storage)->sin6_addr, 16);
        return;
    }
    const struct in_addr *ipv4 = &((const struct sockaddr_in *)(const void *)&address->storage)->sin_addr;
    if (as_ipv6)
        memcpy(out, mapped, sizeof(mapped));
    memcpy(out + (as_ipv6 ? 12 : 0), ipv4, 4);
}

static bool is_tcp(const tow_address *address) {
    return address->storage.ss_family == AF_INET || address->storage.ss_family == AF_INET6;
}

static bool pair_make(address_pair *pair, const tow_address *source, const tow_address *destination) {
    if (!is_tcp(source) || !is_tcp(destination))
        return false;
    pair->is_ipv6 = !is_ipv4(source) || !is_ipv4(destination);
    bytes_of(pair->source, source, pair->is_ipv6);
    bytes_of(pair->destination, destination, pair->is_ipv6);
    pair->source_port = tow_address_port(source);
    pair->destination_port = tow_address_port(destination);
    return true;
}

static size_t write_text(uint8_t *out, const address_pair *pair) {
    char source[INET6_ADDRSTRLEN] = "", destination[INET6_ADDRSTRLEN] = "";
    if (pair == NULL)
        return (size_t)snprintf((char *)out, TOW_PROXY_HEADER_MAX, "PROXY UNKNOWN\r\n");
    int family = pair->is_ipv6 ? AF_INET6 : AF_INET;
    inet_ntop(family, pair->source, source, sizeof(source));
    inet_ntop(family, pair->destination, destination, sizeof(destination));
    return (size_t)snprintf((char *)out, TOW_PROXY_HEADER_MAX, "PROXY %s %s %s %u %u\r\n",
        pair->is_ipv6 ? "TCP6" : "TCP4", source, destination, pair->source_port, pair->destination_port);
}

static uint8_t *put_port(uint8_t *out, uint16_t port) {
    out[0] = (uint8_t)(port >> 8);
    out[1] = (uint8_t)port;
    return out + 2;
}

/* Version and command, family and protocol, length, addresses. */
static size_t write_binary(uint8_t *out, const address_pair *pair) {
    static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
    const size_t head = sizeof(signature) + 4;
    memcpy(out, signature, sizeof(signature));
    out[12] = 0x21;
    out[13] = pair == NULL ? 0x00 : pair->is_ipv6 ? 0x21 : 0x11;
    uint8_t *end = out + head;
    if (pair != NULL) {
        size_t length = pair->is_ipv6 ? 16 : 4;
        memcpy(end, pair->source, length);
        memcpy(end + length, pair->destination, length);
        end = put_port(end + 2 * length, pair->source_port);
        end = put_port(end, pair->destination_port);
    }
    put_port(out + 14, (uint16_t)((size_t)(end - out) - head));
    return (size_t)(end - out);
}

size_t tow_proxy_header_write(uint8_t out[TOW_PROXY_HEADER_MAX], int version, const tow_address *source,
    const tow_address *destination) {
    address_pair pair;
    const address_pair *known = pair_make(&pair, source, destination) ? &pair : NULL;
    return version == 1 ? write_text(out, known) : write_binary(out, known);
}
