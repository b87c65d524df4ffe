/* store: where numbers, histories and members of channels are: in this process (memory.c), or elsewhere. Who
 * is subscribed here, and how they get what is brought, is the hub's own affair; nothing above knows which
 * store there is.
 *
 * A store is a table of functions and what belongs to it. Each question is asked in the order of a channel,
 * on any thread of the hub's users: the function calls nothing of the hub but what is marked here, and waits
 * for nobody. It fills in the result and returns 0, or it returns an error, and nothing has changed.
 *
 * Presence is leases: each subscription that is somebody's holds one, and gives it back. A store that lies
 * elsewhere keeps those of a process only as long as it hears of it, and tells of the users that have gone
 * with it. */
#ifndef TOW_HUB_STORE_H
#define TOW_HUB_STORE_H

#include "hub/published.h"
#include "hub/subscription.h"

typedef struct tow_store tow_store;
struct tow_hub;
struct tow_hold;
struct tow_channel;
typedef struct tow_lease tow_lease; /* whatever the store makes of it */

/* What is asked, of one channel. All is borrowed. */
typedef struct tow_store_ask {
    struct tow_hold *hold; /* the hub's, which memory knows */
    tow_slice name;
    tow_position since;       /* subscribe, history: what came after it; {0}: the last ones */
    size_t limit;             /* history, members: so many at most; subscribe: of the last ones */
    tow_slice after;          /* members: those whose user comes behind it */
    bool wants_members;       /* subscribe: all that are there, itself among them */
    const tow_member *member; /* subscribe: who comes, or NULL; the hub has checked it */
} tow_store_ask;

/* What comes of it: fields that a question has no use for are zeroed. Both arrays are from malloc, or NULL,
 * with a reference for each item; they are the hub's from then on. */
typedef struct tow_store_result {
    tow_position position; /* of the last one in the channel */
    bool exists;           /* the channel does; if not, the rest is empty */
    bool is_whole;         /* subscribe, history: nothing is lost behind `since` */
    bool has_more;         /* history, members: there is more than the limit */
    uint64_t subscribers;  /* count */
    uint64_t users;        /* count */
    tow_lease *lease;      /* subscribe: of the member */
    tow_published **published; /* subscribe, history: oldest first */
    size_t count;
    tow_published **present; /* subscribe, members: what told that each came, in the order of their users */
    size_t present_count;
} tow_store_result;

typedef int tow_store_question(tow_store *store, const tow_store_ask *ask, tow_store_result *result);

typedef struct tow_store_class {
    /* Numbers a publication, keeps it where the channel has a history, and has it brought to all who are interested.
     * Errors: MEMORY, QUEUE_FULL, LIMIT. */
    int (*publish)(tow_store *store, struct tow_hold *hold, tow_published *published);

    /* One more is subscribed: from here on all that is published is brought. Errors: LIMIT (members),
     * QUEUE_FULL, MEMORY. */
    tow_store_question *subscribe;

    /* The last one here has gone: nothing need be brought any more. May be NULL. */
    void (*unsubscribe)(tow_store *store, tow_slice name);

    tow_store_question *history;
    tow_store_question *members; /* errors: UNSUPPORTED (the channel has no presence) */
    tow_store_question *count;

    /* A lease is given back. */
    void (*leave)(tow_store *store, const tow_store_ask *ask, tow_lease *lease);

    /* What lies in the channel itself: cut to what its policy keeps now, and whether that is anything; and
     * freed, with the channel. May be NULL. */
    bool (*keeps)(tow_store *store, struct tow_channel *channel);
    void (*forget)(tow_store *store, struct tow_channel *channel);

    void (*free)(tow_store *store); /* with the hub; may be NULL */
} tow_store_class;

struct tow_store {
    const tow_store_class *class;
    struct tow_hub *hub;
};

#endif
