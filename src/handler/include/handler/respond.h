/* respond: answers every request in the same way. */
#ifndef TOW_HANDLER_RESPOND_H
#define TOW_HANDLER_RESPOND_H

#include "handler/kind.h"

typedef struct tow_respond_settings {
    int status;
    const char *type;          /* NULL: text/plain; charset=utf-8 */
    const char *body;          /* NULL: none */
    const char *const *fields; /* "Name: value"; ends with NULL, or NULL */
} tow_respond_settings;

extern const tow_handler_kind tow_respond_kind;

#endif
