/* loop: what floors above transport need of a loop beyond towline/loop.h: chance, wall time, hooks, and the
 * simulated network. */
#ifndef TOW_TRANSPORT_LOOP_H
#define TOW_TRANSPORT_LOOP_H

#include "transport/address.h"

#include <stdbool.h>
#include <towline/loop.h>

/* Unpredictable bytes from the kernel, fetched in batches (a seeded generator in the simulator). */
void tow_loop_random(tow_loop *loop, void *out, size_t length);

/* The time right now, in nanoseconds, where tow_loop_now is that of the round's beginning. */
int64_t tow_loop_clock(const tow_loop *loop);

/* A last callback is to come, by a timer, and that timer has fired: a loop that is freed meanwhile waits for
 * it, as it does for the ends of streams. */
void tow_loop_owe(tow_loop *loop);
void tow_loop_paid(tow_loop *loop);

/* A round as that of tow_loop_step, but it waits until there is something to do: a driver that blocks calls
 * it until what it waits for has happened. Returns as tow_loop_step does. */
int tow_loop_round(tow_loop *loop);

/* What a stream may do in a turn, at least 1: the whole, or less while so many wait for turns that they would
 * do more than `together` in a round, and everybody else would wait for it. */
int tow_loop_share(const tow_loop *loop, int whole, int together);

/* Whether what may take long is better begun in this round than in the next, by a turn: it is not late, or
 * few have begun since it is. So nobody waits for ever, also where each round is late. */
bool tow_loop_has_room(tow_loop *loop);

/* Seconds since 1970 (virtual in the simulator); milliseconds, which any thread may ask for. */
int64_t tow_loop_wall_seconds(tow_loop *loop);
int64_t tow_loop_wall_milliseconds(const tow_loop *loop);

/* How many streams, listeners and watches keep it alive. */
size_t tow_loop_open_count(const tow_loop *loop);

/* Whether the system's descriptors can be watched: not in the simulator. */
bool tow_loop_has_descriptors(const tow_loop *loop);

/* Whether names may be looked up by the system, on a thread (tow_loop_options.no_name_thread). */
bool tow_loop_may_ask_system(const tow_loop *loop);

/* Something of a higher floor that all its users on a loop share. It begins with this, and is freed with the
 * loop, unless it is taken away before (NULL). */
typedef struct tow_loop_companion {
    void (*free)(struct tow_loop_companion *companion);
} tow_loop_companion;
typedef enum tow_companion_kind {
    TOW_COMPANION_NAMES, /* what looks names up */
    TOW_COMPANION_WAYS,  /* on which ways servers were reached */
    TOW_COMPANION_COUNT
} tow_companion_kind;
void tow_loop_set_companion(tow_loop *loop, tow_companion_kind kind, tow_loop_companion *companion);
tow_loop_companion *tow_loop_get_companion(const tow_loop *loop, tow_companion_kind kind);

/* What any thread leaves for a loop in memory of its own, so that leaving it can't fail: the first field of
 * something larger. One of the two is called, once, and has the letter then: `open` on the loop's thread, or
 * `drop` where the loop is freed before. Those that follow each other and are opened by the same function are
 * opened together: it gets the first of a list, oldest first, in which `next` of the last is NULL. A round
 * opens only as many as make up a bounded amount of work: many letters keep neither the network nor tasks
 * waiting. */
enum { TOW_LETTER_WORK_MAX = 1024 };
typedef struct tow_letter {
    struct tow_letter *next;
    uint32_t work; /* what it is about, such as messages to send: at most TOW_LETTER_WORK_MAX */
    void (*open)(struct tow_letter *letters);
    void (*drop)(struct tow_letter *letter);
} tow_letter;
void tow_loop_post_letter(tow_loop *loop, tow_letter *letter);

/* The same among the tasks, of which a round runs all: before the letters that wait. Signal handlers too. */
void tow_loop_post_urgently(tow_loop *loop, tow_letter *letter);

/* What the loop has done: for tests and --status. */
typedef struct tow_loop_counters {
    uint64_t rounds;
    uint64_t reads;  /* deliveries of on_bytes */
    uint64_t writes; /* sends, by call or by submission */
    uint64_t system_calls;
    uint64_t unsent; /* sends that were not taken whole */
    uint64_t turns;  /* deliveries of on_turn */
    uint64_t accepts;
    uint64_t exhausted; /* accepts that found no descriptor */
} tow_loop_counters;
const tow_loop_counters *tow_loop_count(const tow_loop *loop);

/* A simulated network: streams in memory between connects and listeners of one loop, or of several that are
 * stepped in turns on one thread; virtual time, and a seed that decides how reads and writes are cut and
 * ordered. tow_loop_step jumps to the next timer when nothing is ready. */
typedef struct tow_simulation_options {
    uint64_t seed;
    bool whole;             /* do not cut reads and writes */
    size_t stream_capacity; /* bytes in flight before a writer blocks; 0: 64 KiB */
    size_t descriptors;     /* how many may be open; 0: no limit */
    tow_loop *with; /* another simulated loop, whose network and time it shares; all else is of that */
} tow_simulation_options;
int tow_loop_new_simulated(tow_loop **loop, const tow_simulation_options *options);

#endif
