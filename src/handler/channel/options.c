#include "handler/channel_pattern.h"
#include "handler/channels.h"

#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_channel_settings, member)

static int check_pattern(const char *text) {
    return tow_channel_pattern_is_valid(tow_slice_from(text)) ? 0 : TOW_ERROR_ARGUMENT;
}

static const tow_option_choice accesses[] = {
    {"same-origin", TOW_ACCESS_SAME_ORIGIN}, {"token", TOW_ACCESS_TOKEN}, {"nobody", TOW_ACCESS_NOBODY}, {0}};

static const tow_option_choice ways_of_slowness[] = {
    {"end", TOW_SLOW_ENDS}, {"drop-oldest", TOW_SLOW_OLDEST}, {"latest", TOW_SLOW_LATEST}, {0}};

const tow_option tow_channel_rows[] = {
    {.name = "name",
        .kind = TOW_OPTION_TEXT,
        .value = "NAME|PREFIX*",
        .note = "none",
        .help = "which channels: one by its name, or all whose names begin so; of several that fit the most "
                "exact counts",
        .expects = "a channel's name, or the beginning of names with * behind it",
        .check = check_pattern,
        FIELD(name)},
    {.name = "subscribe",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "same-origin",
        .choices = accesses,
        .help = "who may subscribe: whoever the route's origins let in, who has a token for it, or nobody",
        FIELD(subscribe)},
    {.name = "publish",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "nobody",
        .choices = accesses,
        .help = "which clients may publish, in the same way; with a key for publishing one may anyway",
        FIELD(publish)},
    {.name = "presence",
        .kind = TOW_OPTION_FLAG,
        .help = "who is there can be asked, and is told",
        FIELD(presence)},
    {.name = "history",
        .kind = TOW_OPTION_NUMBER,
        .value = "COUNT",
        .fallback = "0",
        .minimum = 0,
        .maximum = 100000,
        .help = "so many messages are kept, for who comes back and for who asks",
        FIELD(history)},
    {.name = "history-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "60",
        .minimum = 1,
        .maximum = INT64_C(30) * TOW_OPTION_DAY,
        .help = "for so long",
        .only_with = "history",
        FIELD(history_seconds)},
    {.name = "history-bytes",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "1M",
        .minimum = 1,
        .help = "and no more bytes than these",
        .only_with = "history",
        FIELD(history_bytes)},
    {.name = "slow",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "end",
        .choices = ways_of_slowness,
        .help =
            "what becomes of a subscriber that is too slow: its subscription ends, the oldest of what waits "
            "for it is dropped, or of what has a key all but the latest of each; it is told",
        FIELD(slow)},
    {.name = "slow-count",
        .kind = TOW_OPTION_NUMBER,
        .value = "COUNT",
        .fallback = "1000",
        .minimum = 1,
        .maximum = 1000000,
        .help = "when more messages than these wait for it",
        FIELD(slow_count)},
    {.name = "slow-bytes",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "1M",
        .minimum = 1,
        .help = "or more bytes",
        FIELD(slow_bytes)},
    {0},
};
