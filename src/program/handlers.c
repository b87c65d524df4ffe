#include "handlers.h"

#include "handler/module.h"
#include "handler/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* What is asked for holds everywhere. */
static void limit_origins(const tow_handlers *handlers, tow_handler *handler) {
    if (handlers->settings->server.allow_origins != NULL)
        handler->any_origin = false;
}

/* As all are served. False: there is no memory for it, which was told. */
static bool dress(const tow_handlers *handlers, tow_directory_order *order, tow_handler *handler) {
    limit_origins(handlers, handler);
    int error = tow_guard_dress(handlers->guards->guard, handler);
    if (error == 0)
        return true;
    if (handler->on_free != NULL)
        handler->on_free(handler->free_user != NULL ? handler->free_user : handler->user);
    tow_directory_refuse(order, tow_strerror(error));
    return false;
}

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
    if (dress(handlers, order, &handler))
        tow_directory_serve(order, &handler);
}

/* What was ordered and takes its time, with its directory. */
typedef struct late_order {
    tow_handlers *handlers;
    tow_directory_order *order;
} late_order;

static void on_made(void *user, const tow_handler *handler, const char *why) {
    late_order *made = user;
    tow_handler served;
    made->handlers->late--;
    if (handler == NULL) {
        tow_directory_refuse(made->order, why);
    } else if (served = *handler, dress(made->handlers, made->order, &served)) {
        if (why == NULL)
            tow_directory_serve(made->order, &served);
        else
            tow_directory_stand_in(made->order, &served, why);
    }
    free(made);
}

static late_order *late_order_new(tow_handlers *handlers, tow_directory_order *order) {
    late_order *made = malloc(sizeof(*made));
    if (made == NULL) {
        tow_directory_refuse(order, tow_strerror(TOW_ERROR_MEMORY));
        return NULL;
    }
    *made = (late_order){handlers, order};
    handlers->late++;
    return made;
}

static void make_of_source(tow_handlers *handlers, tow_directory_order *order) {
    late_order *made = late_order_new(handlers, order);
    if (made != NULL)
        tow_sources_make(handlers->sources, order->file, order->path, on_made, made);
}

static void make_of_python(tow_handlers *handlers, tow_directory_order *order) {
    char why[TOW_HANDLER_TEXT_MAX];
    late_order *made = late_order_new(handlers, order);
    if (made != NULL && tow_python_load(handlers->python, order->file, on_made, made, why) != 0)
        on_made(made, NULL, why);
}

/* What is only looked at is no handler, and is never asked. */
static void unserved(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    tow_exchange_reject(exchange, 503, "the handler is not loaded");
}

/* Instead of having it made: sources are not built, and Python files only compiled. */
static void try_out(const tow_handlers *handlers, tow_directory_order *order) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_handler_place *place = &handlers->place;
    if (order->type == TOW_ENTRY_PYTHON &&
        tow_python_compile(&handlers->python_settings, place->loop, order->file, why) != 0)
        tow_directory_refuse(order, why);
    else
        tow_directory_serve(order, &(tow_handler){.on_request = unserved});
}

/* A kind has its line here, with settings that are made of the order's texts. */
static void make(void *user, tow_directory_order *order) {
    tow_handlers *handlers = user;
    bool is_late = order->type == TOW_ENTRY_SOURCE || order->type == TOW_ENTRY_PYTHON;
    if (handlers->place.is_trial && is_late) {
        try_out(handlers, order);
        return;
    }
    switch (order->type) {
    case TOW_ENTRY_SOURCE:
        make_of_source(handlers, order);
        break;
    case TOW_ENTRY_MODULE:
        make_of(handlers, order, &tow_module_kind,
            &(tow_module_settings){.file = order->file, .path = order->path});
        break;
    case TOW_ENTRY_PYTHON:
        make_of_python(handlers, order);
        break;
    case TOW_ENTRY_PROGRAM:
        make_of(handlers, order, &tow_program_kind, &(tow_program_settings){.file = order->file});
        break;
    }
}

/* The directory. */

/* Those that stand in no file keep nothing, so that they can be served again and again. */
static const tow_handler *built_in(void *user, const char *path) {
    tow_handlers *handlers = user;
    const tow_route_plans *plans = handlers->plans;
    const tow_route_plan *plan = plans->given ? NULL : tow_route_plans_find(plans, path);
    if (plan == NULL || plan->kind->kind->free != NULL)
        return NULL;
    handlers->built_in = plan->made;
    if (handlers->guards->guard != NULL) /* before all of them alike: none has a user or an on_admit */
        tow_guard_stand(handlers->guards->guard, &handlers->built_in_guarded, &handlers->built_in);
    return &handlers->built_in;
}

static bool is_reserved(void *user, const char *path) {
    const tow_route_plans *plans = ((const tow_handlers *)user)->plans;
    return plans->given && tow_route_plans_find(plans, path) != NULL;
}

static tow_directory_options options_of(tow_handlers *handlers) {
    tow_directory_options options = handlers->settings->handlers;
    options.make = make;
    options.built_in = built_in;
    options.is_reserved = is_reserved;
    options.user = handlers;
    return options;
}

int tow_handlers_start(
    tow_handlers *handlers, const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_directory_options options = options_of(handlers);
    handlers->place = *place;
    int error = options.sources ? tow_sources_new(&handlers->sources, place) : 0;
    handlers->python_settings = handlers->settings->python;
    handlers->python_settings.directory = handlers->settings->files.root;
    if (error == 0)
        error = tow_python_new(&handlers->python, &handlers->python_settings, place);
    if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
    else if (options.root != NULL)
        error = tow_directory_new(&handlers->directory, &options, place, why);
    return error;
}

void tow_handlers_end(tow_handlers *handlers) {
    tow_directory_free(handlers->directory);
    tow_sources_free(handlers->sources); /* whose orders nobody waits for any more */
    tow_python_end(handlers->python);
    handlers->directory = NULL;
    handlers->sources = NULL;
}

void tow_handlers_free(tow_handlers *handlers) {
    tow_python_free(handlers->python);
}

bool tow_handlers_serve(const tow_handlers *handlers, const char *path) {
    return handlers->directory != NULL && tow_directory_serves(handlers->directory, path);
}

void tow_handlers_look(tow_handlers *handlers) {
    if (handlers->directory != NULL)
        tow_directory_look(handlers->directory);
}

void tow_handlers_reload(tow_handlers *handlers) {
    if (handlers->directory != NULL)
        tow_directory_reload(handlers->directory);
}

/* The list. */

static void print(const char *path, const char *kind, const char *file) {
    printf("%-24s %-8s %s\n", path, kind, file);
}

typedef struct listing {
    const tow_route_plans *plans;
    bool *replaced; /* whether a file goes before the plan of the same number */
} listing;

static void tell(void *user, const char *path, const char *kind, const char *file) {
    const listing *made = user;
    for (size_t i = 0; i < made->plans->count; i++)
        made->replaced[i] |= strcmp(made->plans->items[i]->path, path) == 0;
    print(path, kind, file);
}

static void tell_plans(const listing *made) {
    for (size_t i = 0; i < made->plans->count; i++) {
        const tow_route_plan *plan = made->plans->items[i];
        bool built_in = plan->label[0] == '\0';
        const char *kind = plan->kind->kind->name;
        if (!made->replaced[i])
            print(plan->path, built_in ? "built-in" : kind, built_in ? kind : plan->label);
    }
}

static void complain(void *user, int level, const char *line) {
    (void)user, (void)level;
    fprintf(stderr, "towline serve: %s\n", line);
}

int tow_handlers_list(tow_handlers *handlers, char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_handler_place place = {.log = {.write = complain}};
    listing made = {.plans = handlers->plans, .replaced = calloc(handlers->plans->count + 1, sizeof(bool))};
    tow_directory_options options = options_of(handlers);
    if (made.replaced == NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
        return TOW_ERROR_MEMORY;
    }
    int error = options.root == NULL ? 0 : tow_directory_list(&options, &place, tell, &made, why);
    if (error == 0)
        tell_plans(&made);
    free(made.replaced);
    return error;
}
