/* directory: a folder of handlers: each file in it is served at the path that its name says, and what changes
 * there is served anew while the server runs.
 *
 * It knows names, versions and routes, and no kind of handler: whoever makes a directory is asked to make the
 * handler of a file. On the server's first loop; what it does there in a row is bounded. */
#ifndef TOW_HANDLER_DIRECTORY_H
#define TOW_HANDLER_DIRECTORY_H

#include "handler/kind.h"

/* What a file is, by its name and mode: of those that claim one path the first here is served. */
typedef enum tow_entry_type {
    TOW_ENTRY_MODULE, /* NAME.so */
    TOW_ENTRY_PYTHON, /* NAME_wsh.py */
    TOW_ENTRY_PROGRAM /* NAME or NAME.SUFFIX, with an execute bit */
} tow_entry_type;

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

typedef struct tow_directory_options {
    const char *root;
    /* Makes the handler of an order, and answers it, in this call or later. */
    void (*make)(void *user, tow_directory_order *order);
    void *user;
} tow_directory_options;

#endif
