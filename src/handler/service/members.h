/* members: the connections of a service, found by their ids. On the service's loop. */
#ifndef TOW_HANDLER_SERVICE_MEMBERS_H
#define TOW_HANDLER_SERVICE_MEMBERS_H

#include "member.h"

typedef struct tow_members { /* zeroed: empty; private but `count` */
    tow_member **places;
    size_t place_count;
    size_t count;
} tow_members;

/* Errors: MEMORY. */
int tow_members_add(tow_members *members, tow_member *member);
tow_member *tow_members_find(const tow_members *members, tow_websocket_id id);
void tow_members_remove(tow_members *members, tow_member *member);

/* Calls `visit` for each, which may remove that one. */
void tow_members_visit(
    const tow_members *members, void (*visit)(tow_member *member, void *argument), void *argument);

void tow_members_clear(tow_members *members);

#endif
