/* version: a handler that was ordered and made of a file, for as long as a route has it: a path and its
 * aliases, and what is open there. Counted, on any thread. */
#ifndef TOW_HANDLER_DIRECTORY_VERSION_H
#define TOW_HANDLER_DIRECTORY_VERSION_H

#include "handler/directory.h"

#include <stdatomic.h>

typedef struct tow_version {
    tow_directory_order order; /* first */
    tow_directory *directory;  /* that waits for it; NULL: it does not wait any more */
    tow_handler handler;       /* as it was made */
    atomic_size_t holders;
    char texts[];
} tow_version;

/* Held by whoever makes it; no handler yet. NULL without memory. */
tow_version *tow_version_new(
    tow_directory *directory, tow_entry_type type, const char *root, const char *name, const char *path);

/* Serves it at a path, which holds it then. Errors: as tow_server_route. */
int tow_version_route(tow_version *version, tow_server *server, const char *path);

/* With the last holder the handler's on_free comes, if there is a handler. NULL is allowed. */
void tow_version_release(tow_version *version);

#endif
