#include "handler/module.h"

#include "library.h"
#include "server/guest.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/handler.h>

/* One version of a file that is loaded. */
typedef struct module {
    tow_guest guest; /* first */
    tow_library library;
    tow_handler_host host;
    tow_handler_log log;
    tow_handler_life life;
    void (*on_free)(void *user); /* the handler's own */
    void *user;
    char file[];
} module;

/* Its end: the route is gone, each worker lets it leave, and then nothing of it runs any more. */

static void on_leave(tow_guest *guest) {
    const module *left = (const module *)guest;
    if (left->life.on_worker_end != NULL)
        left->life.on_worker_end();
}

static void on_left(tow_guest *guest) {
    module *left = (module *)guest;
    if (left->life.on_unload != NULL)
        left->life.on_unload();
    tow_library_close(&left->library);
    free(left);
}

static void on_free(void *user) {
    module *made = user;
    if (made->on_free != NULL)
        made->on_free(made->user);
    tow_server_dismiss(&made->guest);
}

/* What is in the file. */

static bool is_zero(const unsigned char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Copies a struct whose size at the other side is `size`, of which we may know less or more. False where it
 * says something that we do not know. */
static bool struct_copy(void *to, size_t known, const void *from, size_t size) {
    memset(to, 0, known);
    memcpy(to, from, size < known ? size : known);
    return size <= known || is_zero((const unsigned char *)from + known, size - known);
}

static int complain_of_age(char why[TOW_HANDLER_TEXT_MAX]) {
    snprintf(why, TOW_HANDLER_TEXT_MAX,
        "it uses what this version of towline does not have: build it with the headers of this one");
    return TOW_ERROR_UNSUPPORTED;
}

static int life_read(module *made, char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_handler_life_library *found = tow_library_find(&made->library, "towline_life");
    if (found == NULL || struct_copy(&made->life, sizeof(made->life), found->life, found->size))
        return 0;
    return complain_of_age(why);
}

static int handler_read(const module *made, tow_handler *handler, char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_handler_library *found = tow_library_find(&made->library, "towline_handler");
    if (found == NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX,
            "it is no handler: its source has to say TOW_HANDLER(...), see towline/handler.h");
        return TOW_ERROR_ARGUMENT;
    }
    if (found->abi != TOW_HANDLER_ABI) {
        snprintf(why, TOW_HANDLER_TEXT_MAX,
            "it was built for interface %u of handlers, and this is %d: build it again, with 'towline "
            "handler "
            "build'",
            found->abi, TOW_HANDLER_ABI);
        return TOW_ERROR_UNSUPPORTED;
    }
    return struct_copy(handler, sizeof(*handler), found->handler, found->size) ? 0 : complain_of_age(why);
}

int tow_module_check(const char *file, char why[TOW_HANDLER_TEXT_MAX]) {
    module built = {0};
    tow_handler handler;
    if (tow_library_open(&built.library, file, why) != 0)
        return 0;
    int error = handler_read(&built, &handler, why);
    tow_library_close(&built.library);
    return error;
}

/* Its beginning. */

static void log_line(const tow_handler_host *host, int level, const char *line) {
    const module *from = (const module *)(const void *)((const char *)host - offsetof(module, host));
    char text[1024];
    if (from->log.write == NULL)
        return;
    snprintf(text, sizeof(text), "%s: %s", host->file, line);
    from->log.write(from->log.user, level, text);
}

static module *module_new(const tow_module_settings *settings, const tow_handler_place *place) {
    const char *file = settings->shown != NULL ? settings->shown : settings->file;
    size_t file_size = strlen(file) + 1, path_size = strlen(settings->path) + 1;
    module *made = calloc(1, sizeof(*made) + file_size + path_size);
    if (made == NULL)
        return NULL;
    made->guest = (tow_guest){.on_leave = on_leave, .on_left = on_left};
    made->log = place->log;
    made->host = (tow_handler_host){.size = sizeof(made->host),
        .server = place->server,
        .loop = place->loop,
        .file = memcpy(made->file, file, file_size),
        .path = memcpy(made->file + file_size, settings->path, path_size),
        .log = log_line};
    return made;
}

/* on_load is the first of its code that runs, but for what the loader runs. */
static int module_begin(module *made, tow_handler *handler, char why[TOW_HANDLER_TEXT_MAX]) {
    int error = made->life.on_load != NULL ? made->life.on_load(&made->host, handler) : 0;
    if (error != 0) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "its on_load failed: %s", tow_strerror(error));
        return error < 0 ? error : TOW_ERROR_ARGUMENT;
    }
    error = tow_server_welcome(made->host.server, &made->guest);
    if (error != 0) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
        if (made->life.on_unload != NULL)
            made->life.on_unload();
    }
    return error;
}

static int library_begin(module *made, tow_handler *handler, char why[TOW_HANDLER_TEXT_MAX]) {
    int error = handler_read(made, handler, why);
    if (error == 0)
        error = life_read(made, why);
    if (error == 0)
        error = module_begin(made, handler, why);
    if (error != 0)
        tow_library_close(&made->library);
    return error;
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    tow_module_settings given = *(const tow_module_settings *)settings;
    tow_handler its;
    if (given.path == NULL)
        given.path = place->path;
    if (given.file == NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "which library? name its file");
        return TOW_ERROR_ARGUMENT;
    }
    module *made = module_new(&given, place);
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    int error = made == NULL ? TOW_ERROR_MEMORY : tow_library_open(&made->library, given.file, why);
    if (error == 0)
        error = library_begin(made, &its, why);
    if (error != 0) {
        free(made);
        return error;
    }
    made->on_free = its.on_free;
    made->user = its.free_user != NULL ? its.free_user : its.user;
    *handler = its;
    handler->on_free = on_free;
    handler->free_user = made;
    return 0;
}

static const tow_option rows[] = {
    {.name = "file",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "the library, as 'towline handler build' makes one",
        .path = TOW_OPTION_PATH,
        TOW_OPTION_FIELD(tow_module_settings, file)},
    {0},
};

const tow_handler_kind tow_module_kind = {.name = "module", .options = rows, .make = make};
