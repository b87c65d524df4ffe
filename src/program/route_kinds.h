/* route_kinds: the kinds of handler that a route of a configuration file may have: a row each. */
#ifndef TOW_PROGRAM_ROUTE_KINDS_H
#define TOW_PROGRAM_ROUTE_KINDS_H

#include "handler/kind.h"

#include <stdbool.h>

typedef struct tow_route_kind {
    const tow_handler_kind *kind; /* its name is the key in a route; NULL ends the table */
    size_t settings_size;
    const char *text;      /* the option that a text in place of a map sets; NULL: none */
    bool is_text_needless; /* it does without that option, too: "true" then stands for all defaults, as where
                              there is none */
    bool is_code;    /* that option names a file with code, which may decide on origins itself, and which is
                        loaded again when it has changed */
    bool is_carried; /* its path is also that of Engine.IO */
    bool is_late;    /* what is made is only for the time until something else is adopted */
} tow_route_kind;

extern const tow_route_kind tow_route_kinds[];

/* The row of this name, or NULL. */
const tow_route_kind *tow_route_kind_find(const char *name);

#endif
