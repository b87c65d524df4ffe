/* redirect: sends whoever comes to another place. What stands below a path that is a prefix is kept, and so
 * is the query where the target has none. */
#ifndef TOW_HANDLER_REDIRECT_H
#define TOW_HANDLER_REDIRECT_H

#include "handler/kind.h"

typedef struct tow_redirect_settings {
    const char *target; /* "https://example.org/new", or "/new" on the same server */
    int status;         /* 301, 302, 303, 307 or 308 */
} tow_redirect_settings;

extern const tow_handler_kind tow_redirect_kind;

#endif
