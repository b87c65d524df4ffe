/* source: C files that are built and served as native handlers, for who develops one: a file that can't be
 * built is served as a page with the compiler's words. */
#ifndef TOW_HANDLER_SOURCE_H
#define TOW_HANDLER_SOURCE_H

#include "handler/kind.h"

typedef struct tow_sources tow_sources;

/* `handler` serves the file; where it could not be built or loaded it is a page that says why, and `why` says
 * it in a line, else that is NULL. NULL: there is none, for the same reason. */
typedef void (*tow_on_source_made)(void *user, const tow_handler *handler, const char *why);

/* The place has server and loop. Errors: MEMORY. */
int tow_sources_new(tow_sources **sources, const tow_handler_place *place);

/* What was not made yet is told to be none. NULL is allowed. */
void tow_sources_free(tow_sources *sources);

/* Builds one when those before are done. The texts are kept until on_made. The log has the compiler's words.
 */
void tow_sources_make(
    tow_sources *sources, const char *file, const char *path, tow_on_source_made on_made, void *user);

#endif
