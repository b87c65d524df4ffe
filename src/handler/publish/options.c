#include "options.h"

#define FIELD(member) TOW_OPTION_FIELD(tow_publish_settings, member)

#define KEY_HELP                                                                                             \
    "the keys, a line each, of which whoever publishes by HTTP has one; a line may be sha256: and a key's "  \
    "digest; read again on SIGHUP"
#define REPEATS_HELP                                                                                         \
    "idempotency keys that are remembered, each for ten minutes: of more the oldest is forgotten"
#define MAX_HELP "of the body of one request; more gets 413"

const tow_option tow_publish_rows[] = {
    {.name = "publish-key",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "publish.key in $STATE_DIRECTORY, else in towline in $XDG_STATE_HOME: made once",
        .help = KEY_HELP,
        .path = TOW_OPTION_PATH,
        .is_secret = true,
        FIELD(key)},
    {.name = "publish-max",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "1M",
        .help = MAX_HELP,
        .minimum = 1,
        FIELD(max_body)},
    {.name = "publish-repeats",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "8192",
        .help = REPEATS_HELP,
        .minimum = 1,
        .maximum = 10000000,
        FIELD(repeats)},
    {0},
};

const tow_option tow_publish_route_rows[] = {
    {.name = "key",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "that of --publish-key",
        .help = KEY_HELP,
        .path = TOW_OPTION_PATH,
        .is_secret = true,
        FIELD(key)},
    {.name = "max",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .note = "that of --publish-max",
        .help = MAX_HELP,
        .minimum = 1,
        FIELD(max_body)},
    {.name = "repeats",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .note = "that of --publish-repeats",
        .help = REPEATS_HELP,
        .minimum = 1,
        .maximum = 10000000,
        FIELD(repeats)},
    {0},
};
