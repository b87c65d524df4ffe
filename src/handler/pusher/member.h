/* member: a user of a presence channel as its server has described it (channel_data), and what is said of
 * such users to others. */
#ifndef TOW_HANDLER_PUSHER_MEMBER_H
#define TOW_HANDLER_PUSHER_MEMBER_H

#include "base/buffer.h"
#include "base/slice.h"

enum {
    TOW_PUSHER_INFO_MAX = 1024,     /* bytes of user_info */
    TOW_PUSHER_WATCHLIST_MAX = 100, /* ids */
};

typedef struct tow_pusher_member {
    tow_slice id;
    tow_slice info; /* a value of JSON as it came; its pointer is NULL where there is none */
} tow_pusher_member;

/* Reads channel_data: {"user_id":…,"user_info":…}, an id that is a string or a number. `texts`, which is
 * empty, gets the id, and is the caller's in any case; the info is lent from `data`. NULL, or why it is none:
 * a static text. */
const char *tow_pusher_member_read(tow_pusher_member *member, tow_buffer *texts, tow_slice data);

/* The same of a user who signs in: {"id":"…","user_info":…}. */
const char *tow_pusher_user_read(tow_pusher_member *member, tow_buffer *texts, tow_slice data);

/* Goes through the ids of user_data's watchlist, which was read by tow_pusher_user_read: each that is one, in
 * memory that the next call overwrites; `tell` says whether to go on. Errors: LIMIT (more than 100), MEMORY,
 * those of `tell`. */
int tow_pusher_watchlist_read(tow_slice data, int (*tell)(void *user, tow_slice id), void *user);

/* {"user_id":"…","user_info":…} */
int tow_pusher_member_write(tow_buffer *out, const tow_pusher_member *member);

/* {"presence":{"count":…,"ids":[…],"hash":{…}}}: the members one after the other. */
typedef struct tow_pusher_roster { /* zeroed: empty */
    tow_buffer ids, hash;
    size_t count;
} tow_pusher_roster;
int tow_pusher_roster_add(tow_pusher_roster *roster, const tow_pusher_member *member);
int tow_pusher_roster_write(tow_buffer *out, const tow_pusher_roster *roster);
void tow_pusher_roster_clear(tow_pusher_roster *roster);

#endif
