/* url: reads [ws|wss|http|https]://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY], as the WHATWG WebSocket
 * standard does: http is taken for ws, https for wss, and there is no fragment. */
#ifndef TOW_CLIENT_URL_H
#define TOW_CLIENT_URL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tow_url { /* zeroed: empty */
    char *text;          /* in normal form, without user and password: it is shown, and written to logs */
    char *host;          /* in lower case; an IPv6 literal in its brackets */
    char *authority;     /* what Host says: the host, and the port if it is not the scheme's */
    char *target;        /* path and query, percent-encoded where that was missing; at least "/" */
    char *user;          /* percent-decoded; NULL if the URL has neither a user nor a password */
    char *password;
    uint16_t port;
    bool secure; /* TLS */
} tow_url;

/* Errors: URL, MEMORY; then *why (unless it is NULL) is a static text that says what is wrong. */
int tow_url_read(tow_url *url, const char *text, const char **why);

/* Frees the texts. */
void tow_url_clear(tow_url *url);

/* RFC 6455, section 3. */
static inline uint16_t tow_url_default_port(bool secure) {
    return secure ? 443 : 80;
}

#endif
