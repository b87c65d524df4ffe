/* library: a shared library that is loaded from a copy in memory, so that its file may be overwritten, and
 * each version of it is one of its own. */
#ifndef TOW_HANDLER_MODULE_LIBRARY_H
#define TOW_HANDLER_MODULE_LIBRARY_H

#include "handler/kind.h"

typedef struct tow_library {
    void *handle;
    int copy; /* stays open: the loader knows libraries by the name of their file */
} tow_library;

/* More are not loaded, as the loop waits for it. */
enum { TOW_LIBRARY_SIZE_MAX = 64 * 1024 * 1024 };

/* Errors: ARGUMENT (no library, or one that can't be loaded), NAME_NOT_FOUND, PERMISSION, DESCRIPTORS,
 * MEMORY, SYSTEM; then `why` says what is wrong. */
int tow_library_open(tow_library *library, const char *file, char why[TOW_HANDLER_TEXT_MAX]);

/* A name in it, or NULL. */
const void *tow_library_find(const tow_library *library, const char *name);

void tow_library_close(tow_library *library);

#endif
