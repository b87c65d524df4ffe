/* aliases: further paths of handlers, read from a file: a line is ALIAS EXISTING, with blanks between, and
 * what stands above may be named as EXISTING. '#' begins a comment. */
#ifndef TOW_HANDLER_DIRECTORY_ALIASES_H
#define TOW_HANDLER_DIRECTORY_ALIASES_H

#include <stddef.h>

enum { TOW_ALIASES_SIZE_MAX = 1024 * 1024 /* of the file */ };

typedef struct tow_alias {
    const char *path;
    const char *base; /* a path that is no alias itself, or one that nobody knows */
} tow_alias;

typedef struct tow_aliases { /* zeroed: none */
    char *text;
    tow_alias *list; /* in the order of their paths; of the same path the last line counts */
    size_t count;
} tow_aliases;

/* Reads the text of a file; a line that is none gets a remark, with its number, and is passed over. Errors:
 * MEMORY. */
int tow_aliases_read(tow_aliases *aliases, const char *text, size_t length,
    void (*remark)(void *user, size_t line, const char *what), void *user);

/* NULL if it is no alias. */
const tow_alias *tow_aliases_find(const tow_aliases *aliases, const char *path);

void tow_aliases_clear(tow_aliases *aliases);

#endif
