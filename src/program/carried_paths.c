#include "carried_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct tow_carried_path {
    struct tow_carried_path *next;
    tow_engineio *engineio;
    char path[]; /* with a slash at its end */
} carried_path;

static bool has(const tow_carried_paths *paths, const char *path) {
    const carried_path *carried = paths->first;
    while (carried != NULL && strcmp(carried->path, path) != 0)
        carried = carried->next;
    return carried != NULL;
}

/* NULL without memory. */
static carried_path *path_new(const char *path) {
    size_t length = strlen(path);
    carried_path *made = calloc(1, sizeof(*made) + length + 2);
    if (made == NULL)
        return NULL;
    snprintf(made->path, length + 2, "%s%s", path, path[length - 1] == '/' ? "" : "/");
    return made;
}

static void add(tow_carried_paths *paths, carried_path *carried) {
    carried->next = paths->first;
    paths->first = carried;
}

static int make(tow_carried_paths *more, const tow_carried_paths *paths, tow_server *server,
    const tow_engineio_settings *settings, const char *path) {
    carried_path *made = path_new(path);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    bool is_there = has(paths, made->path) || has(more, made->path);
    int error = is_there ? 0 : tow_engineio_make(&made->engineio, server, settings, made->path);
    if (made->engineio != NULL)
        add(more, made);
    else
        free(made);
    return error;
}

int tow_carried_paths_make(tow_carried_paths *more, const tow_carried_paths *paths, tow_server *server,
    const tow_engineio_settings *settings, const tow_route_plans *plans) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < plans->count; i++) {
        if (plans->items[i]->kind->is_carried)
            error = make(more, paths, server, settings, plans->items[i]->path);
    }
    return error;
}

void tow_carried_paths_take(tow_carried_paths *paths, tow_carried_paths *more) {
    while (more->first != NULL) {
        carried_path *taken = more->first;
        more->first = taken->next;
        tow_engineio_enter(taken->engineio);
        add(paths, taken);
    }
}

void tow_carried_paths_clear(tow_carried_paths *paths) {
    while (paths->first != NULL) {
        carried_path *gone = paths->first;
        paths->first = gone->next;
        tow_engineio_free(gone->engineio);
        free(gone);
    }
}
