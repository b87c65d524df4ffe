/* handlers: `serve --handlers`: the directory of handlers, and which kind serves a file in it, with which
 * settings. */
#ifndef TOW_PROGRAM_HANDLERS_H
#define TOW_PROGRAM_HANDLERS_H

#include "handler/directory.h"
#include "handler/source.h"
#include "route_plan.h"
#include "serve.h"

typedef struct tow_handlers { /* the first three are set and outlive it, the rest is zeroed */
    const tow_serve_settings *settings;
    const tow_route_plans
        *plans; /* what is served besides: where a file names routes, no file here goes before them */
    const tow_route_guards *guards; /* who stands before all of them */
    tow_guarded built_in_guarded;
    tow_handler built_in; /* the one that was asked for last */
    tow_handler_place place;
    tow_directory *directory; /* NULL: none was asked for */
    tow_sources *sources;     /* NULL: without --dev */
    tow_python_settings python_settings;
    tow_python *python;
    size_t late; /* orders of the directory that are being worked on */
} tow_handlers;

/* Serves what is in the directory, if one was asked for. The place has server and loop. Errors: as
 * tow_directory_new; `why` says what is wrong. */
int tow_handlers_start(
    tow_handlers *handlers, const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]);

/* Before the server is freed. */
void tow_handlers_end(tow_handlers *handlers);

/* When the loops are gone. */
void tow_handlers_free(tow_handlers *handlers);

/* Whether a file serves this path, in the place of what is built in. */
bool tow_handlers_serve(const tow_handlers *handlers, const char *path);

/* Each second, and on SIGHUP. */
void tow_handlers_look(tow_handlers *handlers);
void tow_handlers_reload(tow_handlers *handlers);

/* Prints what is served where. Returns 0, or an error as above. */
int tow_handlers_list(tow_handlers *handlers, char why[TOW_HANDLER_TEXT_MAX]);

#endif
