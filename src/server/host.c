#include "server/host.h"

#include <arpa/inet.h>

enum { LITERAL_MAX = 64 };

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

/* RFC 3986, section 3.2.2, as far as names in use go: no user, no white space, no delimiters. */
static bool is_name_character(char character) {
    return is_digit(character) || (character >= 'a' && character <= 'z') ||
           (character >= 'A' && character <= 'Z') ||
           (character != '\0' && strchr("-._~%!$&'()+;=", character) != NULL);
}

static bool is_name(tow_slice host) {
    for (size_t i = 0; i < host.length; i++) {
        if (!is_name_character(host.data[i]))
            return false;
    }
    return host.length > 0;
}

static bool is_address(tow_slice text, int family) {
    char copy[LITERAL_MAX];
    unsigned char address[sizeof(struct in6_addr)];
    if (text.length >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return strlen(copy) == text.length && inet_pton(family, copy, address) == 1;
}

static bool is_ip6_literal(tow_slice host) {
    if (host.length < 2 || host.data[0] != '[' || host.data[host.length - 1] != ']')
        return false;
    return is_address((tow_slice){.data = host.data + 1, .length = host.length - 2}, AF_INET6);
}

static bool port_read(tow_slice text, int *port) {
    if (text.length > 5)
        return false;
    int value = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.data[i]))
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *port = text.length == 0 ? -1 : value;
    return value <= 65535;
}

bool tow_authority_split(tow_slice authority, tow_slice *host, int *port) {
    *port = -1;
    size_t end = authority.length;
    for (size_t i = authority.length; i > 0; i--) {
        char character = authority.data[i - 1];
        if (character == ':')
            end = i - 1;
        if (!is_digit(character))
            break;
    }
    *host = (tow_slice){.data = authority.data, .length = end};
    if (end < authority.length &&
        !port_read((tow_slice){.data = authority.data + end + 1, .length = authority.length - end - 1}, port))
        return false;
    return is_name(*host) || is_ip6_literal(*host);
}

/* A name may end with the dot of the root; it is the same name. */
static tow_slice without_root_dot(tow_slice host) {
    if (host.length > 1 && host.data[host.length - 1] == '.')
        host.length--;
    return host;
}

static bool ends_with(tow_slice host, const char *suffix) {
    size_t length = strlen(suffix);
    if (host.length <= length)
        return false;
    return tow_slice_equals_ignoring_case(
        (tow_slice){.data = host.data + host.length - length, .length = length}, suffix);
}

static bool is_local(tow_slice host) {
    return tow_slice_equals_ignoring_case(host, "localhost") || ends_with(host, ".localhost") ||
           is_address(host, AF_INET) || is_ip6_literal(host);
}

static bool name_matches(const char *name, tow_slice host) {
    if (strcmp(name, "*") == 0)
        return true;
    if (name[0] == '*')
        return ends_with(host, name + 1);
    tow_slice wanted;
    int port;
    return tow_authority_split(tow_slice_from(name), &wanted, &port) &&
           tow_slices_match(without_root_dot(wanted), host);
}

static bool is_named(const char *const *names, tow_slice host) {
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        if (name_matches(names[i], host))
            return true;
    }
    return false;
}

bool tow_host_is_allowed(const tow_host_rule *rule, tow_slice authority) {
    if (rule->names == NULL && !rule->local)
        return true;
    tow_slice host;
    int port;
    if (!tow_authority_split(authority, &host, &port)) {
        /* Only a request of HTTP/1.0 has none at all, and no browser can be made to send one. */
        return authority.length == 0 && rule->names == NULL;
    }
    host = without_root_dot(host);
    return is_named(rule->names, host) || (rule->local && is_local(host));
}

bool tow_host_name_is_valid(const char *name) {
    tow_slice host;
    int port;
    if (strcmp(name, "*") == 0)
        return true;
    if (name[0] == '*')
        return name[1] == '.' && is_name(tow_slice_from(name + 2));
    return tow_authority_split(tow_slice_from(name), &host, &port);
}
