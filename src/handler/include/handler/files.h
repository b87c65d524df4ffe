/* files: serves the files below a directory, to be routed at all paths ("/" and an asterisk), or at those
 * below a prefix, which is no part of a file's name then.
 *
 * GET and HEAD; index.html, else a listing; conditions and single ranges (RFC 9110, sections 13 and 14; more
 * than one range gets the whole file). Names that begin with a dot are hidden, but for .well-known at the
 * root. Listings hold 64 MiB together at most, whoever reads them slowly: more get 503. Nothing outside the
 * root is reached: relative links that stay inside are followed, others are not found. The root is looked up
 * anew for each request, so it may be replaced while it is served. */
#ifndef TOW_HANDLER_FILES_H
#define TOW_HANDLER_FILES_H

#include "handler/kind.h"

typedef struct tow_files tow_files;

typedef struct tow_files_settings {
    const char *root; /* NULL: nothing is served */
} tow_files_settings;

extern const tow_handler_kind tow_files_kind;
extern const tow_option tow_files_rows[]; /* of a command that serves files at all paths */

/* Errors: NAME_NOT_FOUND (there is no such directory), ARGUMENT (it is none), PERMISSION, DESCRIPTORS,
 * MEMORY, SYSTEM. */
int tow_files_new(tow_files **files, const char *root);

/* After the server that has the handler. NULL is allowed. */
void tow_files_free(tow_files *files);

tow_handler tow_files_handler(tow_files *files);

#endif
