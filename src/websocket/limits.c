#include "websocket/websocket.h"

#include "base/range.h"
#include "transport/timer.h"

#include <limits.h>
#include <towline/error.h>

static const tow_limits defaults = {
    .max_message = INT64_C(16) << 20,
    .max_queue = INT64_C(1) << 20,
    .overflow = TOW_OVERFLOW_CLOSE,
    .high_mark = INT64_C(256) << 10,
    .message_seconds = 60,
    .message_rate = 1024,
    .stall_seconds = 30,
    .ping_seconds = 20,
    .idle_seconds = 60,
    .close_seconds = 5,
    .compression = TOW_COMPRESSION_SHARED,
    .compression_min = 512,
    .compression_max = INT64_C(512) << 10,
};

static int64_t first_set(int64_t a, int64_t b, int64_t c) {
    if (a != 0)
        return a;
    return b != 0 ? b : c;
}

static tow_compression first_set_compression(tow_compression a, tow_compression b, tow_compression c) {
    if (a != TOW_COMPRESSION_DEFAULT)
        return a;
    return b != TOW_COMPRESSION_DEFAULT ? b : c;
}

static tow_overflow first_set_overflow(tow_overflow a, tow_overflow b, tow_overflow c) {
    if (a != TOW_OVERFLOW_DEFAULT)
        return a;
    return b != TOW_OVERFLOW_DEFAULT ? b : c;
}

static int first_set_seconds(int a, int b, int c) {
    return (int)first_set(a, b, c);
}

/* A quarter of the high mark, but something. */
static int64_t low_mark_for(int64_t high_mark) {
    return high_mark < 4 ? 1 : high_mark / 4;
}

/* The marks are a pair: with a high mark of its own, one does not get another's low mark. */
static void resolve_marks(tow_limits *limits, const tow_limits *given, const tow_limits *otherwise) {
    int64_t inherited = given->high_mark == 0 ? otherwise->low_mark : 0;
    limits->high_mark = first_set(given->high_mark, otherwise->high_mark, defaults.high_mark);
    limits->low_mark = first_set(given->low_mark, inherited, low_mark_for(limits->high_mark));
}

void tow_limits_resolve(tow_limits *limits, const tow_limits *otherwise) {
    static const tow_limits none = {0};
    const tow_limits *second = otherwise == NULL ? &none : otherwise;
    const tow_limits given = *limits;
    *limits = (tow_limits){
        .max_message = first_set(limits->max_message, second->max_message, defaults.max_message),
        .max_queue = first_set(limits->max_queue, second->max_queue, defaults.max_queue),
        .overflow = first_set_overflow(limits->overflow, second->overflow, defaults.overflow),
        .message_seconds =
            first_set_seconds(limits->message_seconds, second->message_seconds, defaults.message_seconds),
        .message_rate = first_set(limits->message_rate, second->message_rate, defaults.message_rate),
        .stall_seconds =
            first_set_seconds(limits->stall_seconds, second->stall_seconds, defaults.stall_seconds),
        .ping_seconds = first_set_seconds(limits->ping_seconds, second->ping_seconds, defaults.ping_seconds),
        .idle_seconds = first_set_seconds(limits->idle_seconds, second->idle_seconds, defaults.idle_seconds),
        .close_seconds =
            first_set_seconds(limits->close_seconds, second->close_seconds, defaults.close_seconds),
        .compression = first_set_compression(limits->compression, second->compression, defaults.compression),
        .compression_min =
            first_set(limits->compression_min, second->compression_min, defaults.compression_min),
        .compression_max =
            first_set(limits->compression_max, second->compression_max, defaults.compression_max),
    };
    resolve_marks(limits, &given, second);
}

/* What is compressed with context takeover can't be left out: what follows refers to it. */
static bool leaves_holes(const tow_limits *limits) {
    return limits->overflow == TOW_OVERFLOW_DROP_OLDEST && limits->compression == TOW_COMPRESSION_TAKEOVER;
}

int tow_limits_check(const tow_limits *limits, tow_complaint *complaint) {
    const tow_range ranges[] = {
        TOW_RANGE(limits, max_message, TOW_OFF, INT64_MAX),
        TOW_RANGE(limits, max_queue, TOW_OFF, INT64_MAX),
        TOW_RANGE(limits, overflow, TOW_OVERFLOW_CLOSE, TOW_OVERFLOW_DROP_OLDEST),
        TOW_RANGE(limits, high_mark, TOW_OFF, INT64_MAX),
        TOW_RANGE(limits, low_mark, 1, INT64_MAX),
        TOW_RANGE(limits, message_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(limits, message_rate, TOW_OFF, INT64_MAX),
        TOW_RANGE(limits, stall_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(limits, ping_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(limits, idle_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(limits, close_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(limits, compression, TOW_COMPRESSION_OFF, TOW_COMPRESSION_TAKEOVER),
        TOW_RANGE(limits, compression_min, TOW_OFF, INT64_MAX),
        TOW_RANGE(limits, compression_max, TOW_OFF, INT64_MAX),
    };
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
