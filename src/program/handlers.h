/* handlers: which kind serves a file of the directory of handlers, and with which settings. */
#ifndef TOW_PROGRAM_HANDLERS_H
#define TOW_PROGRAM_HANDLERS_H

#include "handler/directory.h"
#include "serve.h"

/* What handlers of files are made with; the first three are set, and outlive them. */
typedef struct tow_handlers {
    const tow_serve_settings *settings;
    tow_handler_place place; /* with server and loop */
} tow_handlers;

/* As tow_directory_options.make, with tow_handlers as `user`. */
void tow_handlers_make(void *user, tow_directory_order *order);

#endif
