/* store: where numbers, histories and members of channels are: in this process (memory.c), or elsewhere. Who
 * is subscribed here, and how they get what is brought, is the hub's own affair; nothing above knows which
 * store there is.
 *
 * A store is a table of functions and what belongs to it. Each question is asked in the order of a channel,
 * on any thread: the function calls nothing of the hub but tow_store_keep, and waits for nobody. It fills in
 * the result and returns 0; or it returns an error, and nothing has changed; or it keeps the question and
 * returns TOW_STORE_LATER, and answers once, from any thread, when it can: by an error (REFUSED) when it
 * loses hope, so that nobody waits for ever.
 *
 * Order: what a store brings of a channel and what it answers about it are in one order. Who is subscribed
 * gets what is brought behind the answer, and nothing that was brought before it.
 *
 * Presence is leases: each subscription that is somebody's holds one, and gives it back. A store that lies
 * elsewhere keeps those of a process only as long as it hears of it, and brings the events of users that have
 * gone with it. */
#ifndef TOW_HUB_STORE_H
#define TOW_HUB_STORE_H

#include "hub/published.h"
#include "hub/subscription.h"
#include "transport/loop.h"

typedef struct tow_store tow_store;
typedef struct tow_store_call tow_store_call;
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
    tow_position position;     /* publish: its own; else of the last one in the channel */
    bool exists;               /* the channel does; if not, the rest is empty */
    bool is_whole;             /* subscribe, history: nothing is lost behind `since` */
    bool has_more;             /* history, members: there is more than the limit */
    uint64_t subscribers;      /* publish, count */
    uint64_t users;            /* count */
    tow_lease *lease;          /* subscribe: of the member */
    bool has_joined;           /* subscribe: it is a new one, which no publication of the store tells */
    tow_published **published; /* subscribe, history: oldest first */
    size_t count;
    tow_published **present; /* subscribe, members: what told that each came, in the order of their users */
    size_t present_count;
} tow_store_result;

enum { TOW_STORE_LATER = 1 };

typedef int tow_store_question(tow_store *store, const tow_store_ask *ask, tow_store_result *result);

typedef struct tow_store_class {
    /* Numbers a publication, keeps it where the channel has a history, and has it brought to all who are
     * interested. Errors: MEMORY, QUEUE_FULL, LIMIT. */
    int (*publish)(tow_store *store, struct tow_hold *hold, tow_published *published);

    /* One more is subscribed: from the answer on all that is published is brought. Errors: LIMIT (members),
     * QUEUE_FULL, MEMORY. */
    tow_store_question *subscribe;

    /* The last one here has gone, or nobody waits for the answer any more: nothing need be brought from here
     * on. May be NULL. */
    void (*unsubscribe)(tow_store *store, tow_slice name);

    tow_store_question *history;
    tow_store_question *members; /* errors: UNSUPPORTED (the channel has no presence) */
    tow_store_question *count;

    /* A lease is given back; `ask` has the channel. */
    void (*leave)(tow_store *store, const tow_store_ask *ask, tow_lease *lease);

    /* What lies in the channel itself: cut to what its policy keeps now, and whether that is anything; and
     * freed, with the channel. May be NULL. */
    bool (*keeps)(tow_store *store, struct tow_channel *channel);
    void (*forget)(tow_store *store, struct tow_channel *channel);

    /* With the hub, whose parts have ended: what was kept is answered before. May be NULL. */
    void (*free)(tow_store *store);
} tow_store_class;

struct tow_store {
    const tow_store_class *class;
    struct tow_hub *hub;
};

/* In place of memory; before anything is subscribed or published. The hub has it then. */
void tow_hub_set_store(struct tow_hub *hub, tow_store *store);

/* A question that waits for its answer. */
struct tow_store_call {
    tow_letter letter; /* first; the hub's */
    tow_ring link;     /* the store's until it answers, and the next */
    unsigned what;
    tow_store_ask ask; /* what was asked; its texts live as long as the call */
    tow_published *published;
    struct tow_hub *hub; /* the hub's, with all that follows */
    tow_hub_part *part;
    void *asker; /* NULL: nobody wants to know. In the order of the channel, until it is answered */
    void (*arrive)(tow_store_call *call, struct tow_hold *hold);
    bool is_answered;
    int error;
    tow_store_result result;
    uint64_t order; /* of what the channel had brought when it was answered */
    tow_ring siblings;
    size_t size;
    tow_member member;
    char texts[];
};

/* In a question alone: it is answered later. Errors: MEMORY, QUEUE_FULL (as much is out already as may be on
 * the way to a worker). */
int tow_store_keep(tow_store *store, const tow_store_ask *ask, tow_store_call **call);
int tow_store_keep_publication(
    tow_store *store, struct tow_hold *hold, tow_published *published, tow_store_call **call);

/* Answers: `result` may be NULL with an error. The call is gone then. Any thread, that is in no order. */
void tow_store_answer(tow_store_call *call, int error, const tow_store_result *result);

/* What was published, here or elsewhere, goes to those who are subscribed here. A publication that was kept
 * may be brought itself, once it has its number. Errors: QUEUE_FULL (try again), MEMORY: nothing has changed.
 * Any thread, that is in no order. */
int tow_store_bring(struct tow_hub *hub, tow_published *published);
bool tow_store_numbers(const tow_published *published); /* whether it gets a number, and is kept */
void tow_store_number(tow_published *published, const tow_position *position, int64_t milliseconds);

/* One from elsewhere, with a reference; `user` and `data` of an event of presence are the member. Errors: as
 * those of drafts, MEMORY. */
int tow_store_read(
    tow_published **published, tow_published_kind kind, tow_slice channel, const tow_draft *draft);

/* It is not known what was published to a channel meanwhile: who is subscribed ends (LOST), and may come back
 * where it was. Any thread, that is in no order. */
void tow_store_lose(struct tow_hub *hub, tow_slice name);

#endif
