/* module: a native handler, a shared library that towline/handler.h made one of. */
#ifndef TOW_HANDLER_MODULE_H
#define TOW_HANDLER_MODULE_H

#include "handler/kind.h"

typedef struct tow_module_settings {
    const char *file;
    const char *path;  /* that it serves, for what the module may want to say; NULL: that of the place */
    const char *shown; /* the file that people know; NULL: the same */
} tow_module_settings;

/* Whether a file that was built may be a handler: 0, or ARGUMENT for a library that says no TOW_HANDLER; then
 * `why` says what it needs. What can't be loaded here is not judged. Runs none of its callbacks. */
int tow_module_check(const char *file, char why[TOW_HANDLER_TEXT_MAX]);

/* Needs a server. */
extern const tow_handler_kind tow_module_kind;

#endif
