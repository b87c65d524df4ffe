#include "client/url.h"

#include "base/slice.h"
#include "http/credentials.h"
#include "http/percent.h"
#include "transport/address.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

enum { PORT_TEXT_MAX = sizeof(":65535") - 1, SCHEME_TEXT_MAX = sizeof("wss://") - 1 };

/* A URL cut into its parts, which point into it. */
typedef struct url_parts {
    bool secure;
    tow_slice user, password; /* as they stand there; empty if there are none */
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

/* The schemes of HTTP are taken for those of WebSocket, as browsers do. */
static int scheme_read(url_parts *parts, const char **rest, const char **why) {
    static const struct {
        const char *begin;
        bool secure;
    } schemes[] = {{"ws://", false}, {"wss://", true}, {"http://", false}, {"https://", true}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t length = strlen(schemes[i].begin);
        if (strncasecmp(*rest, schemes[i].begin, length) != 0)
            continue;
        *rest += length;
        parts->secure = schemes[i].secure;
        return 0;
    }
    return refuse(why, TOW_ERROR_URL, "a URL begins with ws:// or wss://");
}

static size_t host_length(const char *authority, size_t length) {
    const char *end = authority[0] == '[' ? memchr(authority, ']', length) : memchr(authority, ':', length);
    if (end == NULL)
        return length;
    return (size_t)(end - authority) + (authority[0] == '[' ? 1 : 0);
}

/* The user ends at the last '@'. */
static int authority_split(url_parts *parts, const char *authority, size_t length, const char **why) {
    const char *at = memrchr(authority, '@', length);
    if (at != NULL) {
        size_t user = (size_t)(at - authority);
        tow_userinfo_split((tow_slice){authority, user}, &parts->user, &parts->password);
        authority += user + 1;
        length -= user + 1;
    }
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
    int error = scheme_read(parts, &rest, why);
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

static int port_read(tow_url *url, tow_slice digits, const char **why) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits.length && value <= UINT16_MAX; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return refuse(why, TOW_ERROR_URL, "the port is not a number");
        value = value * 10 + (uint32_t)(digits.data[i] - '0');
    }
    if (digits.length == 0)
        value = tow_url_default_port(url->secure);
    if (value == 0 || value > UINT16_MAX)
        return refuse(why, TOW_ERROR_URL, "a port is 1 to 65535");
    url->port = (uint16_t)value;
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

/* RFC 7617, section 2: no control characters, and no colon in the user. */
static bool can_be_sent(const char *text, const char *refused) {
    for (; *text != '\0'; text++)
        if (iscntrl((unsigned char)*text) || strchr(refused, *text) != NULL)
            return false;
    return true;
}

static int write_user(tow_url *url, char *out, const url_parts *parts, const char **why) {
    if (parts->user.length == 0 && parts->password.length == 0)
        return 0;
    url->user = out;
    url->password = tow_percent_decode(url->user, parts->user);
    if (url->password == NULL || tow_percent_decode(url->password, parts->password) == NULL)
        return refuse(why, TOW_ERROR_URL, "a % in the URL's user or password is written %25");
    if (!can_be_sent(url->user, ":") || !can_be_sent(url->password, ""))
        return refuse(why, TOW_ERROR_URL, "the URL's user has a colon, or a control character is in it");
    return 0;
}

static char *write_authority(char *out, const tow_url *url) {
    out = stpcpy(out, url->host);
    if (url->port != tow_url_default_port(url->secure))
        out += snprintf(out, PORT_TEXT_MAX + 1, ":%u", url->port);
    return out + 1;
}

static char *write_text(char *out, const tow_url *url) {
    out = stpcpy(out, url->secure ? "wss://" : "ws://");
    out = stpcpy(out, url->authority);
    return stpcpy(out, url->target) + 1;
}

static int write_texts(tow_url *url, const url_parts *parts, const char **why) {
    size_t target_max = 1 + 3 * (parts->path.length + parts->query.length) + 1;
    size_t authority_max = parts->host.length + PORT_TEXT_MAX + 1;
    size_t text_max = SCHEME_TEXT_MAX + authority_max + target_max;
    size_t user_max = parts->user.length + 1 + parts->password.length + 1;
    char *memory = malloc(parts->host.length + 1 + target_max + authority_max + text_max + user_max);
    if (memory == NULL)
        return refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
    url->host = memory;
    url->target = write_host(url->host, parts->host);
    url->authority = write_target(url->target, parts);
    url->text = write_authority(url->authority, url);
    char *user = write_text(url->text, url);
    int error = host_check(url->host, why);
    return error != 0 ? error : write_user(url, user, parts, why);
}

int tow_url_read(tow_url *url, const char *text, const char **why) {
    url_parts parts = {0};
    tow_url read = {0};
    int error = split(&parts, text, why);
    read.secure = parts.secure;
    if (error == 0)
        error = port_read(&read, parts.port, why);
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
