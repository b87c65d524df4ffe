#include "served.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>
#include <unistd.h>

/* Words. */

__attribute__((format(printf, 3, 4))) static void say(
    const tow_served *served, int level, const char *format, ...) {
    char line[2 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (served->place.log.write != NULL)
        served->place.log.write(served->place.log.user, level, line);
}

/* Of an alias the file that it is read from. */
static const char *source_of(const tow_served *served, const tow_served_path *path, char out[PATH_MAX]) {
    if (path->name == NULL)
        return served->options->aliases;
    snprintf(out, PATH_MAX, "%s/%s", served->options->root, path->name);
    return out;
}

static const tow_handler *built_in(const tow_served *served, const char *path) {
    const tow_directory_options *options = served->options;
    return options->built_in == NULL ? NULL : options->built_in(options->user, path);
}

/* The table. */

static int compare(const void *a, const void *b) {
    return strcmp(((const tow_served_path *)a)->path, ((const tow_served_path *)b)->path);
}

static tow_served_path *find(const tow_served *served, const char *path) {
    tow_served_path key = {0};
    memcpy(&key.path, &path, sizeof(key.path)); /* only read */
    return served->count == 0 ? NULL : bsearch(&key, served->list, served->count, sizeof(key), compare);
}

/* What is ordered is not waited for any more: whoever answers it frees it. */
static void path_leave_order(tow_served_path *path) {
    if (path->pending != NULL)
        path->pending->directory = NULL;
    path->pending = NULL;
}

/* What is there; the route stays. */
static void path_let_go(tow_served_path *path) {
    path_leave_order(path);
    tow_version_release(path->routed);
    path->routed = NULL;
}

static void path_clear(tow_served_path *path) {
    path_let_go(path);
    free(path->path);
    free(path->base);
    free(path->name);
}

/* Texts and numbers of what should be there; what is there is not touched. Errors: MEMORY. */
static int path_fill(tow_served_path *path, const tow_planned *planned) {
    char *name = planned->file == NULL ? NULL : strdup(planned->file->name);
    char *base = planned->base == NULL ? NULL : strdup(planned->base);
    if ((planned->file != NULL && name == NULL) || (planned->base != NULL && base == NULL)) {
        free(name);
        free(base);
        return TOW_ERROR_MEMORY;
    }
    free(path->name);
    free(path->base);
    path->name = name;
    path->base = base;
    path->type = planned->type;
    path->is_wanted = true;
    if (planned->file == NULL) {
        path->was_tried = false;
        path_leave_order(path);
        return 0;
    }
    path->identity = planned->file->identity;
    path->unfinished = planned->file->unfinished;
    return 0;
}

/* Adds what is new. Errors: MEMORY. */
static int add_new(tow_served *served, const tow_plan *plan) {
    tow_served_path *list = realloc(served->list, (served->count + plan->count + 1) * sizeof(*list));
    if (list == NULL)
        return TOW_ERROR_MEMORY;
    served->list = list;
    size_t count = served->count;
    int error = 0;
    for (size_t i = 0; error == 0 && i < plan->count; i++) {
        if (find(served, plan->list[i].path) != NULL)
            continue;
        char *path = strdup(plan->list[i].path);
        if (path == NULL)
            error = TOW_ERROR_MEMORY;
        else
            list[count++] = (tow_served_path){.path = path};
    }
    served->count = count;
    qsort(list, count, sizeof(*list), compare);
    return error;
}

int tow_served_follow(tow_served *served, const tow_plan *plan) {
    int error = add_new(served, plan);
    if (error != 0)
        return error;
    for (size_t i = 0; i < served->count; i++)
        served->list[i].is_wanted = false;
    for (size_t i = 0; i < plan->count && error == 0; i++) {
        error = path_fill(find(served, plan->list[i].path), &plan->list[i]);
    }
    served->next = 0;
    return error;
}

static void drop_what_is_gone(tow_served *served) {
    size_t kept = 0;
    for (size_t i = 0; i < served->count; i++)
        if (served->list[i].is_gone)
            path_clear(&served->list[i]);
        else
            served->list[kept++] = served->list[i];
    served->count = kept;
}

/* Routes. */

/* What can't be done without memory is done when everything is looked at again. */
static int note_failure(tow_served *served, const char *what, int error) {
    if (error != 0)
        say(served, TOW_LOG_ERROR, "%s: %s", what, tow_strerror(error));
    served->must_retry |= error == TOW_ERROR_MEMORY;
    return error;
}

/* Puts a version there in the place of what there was. */
static int path_route(tow_served *served, tow_served_path *path, tow_version *version) {
    int error =
        note_failure(served, path->path, tow_version_route(version, served->place.server, path->path));
    if (error != 0)
        return error;
    tow_version *before = path->routed;
    atomic_fetch_add_explicit(&version->holders, 1, memory_order_relaxed);
    path->routed = version;
    path->has_built_in = false;
    tow_version_release(before);
    return 0;
}

/* Nothing of ours is there any more. */
static void path_forget(tow_served_path *path) {
    tow_version_release(path->routed);
    path->routed = NULL;
    path->has_built_in = false;
}

/* Puts a handler that is built in there, or nothing (NULL). */
static int path_put(tow_served *served, tow_served_path *path, const tow_handler *handler) {
    int error = handler != NULL ? tow_server_route(served->place.server, path->path, handler)
                                : tow_server_unroute(served->place.server, path->path);
    if (note_failure(served, path->path, error) == 0)
        path_forget(path);
    return error;
}

/* To what is built in, or to nobody; somebody else who serves it now has it already. */
static int path_give_back(tow_served *served, tow_served_path *path) {
    const tow_directory_options *options = served->options;
    if (options->is_reserved == NULL || !options->is_reserved(options->user, path->path))
        return path_put(served, path, built_in(served, path->path));
    path_forget(path);
    return 0;
}

/* What is there for an alias whose base has no file. */
static void alias_give_back(tow_served *served, tow_served_path *path, const tow_handler *handler) {
    if (handler == NULL)
        (void)path_give_back(served, path);
    else
        path->has_built_in = path_put(served, path, handler) == 0;
}

/* An alias has what its base has. True: there was something to do. */
static bool alias_step(tow_served *served, tow_served_path *path) {
    const tow_served_path *base = find(served, path->base);
    tow_version *version = base != NULL ? base->routed : NULL;
    const tow_handler *handler = version == NULL ? built_in(served, path->base) : NULL;
    if (path->routed == version && path->has_built_in == (handler != NULL))
        return false;
    if (version == NULL)
        alias_give_back(served, path, handler);
    else if (path_route(served, path, version) != 0)
        return false;
    say(served, TOW_LOG_NOTICE, "%s is an alias of %s", path->path, path->base);
    return true;
}

static void aliases_follow(tow_served *served, const char *base) {
    for (size_t i = 0; served->options->aliases != NULL && i < served->count; i++) {
        tow_served_path *path = &served->list[i];
        if (path->base != NULL && path->is_wanted && strcmp(path->base, base) == 0)
            (void)alias_step(served, path);
    }
}

static void path_end(tow_served *served, tow_served_path *path) {
    char source[PATH_MAX];
    if (path->routed != NULL || path->has_built_in) {
        if (path_give_back(served, path) != 0)
            return;
        say(served, TOW_LOG_NOTICE, "%s does not serve %s any more%s", source_of(served, path, source),
            path->path, built_in(served, path->path) != NULL ? ", what is built in does" : "");
    }
    path_let_go(path);
    path->is_gone = true;
    aliases_follow(served, path->path);
}

/* A file that is the same as last time is not tried again, whatever became of it. */
static bool file_step(tow_served *served, tow_served_path *path) {
    if (path->unfinished || path->pending != NULL ||
        (path->was_tried && tow_file_identity_equals(&path->tried, &path->identity)))
        return false;
    path->pending =
        tow_version_new(served->directory, path->type, served->options->root, path->name, path->path);
    if (path->pending == NULL) {
        (void)note_failure(served, path->path, TOW_ERROR_MEMORY);
        return false;
    }
    path->tried = path->identity;
    path->was_tried = true;
    served->options->make(served->options->user, &path->pending->order);
    return true;
}

int tow_served_step(tow_served *served) {
    while (served->next < served->count) {
        tow_served_path *path = &served->list[served->next++];
        bool is_done = true;
        if (!path->is_wanted)
            path_end(served, path);
        else
            is_done = path->base != NULL ? alias_step(served, path) : file_step(served, path);
        if (is_done)
            return 1;
    }
    drop_what_is_gone(served);
    return 0;
}

/* Answers. */

/* Whether the file has changed since its handler was ordered. */
static bool is_behind(const tow_served_path *path) {
    return !tow_file_identity_equals(&path->tried, &path->identity);
}

bool tow_served_answer(
    tow_served *served, tow_version *version, const tow_handler *handler, const char *why) {
    tow_served_path *path = find(served, version->order.path);
    version->handler = *handler;
    path->pending = NULL;
    int error = path_route(served, path, version);
    bool is_routed = error == 0;
    path->has_failed = !is_routed || why != NULL;
    path->was_tried = error != TOW_ERROR_MEMORY;
    if (is_routed) {
        say(served, why == NULL ? TOW_LOG_NOTICE : TOW_LOG_ERROR, "%s %s %s%s%s", version->order.file,
            why == NULL ? "serves" : "can't serve", version->order.path, why == NULL ? "" : ": ",
            why == NULL ? "" : why);
        aliases_follow(served, version->order.path);
    }
    tow_version_release(version);
    return is_behind(path);
}

/* The version before stays, if its file is still there. */
static const char *after_refusal(tow_served *served, tow_served_path *path) {
    if (path->routed != NULL &&
        (access(path->routed->order.file, F_OK) == 0 || path_give_back(served, path) != 0))
        return "what is served there stays";
    aliases_follow(served, path->path);
    return built_in(served, path->path) != NULL ? "what is built in is served there"
                                                : "nothing is served there";
}

bool tow_served_refuse(tow_served *served, tow_version *version, const char *why) {
    tow_served_path *path = find(served, version->order.path);
    path->pending = NULL;
    path->has_failed = true;
    say(served, TOW_LOG_ERROR, "%s can't serve %s: %s; %s", version->order.file, version->order.path, why,
        after_refusal(served, path));
    tow_version_release(version);
    return is_behind(path);
}

bool tow_served_has(const tow_served *served, const char *path) {
    const tow_served_path *found = find(served, path);
    return found != NULL && (found->routed != NULL || found->has_built_in);
}

void tow_served_forget_failures(tow_served *served) {
    for (size_t i = 0; i < served->count; i++)
        if (served->list[i].has_failed)
            served->list[i].was_tried = false;
}

void tow_served_clear(tow_served *served) {
    for (size_t i = 0; i < served->count; i++)
        path_clear(&served->list[i]);
    free(served->list);
    served->list = NULL;
    served->count = served->next = 0;
}
