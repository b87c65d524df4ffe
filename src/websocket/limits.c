#include "websocket/websocket.h"

#include "base/range.h"
#include "transport/timer.h"

#include <limits.h>
#include <towline/error.h>

/* X(field, least, most, default of servers, default of clients): a default of 0 depends on the others. */
#define MIB (INT64_C(1) << 20)
#define LIMITS(X)                                                                                            \
    X(max_message, TOW_OFF, INT64_MAX, 16 * MIB, 16 * MIB)                                                   \
    X(max_queue, TOW_OFF, INT64_MAX, MIB, MIB)                                                               \
    X(overflow, TOW_OVERFLOW_CLOSE, TOW_OVERFLOW_DROP_OLDEST, TOW_OVERFLOW_CLOSE, TOW_OVERFLOW_CLOSE)        \
    X(high_mark, TOW_OFF, INT64_MAX, MIB / 4, MIB / 4)                                                       \
    X(low_mark, 1, INT64_MAX, 0, 0)                                                                          \
    X(message_seconds, TOW_OFF, INT_MAX, 60, TOW_OFF)                                                        \
    X(message_rate, TOW_OFF, INT64_MAX, 1024, 1024)                                                          \
    X(stall_seconds, TOW_OFF, INT_MAX, 30, TOW_OFF)                                                          \
    X(ping_seconds, TOW_OFF, INT_MAX, 20, TOW_OFF)                                                           \
    X(idle_seconds, TOW_OFF, INT_MAX, 60, TOW_OFF)                                                           \
    X(close_seconds, TOW_OFF, INT_MAX, 5, 5)                                                                 \
    X(compression, TOW_COMPRESSION_OFF, TOW_COMPRESSION_TAKEOVER, TOW_COMPRESSION_SHARED,                    \
        TOW_COMPRESSION_DEFAULT)                                                                             \
    X(compression_min, TOW_OFF, INT64_MAX, 512, 512)                                                         \
    X(compression_max, TOW_OFF, INT64_MAX, MIB / 2, MIB / 2)

#define OF_SERVERS(field, least, most, server, client) .field = (server),
#define OF_CLIENTS(field, least, most, server, client) .field = (client),
#define RANGE(field, least, most, server, client) TOW_RANGE(limits, field, least, most),
#define TAKE(field, least, most, server, client)                                                             \
    if (limits->field == 0)                                                                                  \
        limits->field = otherwise->field;

static const tow_limits of_servers = {LIMITS(OF_SERVERS)};
static const tow_limits of_clients = {LIMITS(OF_CLIENTS)};

/* Fields that are zero get the value in `otherwise`. */
static void take(tow_limits *limits, const tow_limits *otherwise) {
    LIMITS(TAKE)
}

/* A quarter of the high mark, but something. */
static int64_t low_mark_for(int64_t high_mark) {
    return high_mark < 4 ? 1 : high_mark / 4;
}

/* The marks are a pair: with a high mark of its own, one does not get another's low mark. */
static void take_from_server(tow_limits *limits, const tow_limits *server) {
    tow_limits other = *server;
    if (limits->high_mark != 0)
        other.low_mark = 0;
    take(limits, &other);
}

/* What is dropped must not be referred to. */
static tow_compression compression_for(const tow_limits *limits) {
    return limits->overflow == TOW_OVERFLOW_DROP_OLDEST ? TOW_COMPRESSION_SHARED : TOW_COMPRESSION_TAKEOVER;
}

void tow_limits_resolve(tow_limits *limits, tow_role role, const tow_limits *server) {
    if (server != NULL)
        take_from_server(limits, server);
    take(limits, role == TOW_ROLE_SERVER ? &of_servers : &of_clients);
    if (limits->low_mark == 0)
        limits->low_mark = low_mark_for(limits->high_mark);
    if (limits->compression == TOW_COMPRESSION_DEFAULT)
        limits->compression = compression_for(limits);
}

/* What is compressed with context takeover can't be left out: what follows refers to it. */
static bool leaves_holes(const tow_limits *limits) {
    return limits->overflow == TOW_OVERFLOW_DROP_OLDEST && limits->compression == TOW_COMPRESSION_TAKEOVER;
}

int tow_limits_check(const tow_limits *limits, tow_complaint *complaint) {
    const tow_range ranges[] = {LIMITS(RANGE)};
    int error = tow_ranges_check(ranges, sizeof(ranges) / sizeof(ranges[0]), complaint);
    if (error != 0)
        return error;
    bool is_below = limits->high_mark == TOW_OFF || limits->low_mark < limits->high_mark ||
                    limits->low_mark == low_mark_for(limits->high_mark);
    if (!is_below)
        return tow_complain(complaint, "low_mark: it must be below high_mark");
    if (leaves_holes(limits))
        return tow_complain(
            complaint, "overflow: to drop the oldest, set compression to TOW_COMPRESSION_SHARED or _OFF");
    return 0;
}

int64_t tow_limits_time_for(const tow_limits *limits, uint64_t bytes) {
    if (limits->message_rate == TOW_OFF)
        return 0;
    double seconds = (double)bytes / (double)limits->message_rate;
    return seconds < INT_MAX ? (int64_t)(seconds * (double)TOW_SECOND) : INT_MAX * TOW_SECOND;
}
