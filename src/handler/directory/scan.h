/* scan: what is in a directory of handlers, looked at in steps, so that a large one stops nobody.
 *
 * Folders are looked into, links to folders are not followed; links to files count as what they lead to, if
 * that lies in the directory too. Empty files and whatever is no file are passed over. */
#ifndef TOW_HANDLER_DIRECTORY_SCAN_H
#define TOW_HANDLER_DIRECTORY_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum {
    TOW_SCAN_STEP = 128, /* names that a step looks at */
    TOW_SCAN_FILES_MAX = 10000,
    TOW_SCAN_FOLDERS_MAX = 1000
};

/* By which a file is known again: another one, or one that was written to, has another. */
typedef struct tow_file_identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
} tow_file_identity;

bool tow_file_identity_equals(const tow_file_identity *one, const tow_file_identity *other);

typedef struct tow_found_file {
    char *name; /* below the root, with slashes */
    tow_file_identity identity;
    bool executable;
    bool unfinished;
} tow_found_file;

typedef struct tow_scan_options {
    const char *root;
    const char *start; /* a folder below it, "" for the root: others are not looked into */
    bool outside;      /* links may lead out of the root */
    bool sources;      /* as for tow_catalogue_has_file */
    /* Of a folder (a path that can be opened), before it is looked into. Returns a number for it. */
    int (*on_folder)(void *user, const char *path);
    bool (*is_unfinished)(void *user, int folder, const char *name);
    void (*remark)(void *user, const char *line); /* of what is passed over and somebody may miss */
    void *user;
} tow_scan_options;

typedef struct tow_scan tow_scan;

/* The options' texts are kept, not copied. Errors: NAME_NOT_FOUND (no such root), ARGUMENT (it is no folder),
 * PERMISSION, DESCRIPTORS, MEMORY, SYSTEM. */
int tow_scan_new(tow_scan **scan, const tow_scan_options *options);
void tow_scan_free(tow_scan *scan);

/* Returns 1 when there is more to do, 0 when all was looked at, or MEMORY. */
int tow_scan_step(tow_scan *scan);

/* What was found, in the order of names; the scan's. */
const tow_found_file *tow_scan_files(const tow_scan *scan, size_t *count);

#endif
