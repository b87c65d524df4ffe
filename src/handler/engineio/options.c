#include "handler/engineio.h"

#include "../session/half_made.h"

#define FIELD(member) TOW_OPTION_FIELD(tow_engineio_settings, member)

const tow_option tow_engineio_rows[] = {
    {.group = "Engine.IO",
        .name = "no-engineio",
        .kind = TOW_OPTION_FLAG,
        .help = "do not serve Engine.IO at PATH/engine.io/ of each path that speaks WebSocket",
        FIELD(off)},
    {.name = "engineio-ping-ms",
        .kind = TOW_OPTION_NUMBER,
        .value = "MILLISECONDS",
        .fallback = TOW_OPTION_TYPED(TOW_ENGINEIO_PING_DEFAULT),
        .help = "between a Pong of an Engine.IO client and the next Ping",
        .minimum = 50,
        .maximum = INT64_C(1000) * TOW_OPTION_DAY,
        FIELD(ping_milliseconds)},
    {.name = "engineio-pong-ms",
        .kind = TOW_OPTION_NUMBER,
        .value = "MILLISECONDS",
        .fallback = TOW_OPTION_TYPED(TOW_ENGINEIO_PONG_DEFAULT),
        .help = "for its answer; more: the session ends",
        .minimum = 50,
        .maximum = INT64_C(1000) * TOW_OPTION_DAY,
        FIELD(pong_milliseconds)},
    {.name = "engineio-max-payload",
        .kind = TOW_OPTION_SIZE,
        .value = "BYTES",
        .fallback = TOW_OPTION_TYPED(TOW_ENGINEIO_PAYLOAD_DEFAULT),
        .help = "of a message, and of what a client posts at once; more: 1009, for posts 413",
        .minimum = 1024,
        .maximum = INT64_C(1) << 30,
        FIELD(max_payload)},
    {.name = "engineio-half-made",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = TOW_OPTION_TYPED(TOW_HALF_MADE_DEFAULT),
        .help = "sessions of a worker that have begun and to which nobody has come back; more: the oldest of "
                "them ends",
        .minimum = 1,
        .maximum = 1000000000,
        FIELD(max_half_made)},
    {0},
};
