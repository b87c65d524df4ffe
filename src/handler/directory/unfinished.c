#include "unfinished.h"

#include "transport/timer.h"

#include <stdlib.h>
#include <string.h>

static size_t find(const tow_unfinished *all, int folder, const char *name) {
    for (size_t i = 0; i < all->count; i++)
        if (all->names[i].folder == folder && strcmp(all->names[i].name, name) == 0)
            return i;
    return all->count;
}

static void take_out(tow_unfinished *all, size_t at) {
    free(all->names[at].name);
    all->count--;
    memmove(&all->names[at], &all->names[at + 1], (all->count - at) * sizeof(*all->names));
}

static bool reserve(tow_unfinished *all) {
    if (all->count == TOW_UNFINISHED_MAX)
        take_out(all, 0);
    if (all->count < all->capacity)
        return true;
    size_t capacity = all->capacity == 0 ? 8 : 2 * all->capacity;
    tow_unfinished_name *names = realloc(all->names, capacity * sizeof(*names));
    if (names == NULL)
        return false;
    all->names = names;
    all->capacity = capacity;
    return true;
}

/* Without memory for the name the file counts as done: it is taken early, and again when it is closed. */
static void add(tow_unfinished *all, int folder, const char *name, bool is_written_to, int64_t now) {
    char *copy = reserve(all) ? strdup(name) : NULL;
    if (copy != NULL)
        all->names[all->count++] = (tow_unfinished_name){
            .folder = folder, .is_written_to = is_written_to, .since = now, .name = copy};
}

void tow_unfinished_note(
    tow_unfinished *all, int folder, const char *name, tow_folder_event event, int64_t now) {
    size_t at = find(all, folder, name);
    bool is_known = at < all->count;
    switch (event) {
    case TOW_FOLDER_CREATED:
    case TOW_FOLDER_WRITING:
        if (is_known)
            all->names[at].is_written_to = event == TOW_FOLDER_WRITING;
        else
            add(all, folder, name, event == TOW_FOLDER_WRITING, now);
        break;
    case TOW_FOLDER_WRITTEN:
        if (is_known)
            take_out(all, at);
        break;
    case TOW_FOLDER_CHANGED:
        break;
    case TOW_FOLDER_LOST:
        tow_unfinished_clear(all);
        break;
    }
}

static bool is_over(const tow_unfinished_name *name, int64_t now) {
    return !name->is_written_to && now - name->since >= TOW_SECOND;
}

bool tow_unfinished_has(const tow_unfinished *all, int folder, const char *name, int64_t now) {
    size_t at = find(all, folder, name);
    return at < all->count && !is_over(&all->names[at], now);
}

int64_t tow_unfinished_until(const tow_unfinished *all, int64_t now) {
    for (size_t i = 0; i < all->count; i++)
        if (!all->names[i].is_written_to && !is_over(&all->names[i], now))
            return all->names[i].since + TOW_SECOND;
    return 0;
}

void tow_unfinished_clear(tow_unfinished *all) {
    while (all->count > 0)
        take_out(all, all->count - 1);
    free(all->names);
    *all = (tow_unfinished){0};
}
