/* proxy: what stands between us and the server on the way out, as a URL says it, and which one the
 * environment wants. */
#ifndef TOW_CONNECT_PROXY_H
#define TOW_CONNECT_PROXY_H

#include <stdbool.h>
#include <stdint.h>

typedef enum tow_proxy_kind {
    TOW_PROXY_HTTP,  /* CONNECT (RFC 9110, section 9.3.6) */
    TOW_PROXY_HTTPS, /* the same inside of TLS */
    TOW_PROXY_SOCKS5 /* RFC 1928; the proxy looks names up */
} tow_proxy_kind;

typedef struct tow_proxy { /* zeroed: none */
    tow_proxy_kind kind;
    char *host; /* all texts lie in one piece of memory, which begins here */
    uint16_t port;
    char *user; /* NULL: none */
    char *password;
} tow_proxy;

/* Reads [SCHEME://][USER:PASSWORD@]HOST[:PORT]. Schemes: http (also when there is none), https, socks5 and
 * socks5h; without a port 1080, for https 443. User and password are percent-decoded. Errors: ARGUMENT,
 * UNSUPPORTED (another scheme), MEMORY; then *why (unless it is NULL) is a static text. */
int tow_proxy_read(tow_proxy *proxy, const char *url, const char **why);

/* Frees the texts. */
void tow_proxy_clear(tow_proxy *proxy);

/* The URL of the proxy that environment variables want for a host, or NULL. The first counts that is set and
 * not empty, as with curl: ws_proxy, WS_PROXY, http_proxy (in lower case only: CGI programs have an
 * HTTP_PROXY that others decide on) or, if `secure`, wss_proxy, WSS_PROXY, https_proxy, HTTPS_PROXY; then
 * all_proxy, ALL_PROXY. None for what no_proxy or else NO_PROXY lists. `get` answers the value of a variable
 * or NULL, as getenv(3). */
const char *tow_proxy_from_environment(char *(*get)(const char *name), bool secure, const char *host);

/* Whether a list, separated by commas or spaces, names the host: a domain (with or without a leading dot)
 * with all below it, an address, ADDRESS/BITS, or "*" for every host. `host` is a name or a literal, IPv6 in
 * brackets. */
bool tow_no_proxy_matches(const char *list, const char *host);

#endif
