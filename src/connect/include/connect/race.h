/* race: connects to whichever of several addresses answers first (RFC 8305, sections 4 to 6).
 *
 * Families take turns; the next attempt starts when the last one failed, or did not succeed within 250 ms.
 * Addresses may be added while it runs. The winner's descriptor is handed over, the others are reset. */
#ifndef TOW_CONNECT_RACE_H
#define TOW_CONNECT_RACE_H

#include "transport/address.h"
#include "transport/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <towline/loop.h>

typedef struct tow_race tow_race;
typedef struct tow_attempt tow_attempt;

typedef struct tow_race_events {
    /* The descriptor is connected, and the callee's: tow_stream_adopt it. The race is over; it may be
     * cleared, and its memory freed, in either callback. */
    void (*on_won)(tow_race *race, int fd, const tow_address *address);
    /* All attempts failed; `error` is the most telling. */
    void (*on_lost)(tow_race *race, int error);
} tow_race_events;

/* Addresses of one family, and a Unix socket's with the first: those from `next` on are untried. */
enum { TOW_RACE_ADDRESSES_MAX = 16, TOW_RACE_FAMILIES = 2 };
typedef struct tow_race_lane {
    tow_address addresses[TOW_RACE_ADDRESSES_MAX];
    size_t count;
    size_t next;
} tow_race_lane;

struct tow_race { /* embedded; private */
    tow_loop *loop;
    const tow_race_events *events;
    tow_race_lane lanes[TOW_RACE_FAMILIES];
    tow_attempt *attempts; /* under way */
    tow_timer timer;       /* for the next attempt, or for on_lost */
    int turn;              /* the lane of the next attempt, if it has one */
    int error;
    bool started;
    bool complete;
};

void tow_race_init(tow_race *race, tow_loop *loop, const tow_race_events *events);

/* In order of preference within a family; what is more than 16 of a family is passed over. */
void tow_race_add(tow_race *race, const tow_address *address);
bool tow_race_is_empty(const tow_race *race);

/* Begins with the first address of `family` if there is one. No callback runs inside. */
void tow_race_start(tow_race *race, int family);

/* Addresses were added after the start. No callback runs inside. */
void tow_race_extend(tow_race *race);

/* No address will be added any more. No callback runs inside. */
void tow_race_complete(tow_race *race);

/* Ends it without a callback. */
void tow_race_clear(tow_race *race);

#endif
