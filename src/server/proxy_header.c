#include "server/proxy_header.h"

#include "base/slice.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <towline/error.h>

enum {
    TEXT_MAX = 107, /* version 1, with CR LF */
    SIGNATURE_LENGTH = 12,
    HEAD_LENGTH = 16, /* version 2 */
    LENGTH_MAX = 4096,
    TYPE_TLS = 0x20
};

static const uint8_t text_begin[6] = {'P', 'R', 'O', 'X', 'Y', ' '};
static const uint8_t signature[SIGNATURE_LENGTH] = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

/* Version 1: PROXY TCP4 SOURCE DESTINATION PORT PORT. */

/* The next word, which ends at one space. */
static tow_slice next_word(tow_slice *rest) {
    const char *space = memchr(rest->data, ' ', rest->length);
    tow_slice word = {rest->data, space != NULL ? (size_t)(space - rest->data) : rest->length};
    size_t used = word.length + (space != NULL);
    *rest = (tow_slice){rest->data + used, rest->length - used};
    return word;
}

static bool read_port(tow_slice word, uint16_t *port) {
    unsigned number = 0;
    if (word.length == 0 || word.length > 5 || (word.length > 1 && word.data[0] == '0'))
        return false;
    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        number = number * 10 + (unsigned)(word.data[i] - '0');
    }
    *port = (uint16_t)number;
    return number <= UINT16_MAX;
}

static void set_ipv4(tow_address *out, const void *host, uint16_t port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&name.sin_addr, host, sizeof(name.sin_addr));
    *out = (tow_address){.length = sizeof(name)};
    memcpy(&out->storage, &name, sizeof(name));
}

static void set_ipv6(tow_address *out, const void *host, uint16_t port) {
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&name.sin6_addr, host, sizeof(name.sin6_addr));
    *out = (tow_address){.length = sizeof(name)};
    memcpy(&out->storage, &name, sizeof(name));
}

static bool read_literal(tow_slice word, int family, uint8_t out[16]) {
    char text[INET6_ADDRSTRLEN];
    if (word.length >= sizeof(text) || memchr(word.data, '\0', word.length) != NULL)
        return false;
    memcpy(text, word.data, word.length);
    text[word.length] = '\0';
    return inet_pton(family, text, out) == 1;
}

static bool read_line(tow_proxy_header *header, tow_slice rest) {
    uint8_t source[16], destination[16];
    uint16_t source_port, destination_port;
    const tow_slice kind = next_word(&rest);
    if (tow_slice_equals(kind, "UNKNOWN"))
        return true;
    int family = tow_slice_equals(kind, "TCP4") ? AF_INET : tow_slice_equals(kind, "TCP6") ? AF_INET6 : 0;
    if (family == 0 || !read_literal(next_word(&rest), family, source) ||
        !read_literal(next_word(&rest), family, destination) || !read_port(next_word(&rest), &source_port))
        return false;
    if (!read_port(rest, &destination_port))
        return false;
    header->has_address = true;
    if (family == AF_INET)
        set_ipv4(&header->address, source, source_port);
    else
        set_ipv6(&header->address, source, source_port);
    return true;
}

static int read_text(tow_proxy_header *header, const uint8_t *bytes, size_t length) {
    size_t offered = length < TEXT_MAX ? length : TEXT_MAX;
    const uint8_t *end = memchr(bytes, '\n', offered);
    if (end == NULL)
        return length < TEXT_MAX ? 0 : TOW_ERROR_ARGUMENT;
    size_t line = (size_t)(end - bytes);
    if (bytes[line - 1] != '\r')
        return TOW_ERROR_ARGUMENT;
    const size_t begin = sizeof(text_begin);
    if (line < begin + 1 || !read_line(header, (tow_slice){(const char *)bytes + begin, line - 1 - begin}))
        return TOW_ERROR_ARGUMENT;
    return (int)line + 1;
}

/* Version 2. */

/* The TLS that the client came with, if the balancer tells: type, length in two bytes, value. */
static bool read_extras(tow_proxy_header *header, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        if (length < 3)
            return false;
        size_t size = (size_t)bytes[1] << 8 | bytes[2];
        if (size > length - 3)
            return false;
        if (bytes[0] == TYPE_TLS && size > 0) {
            header->knows_tls = true;
            header->is_secure = bytes[3] & 1;
        }
        bytes += 3 + size;
        length -= 3 + size;
    }
    return true;
}

static bool read_addresses(tow_proxy_header *header, uint8_t family, const uint8_t *bytes, size_t length) {
    enum { IPV4 = 12, IPV6 = 36, UNIX = 216 };
    size_t size = family == 0x11 ? IPV4 : family == 0x21 ? IPV6 : family == 0x31 ? UNIX : 0;
    if (family >> 4 > 3 || (family & 15) > 2 || length < size)
        return false;
    if (size == IPV4)
        set_ipv4(&header->address, bytes, (uint16_t)(bytes[8] << 8 | bytes[9]));
    else if (size == IPV6)
        set_ipv6(&header->address, bytes, (uint16_t)(bytes[32] << 8 | bytes[33]));
    else
        return true; /* nothing that we could say */
    header->has_address = true;
    return read_extras(header, bytes + size, length - size);
}

static int read_binary(tow_proxy_header *header, const uint8_t *bytes, size_t length) {
    enum { LOCAL = 0x20, PROXY = 0x21 };
    if (length > SIGNATURE_LENGTH && bytes[12] != LOCAL && bytes[12] != PROXY)
        return TOW_ERROR_ARGUMENT;
    if (length < HEAD_LENGTH)
        return 0;
    size_t size = (size_t)bytes[14] << 8 | bytes[15];
    if (size > LENGTH_MAX - HEAD_LENGTH)
        return TOW_ERROR_ARGUMENT;
    if (length < HEAD_LENGTH + size)
        return 0;
    if (bytes[12] == PROXY && !read_addresses(header, bytes[13], bytes + HEAD_LENGTH, size))
        return TOW_ERROR_ARGUMENT;
    return (int)(HEAD_LENGTH + size);
}

static bool begins(const uint8_t *bytes, size_t length, const uint8_t *start, size_t start_length) {
    return memcmp(bytes, start, length < start_length ? length : start_length) == 0;
}

int tow_proxy_header_read(tow_proxy_header *header, const uint8_t *bytes, size_t length) {
    tow_proxy_header read = {0};
    int result = TOW_ERROR_ARGUMENT;
    if (length == 0)
        return 0;
    if (begins(bytes, length, text_begin, sizeof(text_begin)))
        result = length < sizeof(text_begin) ? 0 : read_text(&read, bytes, length);
    else if (begins(bytes, length, signature, sizeof(signature)))
        result = read_binary(&read, bytes, length);
    if (result > 0)
        *header = read;
    return result;
}
