#include "transport/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <towline/error.h>

static const char unix_prefix[] = "unix:";

static struct sockaddr_in *as_ipv4(tow_address *address) {
    return (struct sockaddr_in *)(void *)&address->storage;
}

static struct sockaddr_in6 *as_ipv6(tow_address *address) {
    return (struct sockaddr_in6 *)(void *)&address->storage;
}

static const struct sockaddr_in *to_ipv4(const tow_address *address) {
    return (const struct sockaddr_in *)(const void *)&address->storage;
}

static const struct sockaddr_in6 *to_ipv6(const tow_address *address) {
    return (const struct sockaddr_in6 *)(const void *)&address->storage;
}

static const struct sockaddr_un *to_unix(const tow_address *address) {
    return (const struct sockaddr_un *)(const void *)&address->storage;
}

static void set_ipv4(tow_address *address, struct in_addr host, uint16_t port) {
    memset(address, 0, sizeof(*address));
    address->length = sizeof(struct sockaddr_in);
    *as_ipv4(address) =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host};
}

static void set_ipv6(tow_address *address, struct in6_addr host, uint16_t port) {
    memset(address, 0, sizeof(*address));
    address->length = sizeof(struct sockaddr_in6);
    *as_ipv6(address) =
        (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = host};
}

static int set_loopback(uint16_t port, tow_address out[TOW_ADDRESSES_MAX]) {
    set_ipv4(&out[0], (struct in_addr){htonl(INADDR_LOOPBACK)}, port);
    set_ipv6(&out[1], in6addr_loopback, port);
    return 2;
}

static int set_every(uint16_t port, tow_address out[TOW_ADDRESSES_MAX]) {
    set_ipv6(&out[0], in6addr_any, port);
    set_ipv4(&out[1], (struct in_addr){htonl(INADDR_ANY)}, port);
    return 2;
}

static int parse_unix(const char *path, tow_address *out) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(name.sun_path))
        return TOW_ERROR_ADDRESS;
    memcpy(name.sun_path, path, length + 1);
    memset(out, 0, sizeof(*out));
    memcpy(&out->storage, &name, sizeof(name));
    out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return 1;
}

/* Digits only, 0 to 65535; -1 for anything else. */
static int parse_port(const char *text) {
    int port = 0;
    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = port * 10 + (*text - '0');
        if (port > 65535)
            return -1;
    }
    return port;
}

/* "localhost" and "x.localhost" name this machine and nothing else (RFC 6761, section 6.3). */
static bool is_localhost(const char *host) {
    size_t length = strlen(host);
    if (length > 0 && host[length - 1] == '.')
        length--;
    const size_t name = sizeof("localhost") - 1;
    if (length < name || strncasecmp(host + length - name, "localhost", name) != 0)
        return false;
    return length == name || (length > name + 1 && host[length - name - 1] == '.');
}

static int literal(const char *host, uint16_t port, tow_address *out) {
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (inet_pton(AF_INET, host, &ipv4) == 1)
        set_ipv4(out, ipv4, port);
    else if (inet_pton(AF_INET6, host, &ipv6) == 1)
        set_ipv6(out, ipv6, port);
    else
        return 0;
    return 1;
}

/* Copies the text between brackets; false if it is not an IPv6 literal in them. */
static bool unbracket(const char *host, char out[INET6_ADDRSTRLEN]) {
    size_t length = strlen(host);
    if (length < 2 || length - 2 >= INET6_ADDRSTRLEN || host[0] != '[' || host[length - 1] != ']')
        return false;
    memcpy(out, host + 1, length - 2);
    out[length - 2] = '\0';
    return strchr(out, ':') != NULL;
}

/* Whether this can be a name at all, which somebody else may look up. */
static bool is_name(const char *host) {
    size_t length = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
    return length > 0 && length <= 253 && host[length] == '\0';
}

int tow_address_from_host(const char *host, uint16_t port, tow_address out[TOW_ADDRESSES_MAX]) {
    if (is_localhost(host) && is_name(host))
        return set_loopback(port, out);
    char inner[INET6_ADDRSTRLEN];
    if (host[0] == '[')
        return unbracket(host, inner) && literal(inner, port, out) == 1 ? 1 : TOW_ERROR_ADDRESS;
    if (literal(host, port, out) == 1)
        return 1;
    return is_name(host) ? TOW_ERROR_NAME_NOT_FOUND : TOW_ERROR_ADDRESS;
}

int tow_address_parse(const char *text, tow_address out[TOW_ADDRESSES_MAX]) {
    if (strncmp(text, unix_prefix, sizeof(unix_prefix) - 1) == 0)
        return parse_unix(text + sizeof(unix_prefix) - 1, out);
    const char *colon = strrchr(text, ':');
    int port = parse_port(colon != NULL ? colon + 1 : text);
    if (port < 0)
        return TOW_ERROR_ADDRESS;
    if (colon == NULL)
        return set_loopback((uint16_t)port, out);
    char host[64];
    size_t length = (size_t)(colon - text);
    if (length >= sizeof(host))
        return TOW_ERROR_ADDRESS;
    memcpy(host, text, length);
    host[length] = '\0';
    if (strcmp(host, "*") == 0)
        return set_every((uint16_t)port, out);
    /* Without brackets the last group of an IPv6 literal would pass for a port. */
    if (strchr(host, ':') != NULL && host[0] != '[')
        return TOW_ERROR_ADDRESS;
    int count = tow_address_from_host(host, (uint16_t)port, out);
    return count > 0 ? count : TOW_ERROR_ADDRESS;
}

static void text_of_unix(const tow_address *address, char out[TOW_ADDRESS_TEXT_MAX]) {
    const size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t room = address->length > start ? address->length - start : 0;
    const char *path = to_unix(address)->sun_path;
    if (room > 1 && path[0] == '\0') /* abstract: a name that is no file's */
        snprintf(out, TOW_ADDRESS_TEXT_MAX, "unix:@%.*s", (int)strnlen(path + 1, room - 1), path + 1);
    else if (room == 0 || path[0] == '\0')
        snprintf(out, TOW_ADDRESS_TEXT_MAX, "unix");
    else
        snprintf(out, TOW_ADDRESS_TEXT_MAX, "unix:%.*s", (int)strnlen(path, room), path);
}

void tow_address_text(const tow_address *address, char out[TOW_ADDRESS_TEXT_MAX]) {
    char host[INET6_ADDRSTRLEN];
    out[0] = '\0';
    if (tow_address_is_unix(address))
        text_of_unix(address, out);
    else if (address->storage.ss_family == AF_INET)
        snprintf(out, TOW_ADDRESS_TEXT_MAX, "%s:%u",
            inet_ntop(AF_INET, &to_ipv4(address)->sin_addr, host, sizeof(host)), tow_address_port(address));
    else if (address->storage.ss_family == AF_INET6)
        snprintf(out, TOW_ADDRESS_TEXT_MAX, "[%s]:%u",
            inet_ntop(AF_INET6, &to_ipv6(address)->sin6_addr, host, sizeof(host)), tow_address_port(address));
}

void tow_address_unmap(tow_address *address) {
    if (address->storage.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&to_ipv6(address)->sin6_addr))
        return;
    struct in_addr host;
    memcpy(&host, &to_ipv6(address)->sin6_addr.s6_addr[12], sizeof(host));
    set_ipv4(address, host, tow_address_port(address));
}

bool tow_address_is_loopback(const tow_address *address) {
    if (address->storage.ss_family == AF_INET)
        return ntohl(to_ipv4(address)->sin_addr.s_addr) >> 24 == 127;
    return address->storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&to_ipv6(address)->sin6_addr);
}

bool tow_address_is_unix(const tow_address *address) {
    return address->storage.ss_family == AF_UNIX;
}

uint16_t tow_address_port(const tow_address *address) {
    if (address->storage.ss_family == AF_INET)
        return ntohs(to_ipv4(address)->sin_port);
    return address->storage.ss_family == AF_INET6 ? ntohs(to_ipv6(address)->sin6_port) : 0;
}

void tow_address_set_port(tow_address *address, uint16_t port) {
    if (address->storage.ss_family == AF_INET)
        as_ipv4(address)->sin_port = htons(port);
    else if (address->storage.ss_family == AF_INET6)
        as_ipv6(address)->sin6_port = htons(port);
}
