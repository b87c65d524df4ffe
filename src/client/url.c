#include "client/url.h"

#include "base/slice.h"
#include "transport/address.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

enum { PORT_TEXT_MAX = sizeof(":65535") - 1 };

/* A URL cut into its parts, which point into it. */
typedef struct url_parts {
    tow_slice host;
    tow_slice port;  /* digits; may be empty */
    tow_slice path;  /* may be empty; begins with '/' */
    tow_slice query; /* with its '?', or empty */
} url_parts;

static int refuse(const char **why, int error, const char *text) {
    if (why != NULL)
        *why = text;
    return error;
}

static int scheme_read(const char **rest, const char **why) {
    if (strncasecmp(*rest, "ws://", 5) == 0) {
        *rest += 5;
        return 0;
    }
    if (strncasecmp(*rest, "wss://", 6) == 0)
        return refuse(why, TOW_ERROR_UNSUPPORTED,
            "wss:// needs TLS, which clients of this version do not speak: use ws://");
    return refuse(why, TOW_ERROR_URL, "a URL begins with ws://");
}

static size_t host_length(const char *authority, size_t length) {
    const char *end = authority[0] == '[' ? memchr(authority, ']', length) : memchr(authority, ':', length);
    if (end == NULL)
        return length;
    return (size_t)(end - authority) + (authority[0] == '[' ? 1 : 0);
}

static int authority_split(url_parts *parts, const char *authority, size_t length, const char **why) {
    if (memchr(authority, '@', length) != NULL)
        return refuse(
            why, TOW_ERROR_URL, "a user name in the URL is not supported: send an Authorization header");
    size_t host = host_length(authority, length);
    parts->host = (tow_slice){authority, host};
    parts->port = (tow_slice){authority + host, length - host};
    if (host == 0)
        return refuse(why, TOW_ERROR_URL, "the URL has no host");
    if (parts->port.length > 0 && parts->port.data[0] != ':')
        return refuse(why, TOW_ERROR_URL, "behind the host comes :PORT or /PATH");
    if (parts->port.length > 0)
        parts->port = (tow_slice){parts->port.data + 1, parts->port.length - 1};
    return 0;
}

/* RFC 6455, section 3: no fragments. What can't be percent-encoded with a good conscience is refused. */
static int target_check(const char *target, const char **why) {
    if (strchr(target, '#') != NULL)
        return refuse(why, TOW_ERROR_URL, "a WebSocket URL has no fragment: write %23 for #");
    for (; *target != '\0'; target++)
        if (iscntrl((unsigned char)*target))
            return refuse(why, TOW_ERROR_URL, "a control character in the URL");
    return 0;
}

static int split(url_parts *parts, const char *text, const char **why) {
    const char *rest = text;
    int error = scheme_read(&rest, why);
    if (error != 0)
        return error;
    size_t authority = strcspn(rest, "/?#");
    error = authority_split(parts, rest, authority, why);
    if (error != 0)
        return error;
    rest += authority;
    size_t path = strcspn(rest, "?");
    parts->path = (tow_slice){rest, path};
    parts->query = tow_slice_from(rest + path);
    return target_check(rest, why);
}

static int port_read(uint16_t *port, tow_slice digits, const char **why) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits.length && value <= UINT16_MAX; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return refuse(why, TOW_ERROR_URL, "the port is not a number");
        value = value * 10 + (uint32_t)(digits.data[i] - '0');
    }
    if (digits.length == 0)
        value = TOW_URL_DEFAULT_PORT;
    if (value == 0 || value > UINT16_MAX)
        return refuse(why, TOW_ERROR_URL, "a port is 1 to 65535");
    *port = (uint16_t)value;
    return 0;
}

/* RFC 3986, sections 3.3 and 3.4: what may stand in a path or query as it is. '%' as well: the user has
 * encoded something. */
static bool stands_as_it_is(unsigned char character) {
    return isascii(character) && (isalnum(character) || strchr("-._~!$&'()*+,;=:@/?%", character) != NULL);
}

static char *encode(char *out, tow_slice text) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char character = (unsigned char)text.data[i];
        if (stands_as_it_is(character)) {
            *out++ = (char)character;
            continue;
        }
        *out++ = '%';
        *out++ = digits[character >> 4];
        *out++ = digits[character & 15];
    }
    return out;
}

static char *write_target(char *out, const url_parts *parts) {
    if (parts->path.length == 0)
        *out++ = '/';
    out = encode(out, parts->path);
    out = encode(out, parts->query);
    *out++ = '\0';
    return out;
}

static char *write_host(char *out, tow_slice host) {
    for (size_t i = 0; i < host.length; i++)
        *out++ = (char)tolower((unsigned char)host.data[i]);
    *out++ = '\0';
    return out;
}

/* Whether this is a host at all; whether it can be found is seen later. */
static int host_check(const char *host, const char **why) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    bool is_name = host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-._")] == '\0';
    if ((host[0] != '[' && !is_name) || tow_address_from_host(host, 1, addresses) == TOW_ERROR_ADDRESS)
        return refuse(why, TOW_ERROR_URL, "the host in the URL is neither a name nor an address");
    return 0;
}

static int write_texts(tow_url *url, const url_parts *parts, const char **why) {
    size_t target_max = 1 + 3 * (parts->path.length + parts->query.length) + 1;
    size_t host_max = parts->host.length + 1;
    char *memory = malloc(2 * target_max + 2 * host_max + sizeof("ws://") + PORT_TEXT_MAX);
    if (memory == NULL)
        return refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
    url->host = memory;
    url->target = write_host(url->host, parts->host);
    url->text = write_target(url->target, parts);
    size_t room = target_max + host_max + sizeof("ws://") + PORT_TEXT_MAX;
    if (url->port == TOW_URL_DEFAULT_PORT)
        snprintf(url->text, room, "ws://%s%s", url->host, url->target);
    else
        snprintf(url->text, room, "ws://%s:%d%s", url->host, url->port, url->target);
    return host_check(url->host, why);
}

int tow_url_read(tow_url *url, const char *text, const char **why) {
    url_parts parts;
    tow_url read = {0};
    int error = split(&parts, text, why);
    if (error == 0)
        error = port_read(&read.port, parts.port, why);
    if (error == 0)
        error = write_texts(&read, &parts, why);
    if (error != 0) {
        tow_url_clear(&read);
        return error;
    }
    *url = read;
    return 0;
}

/* All texts are in one piece of memory, the host first. */
void tow_url_clear(tow_url *url) {
    free(url->host);
    *url = (tow_url){0};
}
