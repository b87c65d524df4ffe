/* folder: a directory for a test's files, which is gone afterwards. Anything that fails ends the program. */
#ifndef TOW_TESTS_FOLDER_H
#define TOW_TESTS_FOLDER_H

#include <stddef.h>

enum { FOLDER_PATH_MAX = 1024 };

typedef struct folder {
    char path[FOLDER_PATH_MAX];
} folder;

void folder_make(folder *made);
void folder_remove(folder *made);

/* The path of a name in it, in a text that the next call overwrites. */
const char *folder_path(const folder *made, const char *name);

void folder_add_file(const folder *made, const char *name, const char *content);
void folder_add_directory(const folder *made, const char *name);
void folder_add_link(const folder *made, const char *name, const char *target);

#endif
