#include "handlers.h"

#include "handler/module.h"
#include "handler/program.h"

/* Has a kind make the handler, whose on_free is the kind's `free` unless it says otherwise. */
static void make_of(const tow_handlers *handlers, tow_directory_order *order, const tow_handler_kind *kind,
    const void *settings) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler handler;
    if (kind->make(&handler, settings, &handlers->place, why) != 0) {
        tow_directory_refuse(order, why);
        return;
    }
    if (handler.on_free == NULL)
        handler.on_free = kind->free;
    if (handlers->settings->server.allow_origins != NULL)
        handler.any_origin = false; /* what is asked for holds everywhere */
    tow_directory_serve(order, &handler);
}

/* A kind has its line here, with settings that are made of the order's texts. */
void tow_handlers_make(void *user, tow_directory_order *order) {
    const tow_handlers *handlers = user;
    switch (order->type) {
    case TOW_ENTRY_SOURCE:
        tow_directory_refuse(order, "sources are not built yet");
        break;
    case TOW_ENTRY_MODULE:
        make_of(handlers, order, &tow_module_kind,
            &(tow_module_settings){.file = order->file, .path = order->path});
        break;
    case TOW_ENTRY_PYTHON:
        tow_directory_refuse(order, "Python handlers are not served yet");
        break;
    case TOW_ENTRY_PROGRAM:
        make_of(handlers, order, &tow_program_kind,
            &(tow_program_settings){.file = order->file, .path = order->path});
        break;
    }
}
