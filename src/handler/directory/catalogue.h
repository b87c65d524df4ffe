/* catalogue: which file of a directory of handlers serves which path. Names go in and paths come out; nothing
 * is opened.
 *
 * NAME.c is a source, where sources are wanted, NAME.so a native module, NAME_wsh.py a Python handler, and
 * what may be executed a program, as NAME or NAME.SUFFIX; below folders the path has their names. Of several
 * files for one path the first of these kinds is served, of programs the one without a suffix, and else the
 * one whose name comes first. Names that begin with a dot or end with a tilde are passed over, and so are
 * programs that end as sources and texts do. */
#ifndef TOW_HANDLER_DIRECTORY_CATALOGUE_H
#define TOW_HANDLER_DIRECTORY_CATALOGUE_H

#include "handler/directory.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct tow_catalogue_file {
    const char *name; /* below the root, with slashes: "a/chat.so" */
    bool executable;
} tow_catalogue_file;

typedef struct tow_catalogue_entry {
    char *path; /* as a request has it, encoded as browsers do it: "/a/chat" */
    tow_entry_type type;
    bool has_suffix; /* of a program */
    size_t file;     /* its number in the list */
} tow_catalogue_entry;

typedef struct tow_catalogue {    /* zeroed: empty */
    tow_catalogue_entry *entries; /* in the order of their paths; of one path the one that is served first */
    size_t count;
} tow_catalogue;

/* Whether a folder of this name is looked into. */
bool tow_catalogue_has_folder(const char *last_segment);

/* Whether a file of this name, the last segment, is a handler at all. */
bool tow_catalogue_has_file(const char *last_segment, bool executable, bool sources);

/* The ending by which a file of this name is no program even if it may be executed; NULL: it has none. */
const char *tow_catalogue_text_end(const char *last_segment);

/* Of files in the order of their names (strcmp); NAME.c counts where `sources` are wanted. Errors: MEMORY. */
int tow_catalogue_make(tow_catalogue *catalogue, const tow_catalogue_file *files, size_t count, bool sources);
void tow_catalogue_clear(tow_catalogue *catalogue);

/* Whether this entry is the one that is served at its path. */
bool tow_catalogue_is_first(const tow_catalogue *catalogue, size_t entry);

#endif
