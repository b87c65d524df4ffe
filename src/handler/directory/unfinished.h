/* unfinished: names of files that are being written, so that none is taken half written. What was created
 * and has neither been written to nor closed for a second is done: a link, or made elsewhere and put there.
 */
#ifndef TOW_HANDLER_DIRECTORY_UNFINISHED_H
#define TOW_HANDLER_DIRECTORY_UNFINISHED_H

#include "transport/folder_watch.h"

#include <stddef.h>

enum { TOW_UNFINISHED_MAX = 1000 /* more names: the oldest count as done */ };

typedef struct tow_unfinished_name {
    int folder;
    bool is_written_to;
    int64_t since; /* nanoseconds */
    char *name;
} tow_unfinished_name;

typedef struct tow_unfinished { /* zeroed: none */
    tow_unfinished_name *names; /* oldest first */
    size_t count, capacity;
} tow_unfinished;

void tow_unfinished_note(
    tow_unfinished *all, int folder, const char *name, tow_folder_event event, int64_t now);

/* Whether this file is being written. */
bool tow_unfinished_has(const tow_unfinished *all, int folder, const char *name, int64_t now);

/* When the next name counts as done because nothing happened to it; 0: none does. */
int64_t tow_unfinished_until(const tow_unfinished *all, int64_t now);

void tow_unfinished_clear(tow_unfinished *all);

#endif
