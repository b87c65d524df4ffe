/* url: reads ws://HOST[:PORT][/PATH][?QUERY]. */
#ifndef TOW_CLIENT_URL_H
#define TOW_CLIENT_URL_H

#include <stdint.h>

typedef struct tow_url { /* zeroed: empty */
    char *text;          /* the URL in its normal form; all other texts lie in the same memory */
    char *host;          /* in lower case; an IPv6 literal in its brackets */
    char *target;        /* path and query, percent-encoded where that was missing; at least "/" */
    uint16_t port;
} tow_url;

/* Errors: URL, UNSUPPORTED (wss), MEMORY; then *why (unless it is NULL) is a static text that says what is
 * wrong. */
int tow_url_read(tow_url *url, const char *text, const char **why);

/* Frees the texts. */
void tow_url_clear(tow_url *url);

/* What Host says: the host, and the port if it is not the default one. */
enum { TOW_URL_DEFAULT_PORT = 80 };

#endif
