/* build: a C file is compiled to a native handler, by the system's compiler (CC, else cc; with CFLAGS and
 * LDFLAGS) and with the flags that pkg-config has for towline: of the tree that the program was built in, if
 * that is there, else of what is installed. */
#ifndef TOW_HANDLER_BUILD_H
#define TOW_HANDLER_BUILD_H

#include "transport/nursery.h"

#include <stddef.h>
#include <towline/loop.h>

typedef struct tow_build tow_build;

enum {
    TOW_BUILD_SECONDS = 120,        /* then it is given up */
    TOW_BUILD_WORDS_MAX = 64 * 1024 /* of what the compiler says: the rest is left out */
};

/* The compiler's exit status, as a shell tells it, and what it said: `length` bytes, lent, of any encoding.
 * The build is gone when this returns. */
typedef void (*tow_on_built)(void *user, int status, const char *words, size_t length);

/* Compiles `source`, and writes the library to `output`. on_built comes later. `nursery` (NULL: none) looks
 * after the compiler. Errors: NAME_NOT_FOUND (no shell), PERMISSION, DESCRIPTORS, MEMORY, SYSTEM, UNSUPPORTED
 * (simulated loop). */
int tow_build_start(tow_build **build, tow_loop *loop, tow_nursery *nursery, const char *source,
    const char *output, tow_on_built on_built, void *user);

/* Ends it, without on_built. */
void tow_build_cancel(tow_build *build);

#endif
