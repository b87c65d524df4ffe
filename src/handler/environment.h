/* environment: what a program is told of the request that it serves, as environment variables: those of CGI
 * (RFC 3875) with the names that websocketd has made common for WebSocket, and those of our own that it may
 * see. */
#ifndef TOW_HANDLER_ENVIRONMENT_H
#define TOW_HANDLER_ENVIRONMENT_H

#include "base/buffer.h"

#include <towline/http.h>

typedef struct tow_environment { /* zeroed: empty */
    tow_buffer text;             /* "NAME=VALUE", each with its zero */
    const char **variables;      /* into it; ends with NULL */
} tow_environment;

/* Appends the request's variables to a text, each with a zero behind it. Header fields become HTTP_NAME,
 * repeated ones joined by commas; those whose names have an underscore, and Proxy, are left out, as they
 * would be taken for something else. `path`: where it is served, what is behind it in the request's path is
 * PATH_INFO; NULL: there is nothing. The loop is the connection's. Errors: MEMORY. */
int tow_environment_of_request(
    tow_buffer *text, const tow_request *request, const char *path, tow_loop *loop);

/* Fills the environment of a program: the request's (NULL: none, and no loop), and of `allowed` (ends with
 * NULL, may be NULL) those that are NAME=VALUE, and of the others what we have by that name; PATH, LANG, TZ
 * and HOME come along in any case. Errors: MEMORY. */
int tow_environment_make(tow_environment *environment, const tow_request *request, const char *path,
    tow_loop *loop, const char *const *allowed);
void tow_environment_clear(tow_environment *environment);

/* Where a route of this path ("/a/chat", or "/a/" and an asterisk) is served, as SCRIPT_NAME has it: to be
 * freed. NULL without memory. */
char *tow_environment_script_name(const char *path);

/* Of a text of the option. Errors: ARGUMENT. */
int tow_environment_check(const char *text);

#endif
