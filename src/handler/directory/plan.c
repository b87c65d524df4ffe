#include "plan.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

__attribute__((format(printf, 2, 3))) static void remark(
    const tow_planning *planning, const char *format, ...) {
    char line[2 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    planning->remark(planning->user, line);
}

static bool is_reserved(const tow_planning *planning, const char *path) {
    const tow_directory_options *options = planning->options;
    return options->is_reserved != NULL && options->is_reserved(options->user, path);
}

static void entry_plan(
    tow_plan *plan, size_t number, const tow_found_file *files, const tow_planning *planning) {
    const tow_catalogue_entry *entry = &plan->catalogue.entries[number];
    const char *root = planning->options->root, *name = files[entry->file].name;
    if (is_reserved(planning, entry->path))
        remark(planning, "%s/%s is passed over: another route serves %s", root, name, entry->path);
    else if (tow_aliases_find(planning->aliases, entry->path) != NULL)
        remark(planning, "%s/%s is passed over: %s is an alias", root, name, entry->path);
    else if (!tow_catalogue_is_first(&plan->catalogue, number))
        remark(planning, "%s/%s is passed over: %s/%s serves %s", root, name, root,
            plan->list[plan->count - 1].file->name, entry->path);
    else
        plan->list[plan->count++] =
            (tow_planned){.path = entry->path, .file = &files[entry->file], .type = entry->type};
}

static int compare(const void *a, const void *b) {
    return strcmp(((const tow_planned *)a)->path, ((const tow_planned *)b)->path);
}

const tow_planned *tow_plan_find(const tow_plan *plan, const char *path) {
    const tow_planned key = {.path = path};
    return plan->count == 0 ? NULL : bsearch(&key, plan->list, plan->count, sizeof(key), compare);
}

static bool has_base(const tow_plan *plan, const char *base, const tow_planning *planning) {
    const tow_directory_options *options = planning->options;
    return tow_plan_find(plan, base) != NULL ||
           (options->built_in != NULL && options->built_in(options->user, base) != NULL);
}

/* The plan has all files, and no alias yet among its first `files` ones. */
static void alias_plan(
    tow_plan *plan, size_t *planned, const tow_alias *alias, const tow_planning *planning) {
    const char *file = planning->options->aliases;
    if (is_reserved(planning, alias->path))
        remark(planning, "%s: %s is passed over: another route serves it", file, alias->path);
    else if (!has_base(plan, alias->base, planning))
        remark(planning, "%s: %s is passed over: nothing serves %s", file, alias->path, alias->base);
    else
        plan->list[(*planned)++] = (tow_planned){.path = alias->path, .base = alias->base};
}

int tow_plan_make(tow_plan *plan, const tow_found_file *files, size_t count, const tow_planning *planning) {
    tow_plan made = {.list = calloc(count + planning->aliases->count + 1, sizeof(*made.list))};
    tow_catalogue_file *names = calloc(count + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < count; i++)
        names[i] = (tow_catalogue_file){.name = files[i].name, .executable = files[i].executable};
    int error = made.list == NULL || names == NULL
                    ? TOW_ERROR_MEMORY
                    : tow_catalogue_make(&made.catalogue, names, count, planning->options->sources);
    free(names);
    if (error != 0) {
        tow_plan_clear(&made);
        return error;
    }
    for (size_t i = 0; i < made.catalogue.count; i++)
        entry_plan(&made, i, files, planning);
    size_t planned = made.count;
    for (size_t i = 0; i < planning->aliases->count; i++)
        alias_plan(&made, &planned, &planning->aliases->list[i], planning);
    made.count = planned;
    qsort(made.list, made.count, sizeof(*made.list), compare);
    *plan = made;
    return 0;
}

void tow_plan_clear(tow_plan *plan) {
    tow_catalogue_clear(&plan->catalogue);
    free(plan->list);
    *plan = (tow_plan){0};
}
