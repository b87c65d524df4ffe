/* plan: what should be served where, of what a scan found and of the aliases. */
#ifndef TOW_HANDLER_DIRECTORY_PLAN_H
#define TOW_HANDLER_DIRECTORY_PLAN_H

#include "aliases.h"
#include "catalogue.h"
#include "scan.h"

typedef struct tow_planned {
    const char *path;
    const char *base;           /* of an alias: the path that it stands for; else NULL */
    const tow_found_file *file; /* else */
    tow_entry_type type;
} tow_planned;

typedef struct tow_plan { /* zeroed: nothing. Its texts are the scan's and the aliases', which outlive it */
    tow_catalogue catalogue;
    tow_planned *list; /* in the order of paths, each of which stands there once */
    size_t count;
} tow_plan;

/* What is planned with: the directory's options, and where remarks go. */
typedef struct tow_planning {
    const tow_directory_options *options;
    const tow_aliases *aliases;
    void (*remark)(void *user, const char *line);
    void *user;
} tow_planning;

/* Errors: MEMORY. */
int tow_plan_make(tow_plan *plan, const tow_found_file *files, size_t count, const tow_planning *planning);
void tow_plan_clear(tow_plan *plan);

/* Of this path, or NULL. */
const tow_planned *tow_plan_find(const tow_plan *plan, const char *path);

#endif
