/* directory: a folder of handlers: each file in it is served at the path that its name says, and what changes
 * there is served anew while the server runs.
 *
 * It knows names, versions and routes, and no kind of handler: whoever makes a directory is asked to make the
 * handler of a file. It lives on the server's first loop, where what it does in a row is bounded.
 *
 * A file counts when it was closed after writing, or renamed into place. Connections keep the handler that
 * they began with; one that is broken is an error in the log, and the one before it stays. */
#ifndef TOW_HANDLER_DIRECTORY_H
#define TOW_HANDLER_DIRECTORY_H

#include "handler/kind.h"

#include <stdbool.h>

/* What a file is, by its name and mode: of those that claim one path the first here is served. */
typedef enum tow_entry_type {
    TOW_ENTRY_SOURCE, /* NAME.c, where sources are wanted */
    TOW_ENTRY_MODULE, /* NAME.so */
    TOW_ENTRY_PYTHON, /* NAME_wsh.py */
    TOW_ENTRY_PROGRAM /* NAME or NAME.SUFFIX, with an execute bit */
} tow_entry_type;

/* "source", "module", "python", "program": a static string. */
const char *tow_entry_type_name(tow_entry_type type);

/* A handler that is to be made of a file, or was. The texts live until the handler's on_free has returned, or
 * the order was refused. */
typedef struct tow_directory_order {
    tow_entry_type type;
    const char *file; /* to be opened: beneath the root as that was given */
    const char *path; /* that it will be served at, "/a/chat", as a request has it */
} tow_directory_order;

/* Answers an order, once: the handler is served at its path, and the one before it keeps what it has open. It
 * is the directory's from then on, which calls its on_free. Or, for a file that is broken, with one line that
 * says why: what was served before stays. Where the answer takes a while, other files do not wait. On the
 * loop's thread; also when the directory is gone. */
void tow_directory_serve(tow_directory_order *order, const tow_handler *handler);
void tow_directory_refuse(tow_directory_order *order, const char *why);

/* The same for a file that is broken, with a handler that says so to whoever asks. */
void tow_directory_stand_in(tow_directory_order *order, const tow_handler *handler, const char *why);

typedef struct tow_directory tow_directory;

typedef struct tow_directory_options {
    const char *root;    /* NULL where options were not given */
    const char *scan;    /* a folder in it, as it may be opened; NULL: all of it. Paths count from the root */
    const char *aliases; /* a file of lines ALIAS EXISTING: further paths of handlers; NULL: none */
    bool outside;        /* links may lead out of the root */
    bool sources;        /* NAME.c are handlers too */
    /* Makes the handler of an order, and answers it, in this call or later. */
    void (*make)(void *user, tow_directory_order *order);
    /* What is served at a path where no file serves it, to be given back when it goes, and for aliases; its
     * on_free is NULL. NULL: nothing. */
    const tow_handler *(*built_in)(void *user, const char *path);
    /* Whether somebody else serves this path, against whatever stands in the directory; NULL: nobody. */
    bool (*is_reserved)(void *user, const char *path);
    void *user;
} tow_directory_options;

/* For all but the functions. */
extern const tow_option tow_directory_rows[];

/* Whether there could be such a directory. Errors: ARGUMENT (no folder, or none below the root),
 * NAME_NOT_FOUND, PERMISSION, DESCRIPTORS, MEMORY, SYSTEM; `why` then says in one line what is wrong. */
int tow_directory_check(const tow_directory_options *options, char why[TOW_HANDLER_TEXT_MAX]);

/* Serves what is there now, and follows its changes. The options' texts are kept, not copied. The place has
 * server and loop. Errors: as above. */
int tow_directory_new(tow_directory **directory, const tow_directory_options *options,
    const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]);

/* Before its server, which keeps the routes. NULL is allowed. */
void tow_directory_free(tow_directory *directory);

/* Looks at everything again, also at files that were broken. */
void tow_directory_reload(tow_directory *directory);

/* Whether a file, or an alias, serves this path now. */
bool tow_directory_serves(const tow_directory *directory, const char *path);

/* To be called from time to time: looks for what nobody tells of, another root or other aliases. */
void tow_directory_look(tow_directory *directory);

/* Says what would be served, in the order of paths, without serving anything: `tell` gets the path, what
 * serves it, and the file, or for an alias the path that it stands for. `place` has the log. Errors: as
 * above. */
int tow_directory_list(const tow_directory_options *options, const tow_handler_place *place,
    void (*tell)(void *user, const char *path, const char *kind, const char *file), void *user,
    char why[TOW_HANDLER_TEXT_MAX]);

#endif
