#include "handler/sockjs.h"

#include "../session/half_made.h"

#define FIELD(member) TOW_OPTION_FIELD(tow_sockjs_settings, member)

const tow_option tow_sockjs_rows[] = {
    {.group = "SockJS",
        .name = "no-sockjs",
        .kind = TOW_OPTION_FLAG,
        .help = "do not serve SockJS at PATH/sockjs/ of each path that speaks WebSocket",
        FIELD(off)},
    {.name = "sockjs-half-made",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = TOW_OPTION_TYPED(TOW_HALF_MADE_DEFAULT),
        .help = "sessions of a worker whose first request was answered and to which nobody has come back; "
                "more: the oldest of them ends",
        .minimum = 1,
        .maximum = 1000000000,
        FIELD(max_half_made)},
    {0},
};
