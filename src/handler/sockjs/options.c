#include "handler/sockjs.h"

#define FIELD(member) TOW_OPTION_FIELD(tow_sockjs_settings, member)

const tow_option tow_sockjs_rows[] = {
    {.group = "SockJS",
        .name = "no-sockjs",
        .kind = TOW_OPTION_FLAG,
        .help = "do not serve SockJS at PATH/sockjs/ of each path that speaks WebSocket",
        FIELD(off)},
    {0},
};
