#include "connect/race.h"

#include "transport/stream.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#define ATTEMPT_DELAY (250 * TOW_MILLISECOND) /* RFC 8305, section 5 */

enum { LANE_IPV6, LANE_OTHER };

/* On the heap, as it ends only some time after the race. */
struct tow_attempt {
    tow_stream stream; /* first */
    tow_race *race;    /* NULL when the race is over for this one */
    tow_attempt *next;
    tow_address address;
};

static tow_race *race_of(tow_timer *timer) {
    return (tow_race *)(void *)((char *)timer - offsetof(tow_race, timer));
}

static int lane_of(int family) {
    return family == AF_INET6 ? LANE_IPV6 : LANE_OTHER;
}

void tow_race_init(tow_race *race, tow_loop *loop, const tow_race_events *events) {
    memset(race, 0, sizeof(*race));
    race->loop = loop;
    race->events = events;
}

void tow_race_add(tow_race *race, const tow_address *address) {
    tow_race_lane *lane = &race->lanes[lane_of(address->storage.ss_family)];
    if (lane->count < TOW_RACE_ADDRESSES_MAX)
        lane->addresses[lane->count++] = *address;
}

static bool has_untried(const tow_race_lane *lane) {
    return lane->next < lane->count;
}

bool tow_race_is_empty(const tow_race *race) {
    return race->lanes[LANE_IPV6].count == 0 && race->lanes[LANE_OTHER].count == 0;
}

/* RFC 8305, section 4: the families take turns. NULL if all were tried. */
static const tow_address *next_address(tow_race *race) {
    int lane = has_untried(&race->lanes[race->turn]) ? race->turn : !race->turn;
    if (!has_untried(&race->lanes[lane]))
        return NULL;
    race->turn = !lane;
    return &race->lanes[lane].addresses[race->lanes[lane].next++];
}

/* An address that can't be reached says less than any other failure. */
static void note_failure(tow_race *race, int error) {
    if (race->error == 0 || race->error == TOW_ERROR_UNREACHABLE)
        race->error = error;
}

static void leave(tow_attempt *attempt) {
    tow_attempt **link = &attempt->race->attempts;
    while (*link != attempt)
        link = &(*link)->next;
    *link = attempt->next;
    attempt->race = NULL;
}

static void go_on(tow_race *race);

/* The attempt's stream. */

static void connected(tow_stream *stream) {
    tow_attempt *attempt = (tow_attempt *)(void *)stream;
    tow_race *race = attempt->race;
    if (race == NULL)
        return;
    const tow_address address = attempt->address;
    leave(attempt);
    int fd = tow_stream_release(stream);
    if (fd < 0) {
        tow_stream_close(stream);
        note_failure(race, fd);
        go_on(race);
        return;
    }
    tow_race_clear(race);
    race->events->on_won(race, fd, &address);
}

static void failed(tow_stream *stream, int error) {
    tow_attempt *attempt = (tow_attempt *)(void *)stream;
    tow_race *race = attempt->race;
    tow_stream_close(stream);
    if (race == NULL)
        return;
    leave(attempt);
    note_failure(race, error);
    go_on(race);
}

static void closed(tow_stream *stream) {
    free(stream);
}

static const tow_stream_events attempt_events = {
    .on_writable = connected,
    .on_error = failed,
    .on_closed = closed,
};

static int try(tow_race *race, const tow_address *address) {
    tow_attempt *attempt = calloc(1, sizeof(*attempt));
    if (attempt == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_stream_connect(&attempt->stream, race->loop, address, &attempt_events);
    if (error != 0) {
        free(attempt);
        return error;
    }
    attempt->race = race;
    attempt->address = *address;
    attempt->next = race->attempts;
    race->attempts = attempt;
    return 0;
}

/* The race. */

static void give_up(tow_timer *timer) {
    tow_race *race = race_of(timer);
    race->events->on_lost(race, race->error);
}

static void delay_is_over(tow_timer *timer) {
    go_on(race_of(timer));
}

static void set_delay(tow_race *race) {
    tow_timer_set(race->loop, &race->timer, tow_loop_now(race->loop) + ATTEMPT_DELAY, delay_is_over);
}

/* Starts the next attempt, now. */
static void go_on(tow_race *race) {
    const tow_address *address = next_address(race);
    for (; address != NULL; address = next_address(race)) {
        int error = try(race, address);
        if (error == 0)
            break;
        note_failure(race, error);
    }
    if (has_untried(&race->lanes[LANE_IPV6]) || has_untried(&race->lanes[LANE_OTHER]))
        set_delay(race);
    else if (race->attempts == NULL && race->complete)
        tow_timer_set(race->loop, &race->timer, 0, give_up);
    else
        tow_timer_cancel(race->loop, &race->timer);
}

void tow_race_start(tow_race *race, int family) {
    race->turn = lane_of(family);
    race->started = true;
    go_on(race);
}

/* While an attempt is under way that nobody was to follow, its time begins now. */
void tow_race_extend(tow_race *race) {
    if (race->attempts == NULL)
        go_on(race);
    else if (!tow_timer_is_set(&race->timer))
        set_delay(race);
}

void tow_race_complete(tow_race *race) {
    race->complete = true;
    if (race->started && race->attempts == NULL)
        go_on(race);
}

void tow_race_clear(tow_race *race) {
    tow_timer_cancel(race->loop, &race->timer);
    while (race->attempts != NULL) {
        tow_attempt *loser = race->attempts;
        leave(loser);
        tow_stream_reset(&loser->stream);
    }
}
