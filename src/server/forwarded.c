#include "server/forwarded.h"

#include "server/host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>

enum { HOPS_MAX = 32, NODE_MAX = 80 };

/* One proxy's words. */
typedef struct hop {
    tow_slice node;
    tow_slice scheme;
    tow_slice host;
} hop;

typedef struct hops {
    hop items[HOPS_MAX];
    size_t count;
} hops;

bool tow_is_trusted(const tow_trusted *trusted, const tow_address *address) {
    for (size_t i = 0; i < trusted->count; i++)
        if (tow_subnet_contains(&trusted->subnets[i], address))
            return true;
    return false;
}

static tow_slice trim(tow_slice text) {
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

/* Nodes: RFC 7239, section 6. */

/* Cuts ":PORT" off; false if what stands there is no port. A name for it ("_x") is no number. */
static bool read_port(tow_slice text, uint16_t *port) {
    unsigned number = 0;
    *port = 0;
    if (text.length == 0 || text.length > 6 || text.data[0] != ':')
        return text.length == 0 || (text.length > 1 && text.data[0] == ':' && text.data[1] == '_');
    if (text.length > 1 && text.data[1] == '_')
        return true;
    for (size_t i = 1; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (unsigned)(text.data[i] - '0');
    }
    *port = (uint16_t)number;
    return text.length > 1 && number <= UINT16_MAX;
}

static bool read_literal(tow_slice host, uint16_t port, tow_address *out) {
    char text[NODE_MAX];
    tow_address addresses[TOW_ADDRESSES_MAX];
    bool bare = memchr(host.data, ':', host.length) != NULL && host.data[0] != '[';
    if (host.length + 3 > sizeof(text) || memchr(host.data, '\0', host.length) != NULL)
        return false;
    int length = snprintf(text, sizeof(text), bare ? "[%.*s]" : "%.*s", (int)host.length, host.data);
    if (length < 0 || tow_address_from_host(text, port, addresses) != 1)
        return false;
    *out = addresses[0];
    return true;
}

/* How much of a node is its host. X-Forwarded-For has bare IPv6 addresses, too. */
static size_t host_length(tow_slice node) {
    const char *end = node.data[0] == '[' ? memchr(node.data, ']', node.length) : NULL;
    if (end != NULL)
        return (size_t)(end - node.data) + 1;
    const char *first = memchr(node.data, ':', node.length);
    const char *last = memrchr(node.data, ':', node.length);
    return first != NULL && first == last ? (size_t)(first - node.data) : node.length;
}

/* 1: an address; 0: hidden; or HTTP_SYNTAX. */
static int read_node(tow_slice node, tow_address *out) {
    uint16_t port;
    if (node.length == 0)
        return TOW_ERROR_HTTP_SYNTAX;
    size_t length = host_length(node);
    const tow_slice host = {node.data, length};
    if (!read_port((tow_slice){node.data + length, node.length - length}, &port))
        return TOW_ERROR_HTTP_SYNTAX;
    if (node.data[0] == '_' || tow_slice_equals_ignoring_case(host, "unknown"))
        return 0;
    return read_literal(host, port, out) ? 1 : TOW_ERROR_HTTP_SYNTAX;
}

/* Forwarded: RFC 7239, section 4. */

static bool is_token_character(char character) {
    return character > ' ' && character < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", character) == NULL;
}

/* A token or a quoted string from the front of *rest; data is NULL for none. A quoted string that has to be
 * unquoted is not what a node, a scheme or a host looks like: it is left as it is. */
static tow_slice read_value(tow_slice *rest) {
    tow_slice value = {0};
    size_t used = 0;
    if (rest->length > 0 && rest->data[0] == '"') {
        for (used = 1; used < rest->length && rest->data[used] != '"'; used++)
            if (rest->data[used] == '\\' && ++used == rest->length)
                return value;
        if (used >= rest->length)
            return value;
        value = (tow_slice){rest->data + 1, used - 1};
        used++;
    } else {
        while (used < rest->length && is_token_character(rest->data[used]))
            used++;
        if (used == 0)
            return value;
        value = (tow_slice){rest->data, used};
    }
    *rest = (tow_slice){rest->data + used, rest->length - used};
    return value;
}

/* Each parameter once. */
static bool set_once(tow_slice *place, tow_slice value) {
    if (place->data != NULL)
        return false;
    *place = value;
    return true;
}

static bool read_pair(hop *one, tow_slice *rest) {
    size_t length = 0;
    while (length < rest->length && is_token_character(rest->data[length]))
        length++;
    const tow_slice name = {rest->data, length};
    if (length == 0 || length == rest->length || rest->data[length] != '=')
        return false;
    *rest = (tow_slice){rest->data + length + 1, rest->length - length - 1};
    tow_slice value = read_value(rest);
    if (value.data == NULL)
        return false;
    if (tow_slice_equals_ignoring_case(name, "for"))
        return set_once(&one->node, value);
    if (tow_slice_equals_ignoring_case(name, "proto"))
        return set_once(&one->scheme, value);
    return !tow_slice_equals_ignoring_case(name, "host") || set_once(&one->host, value);
}

/* Pairs up to the next comma or the end. */
static int read_element(hops *list, tow_slice *rest) {
    hop one = {0};
    *rest = trim(*rest);
    if (list->count == HOPS_MAX || !read_pair(&one, rest))
        return TOW_ERROR_HTTP_SYNTAX;
    for (*rest = trim(*rest); rest->length > 0 && rest->data[0] == ';'; *rest = trim(*rest)) {
        *rest = trim((tow_slice){rest->data + 1, rest->length - 1});
        bool is_last = rest->length == 0 || rest->data[0] == ',';
        if (!is_last && !read_pair(&one, rest))
            return TOW_ERROR_HTTP_SYNTAX;
    }
    list->items[list->count++] = one;
    return 0;
}

static int read_forwarded_field(hops *list, tow_slice rest) {
    int error = read_element(list, &rest);
    while (error == 0 && rest.length > 0) {
        if (rest.data[0] != ',')
            return TOW_ERROR_HTTP_SYNTAX;
        rest = (tow_slice){rest.data + 1, rest.length - 1};
        error = read_element(list, &rest);
    }
    return error;
}

static int read_forwarded(hops *list, const tow_field *fields, size_t count) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++)
        if (tow_slice_equals_ignoring_case(fields[i].name, "Forwarded"))
            error = read_forwarded_field(list, fields[i].value);
    return error;
}

/* X-Forwarded-*: lists of their own, which nobody has written down. */

static int read_list(
    tow_slice out[HOPS_MAX], size_t *found, const tow_field *fields, size_t count, const char *name) {
    *found = 0;
    for (size_t i = 0; i < count; i++) {
        tow_slice rest = fields[i].value;
        if (!tow_slice_equals_ignoring_case(fields[i].name, name))
            continue;
        for (bool more = true; more;) {
            const char *comma = memchr(rest.data, ',', rest.length);
            size_t length = comma != NULL ? (size_t)(comma - rest.data) : rest.length;
            if (*found == HOPS_MAX)
                return TOW_ERROR_HTTP_SYNTAX;
            out[(*found)++] = trim((tow_slice){rest.data, length});
            more = comma != NULL;
            rest = (tow_slice){rest.data + length + more, rest.length - length - more};
        }
    }
    return 0;
}

/* Many proxies set one scheme and one host, however many clients they list: those are the last's. */
static tow_slice beside(const tow_slice *list, size_t count, size_t from_end) {
    if (count == 0)
        return (tow_slice){0};
    return list[count - 1 - (from_end < count ? from_end : count - 1)];
}

static int read_unofficial(hops *list, const tow_field *fields, size_t count) {
    tow_slice nodes[HOPS_MAX], schemes[HOPS_MAX], hosts[HOPS_MAX];
    size_t node_count, scheme_count, host_count;
    int error = read_list(nodes, &node_count, fields, count, "X-Forwarded-For");
    if (error == 0)
        error = read_list(schemes, &scheme_count, fields, count, "X-Forwarded-Proto");
    if (error == 0)
        error = read_list(hosts, &host_count, fields, count, "X-Forwarded-Host");
    if (error != 0)
        return error;
    list->count = node_count > 0 ? node_count : scheme_count + host_count > 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t from_end = list->count - 1 - i;
        list->items[i] = (hop){.node = node_count > 0 ? nodes[i] : (tow_slice){0},
            .scheme = beside(schemes, scheme_count, from_end),
            .host = beside(hosts, host_count, from_end)};
    }
    return 0;
}

/* The client. */

static int check_hop(const hop *one, tow_forwarded *out) {
    tow_slice host;
    int port;
    if (one->scheme.data != NULL && !tow_slice_equals_ignoring_case(one->scheme, "http") &&
        !tow_slice_equals_ignoring_case(one->scheme, "https") &&
        !tow_slice_equals_ignoring_case(one->scheme, "ws") &&
        !tow_slice_equals_ignoring_case(one->scheme, "wss"))
        return TOW_ERROR_HTTP_SYNTAX;
    if (one->host.data != NULL && !tow_authority_split(one->host, &host, &port))
        return TOW_ERROR_HTTP_SYNTAX;
    out->scheme = one->scheme;
    if (one->scheme.data != NULL && (one->scheme.data[0] | 0x20) == 'w')
        out->scheme = tow_slice_from(one->scheme.length == 3 ? "https" : "http");
    out->host = one->host;
    return 0;
}

/* Backwards, until somebody is named who is not trusted: what stands before is that one's own invention. */
static int choose(tow_forwarded *out, const hops *list, const tow_trusted *trusted) {
    *out = (tow_forwarded){0};
    size_t i = list->count;
    while (i-- > 0) {
        int result = list->items[i].node.data == NULL ? 0 : read_node(list->items[i].node, &out->address);
        if (result < 0)
            return result;
        out->has_address = result == 1;
        if (i == 0 || result == 0 || !tow_is_trusted(trusted, &out->address))
            return check_hop(&list->items[i], out);
    }
    return 0;
}

static bool is_same_client(const tow_forwarded *one, const tow_forwarded *other) {
    tow_address first = one->address, second = other->address;
    if (!one->has_address || !other->has_address)
        return one->has_address == other->has_address;
    tow_address_set_port(&first, 0);
    tow_address_set_port(&second, 0);
    return first.length == second.length && memcmp(&first.storage, &second.storage, first.length) == 0;
}

int tow_forwarded_read(
    tow_forwarded *out, const tow_field *fields, size_t count, const tow_trusted *trusted) {
    hops official = {.count = 0}, unofficial = {.count = 0};
    tow_forwarded read, other;
    int error = read_forwarded(&official, fields, count);
    if (error == 0)
        error = read_unofficial(&unofficial, fields, count);
    if (error == 0)
        error = choose(&read, &official, trusted);
    if (error == 0)
        error = choose(&other, &unofficial, trusted);
    if (error != 0)
        return error;
    if (official.count > 0 && unofficial.count > 0 && !is_same_client(&read, &other))
        return TOW_ERROR_HTTP_SYNTAX;
    *out = official.count > 0 ? read : other;
    return 0;
}
