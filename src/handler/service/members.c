#include "members.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

enum { PLACES_AT_FIRST = 64 };

/* Ids count up, so what differs is at the end. */
static tow_member **place_of(const tow_members *members, tow_websocket_id id) {
    uint64_t mixed = id * UINT64_C(0x9e3779b97f4a7c15);
    return &members->places[(mixed >> 32) & (members->place_count - 1)];
}

static void put(tow_members *members, tow_member *member) {
    tow_member **place = place_of(members, member->id);
    member->next_alike = *place;
    *place = member;
}

static int grow(tow_members *members) {
    tow_members larger = {
        .place_count = members->place_count == 0 ? PLACES_AT_FIRST : 2 * members->place_count};
    larger.places = calloc(larger.place_count, sizeof(tow_member *));
    if (larger.places == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < members->place_count; i++)
        for (tow_member *member = members->places[i], *next; member != NULL; member = next) {
            next = member->next_alike;
            put(&larger, member);
        }
    larger.count = members->count;
    free(members->places);
    *members = larger;
    return 0;
}

int tow_members_add(tow_members *members, tow_member *member) {
    int error = members->count < members->place_count ? 0 : grow(members);
    if (error != 0)
        return error;
    put(members, member);
    members->count++;
    return 0;
}

tow_member *tow_members_find(const tow_members *members, tow_websocket_id id) {
    tow_member *member = members->count == 0 ? NULL : *place_of(members, id);
    while (member != NULL && member->id != id)
        member = member->next_alike;
    return member;
}

void tow_members_remove(tow_members *members, tow_member *member) {
    tow_member **place = place_of(members, member->id);
    while (*place != member) {
        assert(*place != NULL);
        place = &(*place)->next_alike;
    }
    *place = member->next_alike;
    members->count--;
}

void tow_members_visit(
    const tow_members *members, void (*visit)(tow_member *member, void *argument), void *argument) {
    for (size_t i = 0; i < members->place_count; i++)
        for (tow_member *member = members->places[i], *next; member != NULL; member = next) {
            next = member->next_alike;
            visit(member, argument);
        }
}

void tow_members_clear(tow_members *members) {
    assert(members->count == 0);
    free(members->places);
    *members = (tow_members){0};
}
