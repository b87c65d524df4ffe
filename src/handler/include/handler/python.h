/* python: handlers in the manner of mod_pywebsocket, files whose names end in _wsh.py, which one process of
 * Python runs for the whole server.
 *
 * The process is started for the first file and again when it dies. Each connection has a thread there, and a
 * Unix socket of its own by which its worker reaches it. Frames are made and read here. */
#ifndef TOW_HANDLER_PYTHON_H
#define TOW_HANDLER_PYTHON_H

#include "handler/kind.h"

#include <stdint.h>

typedef struct tow_python tow_python;

typedef struct tow_python_settings {
    const char *interpreter;        /* NULL: python3 */
    const char *encoding;           /* of handlers' files; NULL: the locale's */
    const char *const *environment; /* NAME, of ours, or NAME=VALUE; ends with NULL; NULL: all of ours */
    int max_connections;            /* at once; 0: default, TOW_OFF: no limit */
    int answer_seconds;             /* without a sign of life; 0: default, TOW_OFF: no limit */
    const char *directory;          /* where the process runs; NULL: where we do */
} tow_python_settings;

extern const tow_option tow_python_rows[];

/* What all files of a server share; nothing runs before the first is loaded. The settings are kept, not
 * copied. The place has a server and a loop. Errors: MEMORY. */
int tow_python_new(tow_python **python, const tow_python_settings *settings, const tow_handler_place *place);

/* Before its loop is freed: the process ends, and is not started again. NULL is allowed. */
void tow_python_end(tow_python *python);

/* When the server is gone, and all loops that it ran on. NULL is allowed. */
void tow_python_free(tow_python *python);

/* Has a file loaded, as a version of its own, and tells in a later round, or when the loop is freed: the
 * handler, whose on_free must be called, or, with NULL, one line that says why there is none. On the loop's
 * thread; the name is copied. Errors: MEMORY, and those of starting the process, of which `why` tells. */
typedef void (*tow_python_on_loaded)(void *user, const tow_handler *handler, const char *why);
int tow_python_load(tow_python *python, const char *file, tow_python_on_loaded on_loaded, void *user,
    char why[TOW_HANDLER_TEXT_MAX]);

/* The same for a process that somebody else runs, which listens on the Unix socket at this path and has
 * loaded files by numbers of its own: nothing is started here, and nothing loaded. Errors: MEMORY, ADDRESS.
 */
int tow_python_join(tow_python **python, const char *path, const tow_handler_place *place);

/* The handler that such a process has under a number. Its on_free must be called. Errors: MEMORY. */
int tow_python_joined(tow_python *python, uint64_t number, const char *file, tow_handler *handler);

/* Whether the interpreter can compile a file, which is not run; waits for that, in rounds of the loop, ten
 * seconds at most. Errors: ARGUMENT (it can't), and those of starting the interpreter; `why` tells. */
int tow_python_compile(
    const tow_python_settings *settings, tow_loop *loop, const char *file, char why[TOW_HANDLER_TEXT_MAX]);

#endif
