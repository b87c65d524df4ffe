#include "told.h"

#include <stdlib.h>

static void list_members(tow_member *members, tow_published *const *present, size_t count) {
    for (size_t i = 0; i < count; i++)
        members[i] = (tow_member){tow_published_user(present[i]), tow_published_data(present[i])};
}

tow_told *tow_told_new(tow_store_result *result) {
    size_t count = result->present_count;
    tow_told *made = malloc(sizeof(*made) + count * sizeof(made->members[0]));
    if (made == NULL)
        return NULL;
    *made = (tow_told){.what = {.position = result->position,
                           .missed = result->count,
                           .is_whole = result->is_whole,
                           .members = made->members,
                           .member_count = count},
        .present = result->present};
    list_members(made->members, result->present, count);
    result->present = NULL;
    result->present_count = 0;
    return made;
}

static void release_all(tow_published **items, size_t count) {
    for (size_t i = 0; i < count; i++)
        tow_published_release(items[i]);
    free(items);
}

void tow_told_free(tow_told *told) {
    if (told == NULL)
        return;
    release_all(told->present, told->what.member_count);
    free(told);
}

tow_member *tow_members_of(tow_published *const *present, size_t count) {
    tow_member *members = malloc(count * sizeof(*members));
    if (members != NULL)
        list_members(members, present, count);
    return members;
}

void tow_store_result_drop(tow_store_result *result) {
    release_all(result->published, result->count);
    release_all(result->present, result->present_count);
    *result = (tow_store_result){0};
}
