/* hub: the channels of a server: what is published to a name goes to all who are subscribed to it, on all
 * workers, in one order.
 *
 * It owns channels, who is subscribed, what is kept of them, and who is present. It knows subscribers by a
 * table of functions (subscription.h) and forms by another (published.h): no sockets, no handlers, no JSON.
 *
 * Threads: a hub is shared by all workers; each has a part of it, on its loop. Publishing and counting are
 * for any thread, subscribing for the part's. A channel's order is a lock that is held for some hundred
 * instructions; what goes on under it is: a number is given, the publication is kept, and a letter is left
 * for each worker that has subscribers. Workers deliver from their letters, so nothing is waited for but
 * that.
 *
 * Order: for each channel all subscribers see the same one, and a thread that publishes twice sees its own.
 *
 * Bounds: what was published and has not been delivered to the faster subscribers of a worker is bounded in
 * bytes (max_pending), what waits for slow ones by the channel's policy, channels by max_channels, what is
 * kept of all of them by max_history_bytes: then the oldest goes of what was published to least recently. */
#ifndef TOW_HUB_HUB_H
#define TOW_HUB_HUB_H

#include "hub/name.h"
#include "hub/policy.h"
#include "hub/published.h"
#include "hub/subscription.h"

#include <towline/loop.h>

typedef struct tow_hub tow_hub;

typedef struct tow_hub_options {  /* zeroed: the defaults; TOW_OFF: no limit */
    int64_t max_publication;      /* bytes of data; 0: 16 MiB */
    int64_t max_pending;          /* bytes on the way to each worker; 0: 64 MiB */
    int64_t max_channels;         /* at once; 0: 1,000,000 */
    int64_t max_members;          /* users in a channel; 0: 10,000 */
    int64_t max_history_bytes;    /* that are kept of all channels; 0: 256 MiB */
    tow_channel_policy_find find; /* NULL: the defaults for all names */
    void *find_user;
    /* A publication that was taken is lost: its store has answered late, by this error, when nobody waited
     * for that. Once in a minute at most, on any thread. NULL: only the counter tells. */
    void (*on_unheard)(void *user, tow_slice name, int error);
    void *unheard_user;
    uint64_t seed; /* of epochs and hashes, not to be guessed; 0: chance, from the first part's loop */
} tow_hub_options;

/* Made before its parts, freed after them. `part_count` is the number of workers. Errors: MEMORY. */
int tow_hub_new(tow_hub **hub, size_t part_count, const tow_hub_options *options);
void tow_hub_free(tow_hub *hub); /* NULL is allowed */

/* Other limits (its `max_` options), before its parts begin. */
void tow_hub_set_limits(tow_hub *hub, const tow_hub_options *options);

/* Whether it has a part, so that something may be published. */
bool tow_hub_has_begun(const tow_hub *hub);

/* A worker's part, made on its loop's thread before anything of it is used, and ended there: `ended` comes
 * for each subscription in this call (OVER). What is published after that does not get there. Letters that
 * are on their way are opened or dropped later, by the loop. The first is part 0, whose loop tells the time
 * to all threads: it lives as long as the hub is used. Errors: MEMORY. */
int tow_hub_part_begin(tow_hub *hub, size_t number, tow_loop *loop);
void tow_hub_part_end(tow_hub_part *part);
tow_hub_part *tow_hub_part_at(tow_hub *hub, size_t number);
tow_hub *tow_hub_of(const tow_hub_part *part);

/* Publishes to who is subscribed, and keeps it where the channel has a history; a channel with neither is not
 * made. Any thread. A store that answers later may still refuse it then, of which nobody is told but who
 * asks with tow_hub_ask_publish. Errors: ARGUMENT (no name; an event, key or user that is too long or no
 * UTF-8; a type that is none), UTF8 (data), MESSAGE_TOO_LARGE, QUEUE_FULL (max_pending, or as many letters:
 * try again later), LIMIT (max_channels), STATE (no part has begun), MEMORY. */
int tow_hub_publish(tow_hub *hub, tow_slice name, const tow_draft *draft);

/* What holds for a name: asked for without making the channel. Any thread. */
void tow_hub_policy(tow_hub *hub, tow_slice name, tow_channel_policy *policy);

/* Other policies from now on, by another function (or the same, which says something else), also for the
 * channels that are there: it is asked for those anew. Subscriptions end (REVOKED) that the new policy does
 * not let in: all of a channel that is for NOBODY now, those present where nobody is any more, and who may
 * not stay (tow_subscriber.may_stay) where proof is needed now; SAME_ORIGIN ends nobody. History is cut to
 * what is kept now. Without memory for a policy all of a channel end (LOST). Any thread. */
void tow_hub_renew(tow_hub *hub, tow_channel_policy_find find, void *user);

/* Questions: what may be answered later, as a store may be elsewhere. The struct is embedded by whoever asks,
 * zeroed but for its functions; it is the hub's from the call on until the answer, which comes once, in a
 * later round of the part's loop, or tow_hub_forget, or the part's end. If asking fails no answer follows.
 * What is given in an answer is borrowed until `answered` returns; publications may be retained. */
typedef struct tow_hub_question tow_hub_question;

typedef struct tow_channel_count {
    tow_slice name;
    uint64_t subscribers;  /* on all workers */
    uint64_t users;        /* members, each once */
    tow_position position; /* number 0: nothing numbered was published */
} tow_channel_count;

typedef struct tow_hub_answer {
    int error; /* 0, or a tow_error: UNSUPPORTED (no presence), REFUSED (the store does not answer), MEMORY */
    bool exists;                       /* the channel does; the rest is empty if not */
    tow_position position;             /* publish: of the publication; else of the channel */
    bool is_whole;                     /* history: nothing is lost behind `since` */
    bool has_more;                     /* there is more than the limit */
    tow_published *const *published;   /* history: oldest first */
    const tow_member *members;         /* in the order of their users' bytes */
    const tow_channel_count *channels; /* channels: in the order of their names' bytes; count: one */
    size_t count;                      /* how many of the above */
    uint64_t subscribers;              /* publish: how many there are */
} tow_hub_answer;

struct tow_hub_question {
    void (*answered)(tow_hub_question *question, const tow_hub_answer *answer);
    void (*dropped)(tow_hub_question *question); /* in its place, as the part ends; may be NULL */
    /* the hub's */
    tow_ring link;
    tow_hub_part *part; /* NULL: nothing is asked */
    void *asked;
};

/* Publishes, and answers with position and subscribers. Errors: as tow_hub_publish. */
int tow_hub_ask_publish(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, const tow_draft *draft);

/* Several, of which one answer tells: `count` is how many were published; `error`, why none was. They are
 * added right after it is asked, in their order. Errors: MEMORY, STATE; of one that is added: as
 * tow_hub_publish. */
int tow_hub_ask_publish_many(tow_hub_part *part, tow_hub_question *question);
int tow_hub_ask_publish_more(tow_hub_question *question, tow_slice name, const tow_draft *draft);

/* What is kept of a channel after `since`, or without it ({0}) the last ones; `limit` of them at most: with
 * `since` the first of those. */
int tow_hub_ask_history(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, const tow_position *since, size_t limit);

/* Its members whose user comes after `after` (empty: from the first on). */
int tow_hub_ask_members(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, tow_slice after, size_t limit);

/* One channel's counts. */
int tow_hub_ask_count(tow_hub_part *part, tow_hub_question *question, tow_slice name);

/* Channels whose names begin with `prefix`, those after `after`. Internal names are left out. */
int tow_hub_ask_channels(
    tow_hub_part *part, tow_hub_question *question, tow_slice prefix, tow_slice after, size_t limit);

/* The answer is not wanted any more. Nothing happens if nothing is asked. */
void tow_hub_forget(tow_hub_question *question);

/* What this server has itself, at once; any thread. */
uint64_t tow_hub_subscriber_count(tow_hub *hub, tow_slice name);

/* Calls `each` for its channels of a prefix, in the order of their names; it may call anything. Returns how
 * many there were. Errors: MEMORY. */
int64_t tow_hub_each_channel(
    tow_hub *hub, tow_slice prefix, void (*each)(void *user, const tow_channel_count *count), void *user);

/* Watchers hear what becomes of channels, on the thread that does it and in the channel's order, which is
 * held meanwhile: a function calls nothing of the hub, and leaves a letter at most. Added before the parts
 * begin, they stay as long as the hub. */
typedef struct tow_hub_watcher {
    tow_slice prefix; /* of names; lives as long as the hub, as the watcher does */
    void (*occupied)(
        const struct tow_hub_watcher *watcher, tow_slice name); /* its first subscriber; may be NULL */
    void (*vacated)(
        const struct tow_hub_watcher *watcher, tow_slice name); /* its last has gone; may be NULL */
    void (*counted)(
        const struct tow_hub_watcher *watcher, tow_slice name, uint64_t subscribers); /* may be NULL */
    /* A user has come, or is gone; may be NULL. */
    void (*member)(
        const struct tow_hub_watcher *watcher, tow_slice name, const tow_member *member, bool joined);
    struct tow_hub_watcher *next; /* the hub's */
} tow_hub_watcher;
void tow_hub_watch(tow_hub *hub, tow_hub_watcher *watcher);

/* For --status: what the hub has counted, all parts together. */
#define TOW_HUB_COUNTERS(X)                                                                                  \
    X(published, "Publications to channels.")                                                                \
    X(deliveries, "Publications delivered to subscribers.")                                                  \
    X(bursts, "Deliveries of one or more publications together.")                                            \
    X(subscribed, "Subscriptions made.")                                                                     \
    X(unsubscribed, "Subscriptions ended.")                                                                  \
    X(resumed, "Subscriptions that went on where they had been.")                                            \
    X(gone, "Subscriptions that wanted to, and were told that it is gone.")                                  \
    X(slow_dropped, "The oldest publications dropped for slow subscribers.")                                 \
    X(slow_replaced, "Publications that slow subscribers had the latest instead of.")                        \
    X(slow_ended, "Subscriptions ended, as their subscriber was slow.")                                      \
    X(over_pending, "Publications refused, as too many were on the way.")                                    \
    X(over_channels, "Channels refused, as there were too many.")                                            \
    X(over_members, "Members refused, as there were too many in their channel.")                             \
    X(too_large, "Publications refused, as they were too large.")                                            \
    X(history_dropped, "Publications that were kept no more, as all histories together were too large.")     \
    X(store_errors, "Questions that the store of channels could not answer.")                                \
    X(unheard, "Publications lost as the store refused them late, when nobody waited for its answer.")       \
    X(memory_failures, "What the hub had no memory for.")
#define TOW_COUNTER_FIELD(name, text) uint64_t name;
typedef struct tow_hub_counters {
    TOW_HUB_COUNTERS(TOW_COUNTER_FIELD)
} tow_hub_counters;
#undef TOW_COUNTER_FIELD

typedef struct tow_hub_gauges { /* now */
    uint64_t channels, subscriptions, members, history_bytes, pending_bytes, waiting_bytes, asked_bytes;
} tow_hub_gauges;
void tow_hub_read(tow_hub *hub, tow_hub_counters *counters, tow_hub_gauges *gauges);

#endif
