#include "names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

struct tow_name {
    size_t users;
    char text[];
};

/* One place more, which is free. NULL when out of memory. */
static tow_name **grow(tow_names *names) {
    tow_name **items = realloc(names->items, (names->count + 1) * sizeof(tow_name *));
    if (items == NULL)
        return NULL;
    names->items = items;
    items[names->count] = NULL;
    return &items[names->count++];
}

/* The place of the name, or a free one, or NULL: there is none. */
static tow_name **find_place(tow_names *names, tow_slice name) {
    tow_name **free_place = NULL;
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->items[i] == NULL)
            free_place = &names->items[i];
        else if (tow_slice_equals(name, names->items[i]->text))
            return &names->items[i];
    }
    return free_place;
}

static tow_name *name_new(tow_slice name) {
    tow_name *made = malloc(sizeof(*made) + name.length + 1);
    if (made == NULL)
        return NULL;
    made->users = 0;
    memcpy(made->text, name.data, name.length);
    made->text[name.length] = '\0';
    return made;
}

int tow_names_take(tow_names *names, tow_slice name) {
    tow_name **place = find_place(names, name);
    if (place == NULL && names->count == TOW_NAMES_MAX)
        return 0;
    if (place == NULL && (place = grow(names)) == NULL)
        return TOW_ERROR_MEMORY;
    if (*place == NULL && (*place = name_new(name)) == NULL)
        return TOW_ERROR_MEMORY;
    (*place)->users++;
    return (int)(place - names->items) + 1;
}

const char *tow_names_text(const tow_names *names, uint32_t number) {
    assert(number > 0 && number <= names->count && names->items[number - 1] != NULL);
    return names->items[number - 1]->text;
}

void tow_names_give(tow_names *names, uint32_t number) {
    assert(number > 0 && number <= names->count && names->items[number - 1] != NULL);
    tow_name **place = &names->items[number - 1];
    if (--(*place)->users > 0)
        return;
    free(*place);
    *place = NULL;
}

void tow_names_clear(tow_names *names) {
    for (uint32_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (tow_names){0};
}
