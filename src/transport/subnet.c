#include "transport/subnet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <towline/error.h>

enum { IPV6_BITS = 128, IPV4_BITS = 32, TEXT_MAX = INET6_ADDRSTRLEN + 2 };

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void set_mapped(uint8_t out[16], const void *ipv4) {
    memcpy(out, mapped_prefix, sizeof(mapped_prefix));
    memcpy(out + sizeof(mapped_prefix), ipv4, 4);
}

/* How many bits the address has, or 0 if it is none. */
static int read_literal(uint8_t out[16], const char *text, size_t length) {
    char copy[TEXT_MAX];
    struct in_addr ipv4;
    bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    if (bracketed) {
        text++;
        length -= 2;
    }
    if (length >= sizeof(copy) || memchr(text, '\0', length) != NULL)
        return 0;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET6, copy, out) == 1)
        return IPV6_BITS;
    if (bracketed || inet_pton(AF_INET, copy, &ipv4) != 1)
        return 0;
    set_mapped(out, &ipv4);
    return IPV4_BITS;
}

/* Digits only; -1 for anything else, and for more than `most`. */
static int read_bits(const char *text, size_t length, int most) {
    int bits = 0;
    if (length == 0 || length > 3)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        bits = bits * 10 + (text[i] - '0');
    }
    return bits <= most ? bits : -1;
}

int tow_subnet_read(tow_subnet *subnet, const char *text, size_t length) {
    tow_subnet read = {0};
    if (length == 4 && memcmp(text, "unix", 4) == 0) {
        *subnet = (tow_subnet){.is_unix = true};
        return 0;
    }
    const char *slash = memchr(text, '/', length);
    size_t host = slash != NULL ? (size_t)(slash - text) : length;
    int most = read_literal(read.bytes, text, host);
    if (most == 0)
        return TOW_ERROR_ADDRESS;
    int bits = slash != NULL ? read_bits(slash + 1, length - host - 1, most) : most;
    if (bits < 0)
        return TOW_ERROR_ADDRESS;
    read.bits = (uint8_t)(IPV6_BITS - most + bits);
    *subnet = read;
    return 0;
}

static bool begins_alike(const uint8_t *one, const uint8_t *other, unsigned bits) {
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;
    if (memcmp(one, other, whole) != 0)
        return false;
    return rest == 0 || (one[whole] ^ other[whole]) >> (8 - rest) == 0;
}

bool tow_subnet_contains(const tow_subnet *subnet, const tow_address *address) {
    uint8_t bytes[16];
    const void *storage = &address->storage;
    if (subnet->is_unix || tow_address_is_unix(address))
        return subnet->is_unix && tow_address_is_unix(address);
    if (address->storage.ss_family == AF_INET)
        set_mapped(bytes, &((const struct sockaddr_in *)storage)->sin_addr);
    else if (address->storage.ss_family == AF_INET6)
        memcpy(bytes, &((const struct sockaddr_in6 *)storage)->sin6_addr, sizeof(bytes));
    else
        return false;
    return begins_alike(subnet->bytes, bytes, subnet->bits);
}
