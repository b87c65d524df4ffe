#include "python_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

static void answer(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    (void)tow_exchange_field(exchange, "Retry-After", "1");
    tow_exchange_reject(exchange, 503, "the handler is not loaded");
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const char *file = ((const tow_python_file_settings *)settings)->file;
    (void)place;
    if (file != NULL && access(file, R_OK) == 0) {
        *handler = (tow_handler){.on_request = answer};
        return 0;
    }
    if (file == NULL)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "which file? name it");
    else
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s: %s", file, strerror(errno));
    return file == NULL ? TOW_ERROR_ARGUMENT : TOW_ERROR_SYSTEM;
}

static const tow_option rows[] = {
    {.name = "file",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "the handler, in the manner of mod_pywebsocket",
        .path = TOW_OPTION_PATH,
        TOW_OPTION_FIELD(tow_python_file_settings, file)},
    {0},
};

const tow_handler_kind tow_python_file_kind = {.name = "python", .options = rows, .make = make};
