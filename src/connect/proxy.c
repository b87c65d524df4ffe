#include "connect/proxy.h"

#include "base/slice.h"
#include "http/credentials.h"
#include "http/percent.h"
#include "transport/address.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

enum { DEFAULT_PORT = 1080, DEFAULT_TLS_PORT = 443, SOCKS_TEXT_MAX = 255 };

static const struct {
    const char *name;
    tow_proxy_kind kind;
} schemes[] = {
    {"http", TOW_PROXY_HTTP},
    {"https", TOW_PROXY_HTTPS},
    {"socks5", TOW_PROXY_SOCKS5},
    {"socks5h", TOW_PROXY_SOCKS5},
};

/* The URL cut into its parts, which point into it; data is NULL for what is not there. */
typedef struct proxy_parts {
    tow_slice user, password, host, port;
} proxy_parts;

static int refuse(const char **why, int error, const char *text) {
    if (why != NULL)
        *why = text;
    return error;
}

static int read_scheme(tow_proxy *proxy, const char **rest, const char **why) {
    const char *end = strstr(*rest, "://");
    if (end == NULL)
        return 0;
    const tow_slice scheme = {*rest, (size_t)(end - *rest)};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (!tow_slice_equals_ignoring_case(scheme, schemes[i].name))
            continue;
        proxy->kind = schemes[i].kind;
        *rest = end + 3;
        return 0;
    }
    return refuse(
        why, TOW_ERROR_UNSUPPORTED, "a proxy's URL begins with http://, https://, socks5:// or socks5h://");
}

/* The user ends at the last '@'. */
static int split(proxy_parts *parts, const char *authority, size_t length, const char **why) {
    const char *at = memrchr(authority, '@', length);
    if (at != NULL) {
        size_t user = (size_t)(at - authority);
        tow_userinfo_split((tow_slice){authority, user}, &parts->user, &parts->password);
        authority += user + 1;
        length -= user + 1;
    }
    const char *bracket = length > 0 && authority[0] == '[' ? memchr(authority, ']', length) : NULL;
    size_t host = bracket != NULL ? (size_t)(bracket - authority) + 1 : strcspn(authority, ":/?#");
    if (host > length)
        host = length;
    parts->host = (tow_slice){authority, host};
    if (host == 0)
        return refuse(why, TOW_ERROR_ARGUMENT, "the proxy's URL has no host");
    if (host < length && authority[host] != ':')
        return refuse(why, TOW_ERROR_ARGUMENT, "behind the proxy's host comes :PORT");
    if (host < length)
        parts->port = (tow_slice){authority + host + 1, length - host - 1};
    return 0;
}

static int read_port(tow_proxy *proxy, tow_slice digits, const char **why) {
    unsigned port = 0;
    for (size_t i = 0; i < digits.length && port <= UINT16_MAX; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return refuse(why, TOW_ERROR_ARGUMENT, "the proxy's port is not a number");
        port = port * 10 + (unsigned)(digits.data[i] - '0');
    }
    if (digits.length == 0)
        port = proxy->kind == TOW_PROXY_HTTPS ? DEFAULT_TLS_PORT : DEFAULT_PORT;
    if (port == 0 || port > UINT16_MAX)
        return refuse(why, TOW_ERROR_ARGUMENT, "a proxy's port is 1 to 65535");
    proxy->port = (uint16_t)port;
    return 0;
}

static int write_texts(tow_proxy *proxy, const proxy_parts *parts, const char **why) {
    proxy->host = malloc(parts->host.length + parts->user.length + parts->password.length + 3);
    if (proxy->host == NULL)
        return refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
    memcpy(proxy->host, parts->host.data, parts->host.length);
    proxy->host[parts->host.length] = '\0';
    if (parts->user.data == NULL)
        return 0;
    proxy->user = proxy->host + parts->host.length + 1;
    proxy->password = tow_percent_decode(proxy->user, parts->user);
    if (proxy->password == NULL || tow_percent_decode(proxy->password, parts->password) == NULL)
        return refuse(why, TOW_ERROR_ARGUMENT, "a % in the proxy's user or password is written %25");
    return 0;
}

/* RFC 7617, section 2: a user has no colon. RFC 1929, section 2: a length is one byte. */
static int check_user(const tow_proxy *proxy, const char **why) {
    if (proxy->user == NULL)
        return 0;
    if (proxy->kind != TOW_PROXY_SOCKS5)
        return strchr(proxy->user, ':') == NULL
                   ? 0
                   : refuse(why, TOW_ERROR_ARGUMENT, "an HTTP proxy's user can't have a colon");
    size_t user = strlen(proxy->user);
    size_t password = strlen(proxy->password);
    if (user == 0 || user > SOCKS_TEXT_MAX || password == 0 || password > SOCKS_TEXT_MAX)
        return refuse(
            why, TOW_ERROR_ARGUMENT, "a SOCKS proxy's user and password are 1 to 255 characters each");
    return 0;
}

static int check_host(const tow_proxy *proxy, const char **why) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    if (tow_address_from_host(proxy->host, proxy->port, addresses) == TOW_ERROR_ADDRESS)
        return refuse(why, TOW_ERROR_ARGUMENT, "the proxy's host is neither a name nor an address");
    return 0;
}

int tow_proxy_read(tow_proxy *proxy, const char *url, const char **why) {
    tow_proxy read = {0};
    proxy_parts parts = {0};
    const char *rest = url;
    int error = read_scheme(&read, &rest, why);
    if (error == 0)
        error = split(&parts, rest, strcspn(rest, "/?#"), why);
    if (error == 0)
        error = read_port(&read, parts.port, why);
    if (error == 0)
        error = write_texts(&read, &parts, why);
    if (error == 0)
        error = check_user(&read, why);
    if (error == 0)
        error = check_host(&read, why);
    if (error != 0) {
        tow_proxy_clear(&read);
        return error;
    }
    *proxy = read;
    return 0;
}

void tow_proxy_clear(tow_proxy *proxy) {
    free(proxy->host);
    *proxy = (tow_proxy){0};
}
