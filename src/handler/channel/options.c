#include "handler/channel_pattern.h"
#include "handler/channels.h"

#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_channel_settings, member)

static int check_pattern(const char *text) {
    return tow_channel_pattern_is_valid(tow_slice_from(text)) ? 0 : TOW_ERROR_ARGUMENT;
}

static const tow_option_choice accesses[] = {
    {"same-origin", TOW_ACCESS_SAME_ORIGIN}, {"token", TOW_ACCESS_TOKEN}, {"nobody", TOW_ACCESS_NOBODY}, {0}};

static const char *const meant_by_access[] = {"true", "same-origin", "everybody", "same-origin", "public",
    "same-origin", "any", "same-origin", "all", "same-origin", "private", "token", "jwt", "token", "false",
    "nobody", "none", "nobody", "off", "nobody", NULL};

static const char *const meant_by_slow[] = {
    "oldest", "drop-oldest", "drop", "drop-oldest", "newest", "latest", "close", "end", NULL};

static const tow_option_choice ways_of_slowness[] = {
    {"end", TOW_SLOW_ENDS}, {"drop-oldest", TOW_SLOW_OLDEST}, {"latest", TOW_SLOW_LATEST}, {0}};

#define LIMIT(member) TOW_OPTION_FIELD(tow_channels_settings, member)

const tow_option tow_channels_rows[] = {
    {.group = "Limits of channels",
        .name = "max-channels",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "1000000",
        .off = "no limit",
        .help = "channels at a time: those with subscribers or with something that is kept; more are refused",
        .minimum = 1,
        LIMIT(max_channels)},
    {.name = "max-channel-members",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "10000",
        .off = "no limit",
        .help = "users in a channel with presence; more are refused",
        .minimum = 1,
        LIMIT(max_members)},
    {.name = "max-subscriptions",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "1000",
        .off = "no limit",
        .help = "channels of a connection that speaks towline.v1; more are refused",
        .minimum = 1,
        LIMIT(max_subscriptions)},
    {.name = "max-publication",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16M",
        .off = "no limit but that of messages",
        .help = "of what is published at once; more gets 413, over WebSocket 1009",
        .minimum = 1,
        LIMIT(max_publication)},
    {.name = "max-pending",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "64M",
        .off = "no limit",
        .help = "published and on its way to the subscribers of a worker; more gets 503 until they have it",
        .minimum = 1,
        LIMIT(max_pending)},
    {.name = "max-history-bytes",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "256M",
        .off = "no limit",
        .help =
            "that all channels keep together; then the oldest goes of what was published to least recently",
        .minimum = 1,
        LIMIT(max_history_bytes)},
    {0},
};

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
        .meant = meant_by_access,
        .help = "who may subscribe: whoever the route's origins let in, who has a token for it, or nobody",
        FIELD(subscribe)},
    {.name = "publish",
        .kind = TOW_OPTION_CHOICE,
        .note = "nobody, but for client events of Pusher",
        .choices = accesses,
        .meant = meant_by_access,
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
        .meant = meant_by_slow,
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
