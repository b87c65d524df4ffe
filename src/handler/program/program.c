#include "command.h"
#include "environment.h"
#include "program/connection.h"
#include "service/service.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>

enum { PROGRAMS_MAX = 1000 };

static bool is_full(const tow_program *program) {
    int most = program->settings.max_programs != 0 ? program->settings.max_programs : PROGRAMS_MAX;
    return most != TOW_OFF && atomic_load(&program->running) >= most;
}

/* Several workers may have let one in at the same time. */
static void opened(tow_websocket *socket) {
    tow_program *program = tow_websocket_user(socket);
    if (!is_full(program)) {
        tow_program_connection_open(program, socket);
        return;
    }
    tow_websocket_set_user(socket, NULL);
    tow_websocket_close(socket, 1013, "too many programs run");
}

static void admit(tow_exchange *exchange, const tow_request *request) {
    const tow_program *program = tow_request_user(request);
    if (is_full(program))
        tow_exchange_reject(exchange, 503, "too many programs run (max-programs)");
    else if (!tow_descriptors_are_left(
                 program->descriptors, TOW_PROGRAM_DESCRIPTORS + TOW_PROGRAM_DESCRIPTORS_AT_FIRST))
        tow_exchange_reject(exchange, 503, "no descriptors are left for a program (ulimit -n)");
    else
        tow_exchange_accept(exchange, NULL);
}

/* The kind. */

/* The file stands first, as a program's name does. */
static const char **arguments_make(const char *file, const char *const *arguments) {
    size_t count = 0;
    while (arguments != NULL && arguments[count] != NULL)
        count++;
    const char **made = calloc(count + 2, sizeof(*made));
    if (made == NULL)
        return NULL;
    made[0] = file;
    for (size_t i = 0; i < count; i++)
        made[i + 1] = arguments[i];
    return made;
}

static void leave(void *user) {
    tow_program_release(user);
}

static int program_make(
    tow_program **out, const tow_program_settings *settings, const tow_handler_place *place) {
    tow_program *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->free = leave;
    made->settings = *settings;
    made->log = place->log;
    made->nursery = place->nursery;
    made->descriptors = tow_descriptors_retain(tow_server_descriptors(place->server));
    atomic_init(&made->holders, 1);
    made->file = tow_command_place(settings->file);
    if (made->file != NULL)
        made->arguments = arguments_make(made->file, settings->arguments);
    if (place->path != NULL)
        made->path = tow_environment_script_name(place->path);
    if (made->file == NULL || made->arguments == NULL || (place->path != NULL && made->path == NULL)) {
        tow_program_release(made);
        return TOW_ERROR_MEMORY;
    }
    *out = made;
    return 0;
}

/* A name without a slash is none of the folder that the configuration is in, but may have been meant so. */
static bool lies_beside(const char *name, const char *config) {
    char path[PATH_MAX];
    struct stat status;
    const char *slash = config != NULL ? strrchr(config, '/') : NULL;
    int folder = slash != NULL ? (int)(slash - config) + 1 : 0;
    if (config == NULL || strchr(name, '/') != NULL)
        return false;
    int length = snprintf(path, sizeof(path), "%.*s%s", folder, config, name);
    return length < (int)sizeof(path) && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* What is seen of it before it is started. */
static int check(const tow_program_settings *settings, const char *config, char why[TOW_HANDLER_TEXT_MAX]) {
    char *place = tow_command_place(settings->file);
    const char *problem = place == NULL ? tow_strerror(TOW_ERROR_MEMORY) : tow_command_problem(place);
    free(place);
    if (problem == NULL)
        return 0;
    if (place != NULL && lies_beside(settings->file, config))
        snprintf(why, TOW_HANDLER_TEXT_MAX,
            "%.100s is not found in PATH: write ./%.100s for the file beside the configuration",
            settings->file, settings->file);
    else
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%.200s can't be started: %s", settings->file, problem);
    return place == NULL ? TOW_ERROR_MEMORY : TOW_ERROR_ARGUMENT;
}

static int make(tow_handler *handler, const void *fields, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_program_settings *settings = fields;
    tow_program *made;
    if ((settings->file == NULL) == (settings->url == NULL)) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "which program? name its file, or the url of a back end");
        return TOW_ERROR_ARGUMENT;
    }
    if (settings->url != NULL)
        return tow_service_make(handler, settings, &tow_service_back_end, place, why);
    int error = check(settings, place->config, why);
    if (error != 0)
        return error;
    if (settings->worker && !place->is_trial)
        return tow_service_make(handler, settings, &tow_service_pool, place, why);
    error = program_make(&made, settings, place);
    if (error != 0) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
        return error;
    }
    *handler = (tow_handler){.user = made,
        .protocols = place->protocols,
        .on_admit = admit,
        .on_open = opened,
        .on_message = tow_program_connection_message,
        .on_drain = tow_program_connection_drained,
        .on_close = tow_program_connection_closed};
    return 0;
}

/* Either begins with it. */
static void free_made(void *user) {
    (*(void (**)(void *))user)(user);
}

static void reload(void *user) {
    if (tow_service_is(user))
        tow_service_reload(user);
}

const tow_handler_kind tow_program_kind = {
    .name = "program", .options = tow_program_rows, .make = make, .reload = reload, .free = free_made};
