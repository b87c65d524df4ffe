#include "membership.h"

#include <stdlib.h>
#include <towline/error.h>

struct tow_pusher_membership {
    tow_pusher_membership *next;
    size_t channel_length, id_length;
    char text[]; /* the channel, and behind it the id */
};

static bool is_of(const tow_pusher_membership *membership, tow_slice channel) {
    return membership->channel_length == channel.length &&
           memcmp(membership->text, channel.data, channel.length) == 0;
}

int tow_pusher_membership_add(tow_pusher_membership **list, tow_slice channel, tow_slice id) {
    tow_pusher_membership *made = malloc(sizeof(*made) + channel.length + id.length);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    *made = (tow_pusher_membership){.next = *list, .channel_length = channel.length, .id_length = id.length};
    memcpy(made->text, channel.data, channel.length);
    memcpy(made->text + channel.length, id.data, id.length);
    *list = made;
    return 0;
}

void tow_pusher_membership_remove(tow_pusher_membership **list, tow_slice channel) {
    while (*list != NULL && !is_of(*list, channel))
        list = &(*list)->next;
    if (*list != NULL) {
        tow_pusher_membership *found = *list;
        *list = found->next;
        free(found);
    }
}

tow_slice tow_pusher_membership_id(const tow_pusher_membership *list, tow_slice channel) {
    while (list != NULL && !is_of(list, channel))
        list = list->next;
    return list == NULL ? (tow_slice){"", 0}
                        : (tow_slice){list->text + list->channel_length, list->id_length};
}

void tow_pusher_memberships_clear(tow_pusher_membership **list) {
    while (*list != NULL) {
        tow_pusher_membership *first = *list;
        *list = first->next;
        free(first);
    }
}
