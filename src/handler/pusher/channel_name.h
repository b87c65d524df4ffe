/* channel_name: what a name of a Pusher channel says: who may subscribe, and whether the last event is kept;
 * and which names of events are whose. */
#ifndef TOW_HANDLER_PUSHER_CHANNEL_NAME_H
#define TOW_HANDLER_PUSHER_CHANNEL_NAME_H

#include "base/slice.h"

#include <stdint.h>

enum {
    TOW_PUSHER_CHANNEL_MAX = 164, /* bytes of a name */
    TOW_PUSHER_USER_MAX = 128,    /* of a user's id */
    TOW_PUSHER_EVENT_MAX = 200    /* of an event's name */
};

typedef enum tow_pusher_access {
    TOW_PUSHER_INVALID, /* no name of a channel */
    TOW_PUSHER_PUBLIC,
    TOW_PUSHER_PRIVATE,
    TOW_PUSHER_ENCRYPTED, /* private, and what is sent is nobody's but the clients' */
    TOW_PUSHER_PRESENCE,
    TOW_PUSHER_USER /* what is sent to one user: only for who has signed in as that one */
} tow_pusher_access;

typedef struct tow_pusher_channel_name {
    tow_pusher_access access;
    bool is_cache;
    tow_slice user; /* of TOW_PUSHER_USER: the id, inside the name */
} tow_pusher_channel_name;

tow_pusher_channel_name tow_pusher_channel_name_read(tow_slice name);

/* Whether a signature is needed to subscribe. */
static inline bool tow_pusher_access_is_signed(tow_pusher_access access) {
    return access == TOW_PUSHER_PRIVATE || access == TOW_PUSHER_ENCRYPTED || access == TOW_PUSHER_PRESENCE;
}

/* Whether its clients may send events to each other. */
static inline bool tow_pusher_access_is_shared(tow_pusher_access access) {
    return access == TOW_PUSHER_PRIVATE || access == TOW_PUSHER_PRESENCE;
}

/* An id of a user: 1 to 128 bytes without control characters. */
bool tow_pusher_user_is_valid(tow_slice id);

/* Whether it may be the name of an event that is published: 1 to 200 bytes without control characters, and
 * none of the protocol's own ("pusher:", "pusher_internal:"). */
bool tow_pusher_event_is_valid(tow_slice event);

/* Whether it is one that clients may send: "client-" and something. */
bool tow_pusher_event_is_clients(tow_slice event);

/* Whether a text begins so. */
bool tow_pusher_begins(tow_slice text, const char *prefix);

#endif
