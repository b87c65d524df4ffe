/* served: the paths of a directory with what is served there, and what should be: they are brought together
 * one step after another. */
#ifndef TOW_HANDLER_DIRECTORY_SERVED_H
#define TOW_HANDLER_DIRECTORY_SERVED_H

#include "plan.h"
#include "version.h"

typedef struct tow_served_path {
    char *path;
    char *base;                 /* of an alias; else NULL */
    char *name;                 /* of the file below the root; else NULL */
    tow_entry_type type;        /* of it */
    tow_file_identity identity; /* of the file as it is now, */
    tow_file_identity tried;    /* and as it was when its handler was ordered */
    bool was_tried;
    bool has_failed;      /* and it was of no use */
    bool unfinished;      /* the file is being written */
    bool is_wanted;       /* else it is to go */
    bool is_gone;         /* and has, until the steps are done */
    bool has_built_in;    /* an alias serves what is built in */
    tow_version *routed;  /* NULL: nothing of ours */
    tow_version *pending; /* ordered, and not answered yet; NULL: none */
} tow_served_path;

typedef struct tow_served {
    const tow_directory_options *options;
    tow_handler_place place;
    tow_directory *directory; /* that versions are made for */
    tow_served_path *list;    /* in the order of paths */
    size_t count;
    size_t next;     /* path of the step that comes */
    bool must_retry; /* something could not be done without memory: who sees it takes it away */
} tow_served;

/* From now on this is what should be served, when all steps of before are done: they begin anew. Errors:
 * MEMORY; no step must be done then. */
int tow_served_follow(tow_served *served, const tow_plan *plan);

/* Does one thing that is to be done, if there is one. Returns 1 when there may be more, 0 when all is done.
 */
int tow_served_step(tow_served *served);

/* The answers to an order that is pending: a handler, with NULL or why it only stands in; or why there is
 * none. True: the file has changed meanwhile, and there are steps to do.
 */
bool tow_served_answer(tow_served *served, tow_version *version, const tow_handler *handler, const char *why);
bool tow_served_refuse(tow_served *served, tow_version *version, const char *why);

/* Whether something of ours is routed there. */
bool tow_served_has(const tow_served *served, const char *path);

/* Files that were broken are tried again. */
void tow_served_forget_failures(tow_served *served);

/* Lets go of all; the routes stay. */
void tow_served_clear(tow_served *served);

#endif
