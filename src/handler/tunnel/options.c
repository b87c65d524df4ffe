#include "handler/tunnel.h"

#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_tunnel_options, member)

static const tow_option_choice proxy_header_choices[] = {{"v1", 1}, {"v2", 2}, {0}};

static int check_target(const char *text) {
    return tow_tunnel_target_is_valid(text, NULL) ? 0 : TOW_ERROR_ARGUMENT;
}

const tow_option tow_tunnel_rows[] = {
    {.group = "The tunnel",
        .name = "text",
        .kind = TOW_OPTION_FLAG,
        .help =
            "send text messages, cut between characters, instead of binary ones; what is not UTF-8 closes "
            "with 1007. Both types are received",
        FIELD(text)},
    {.name = "lines",
        .kind = TOW_OPTION_FLAG,
        .help = "send a text message for each line, without its line feed, and put a line feed behind each "
                "message that comes; a line may have any length",
        FIELD(lines)},
    {.name = "map",
        .letter = 'm',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "instead of TARGET: lines KEY: TARGET, where a key is a token (?token=KEY) or, with a slash in "
            "front, a path; read again when it changes, and on SIGHUP; others get 404",
        .needs = TOW_OPTION_NEEDS_SERVER,
        .path = TOW_OPTION_PATH,
        FIELD(map)},
    {.name = "send-proxy",
        .kind = TOW_OPTION_CHOICE,
        .note = "none",
        .choices = proxy_header_choices,
        .help = "begin each connection to the target with a PROXY header of this version, which gives it the "
                "client's address",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(send_proxy)},
    {.name = "connect-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "10",
        .off = "no limit",
        .help = "for the target to be reached; then 1014",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(connect_seconds)},
    {.name = "half-close-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "60",
        .off = "no limit",
        .help = "of silence after one side has ended, until the other has to",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(half_close_seconds)},
    {.name = "target",
        .kind = TOW_OPTION_TEXT,
        .value = "TARGET",
        .note = "none",
        .help = "where it leads: tcp:HOST:PORT, unix:PATH or exec:COMMAND",
        .expects = "a target: tcp:HOST:PORT, unix:PATH or exec:COMMAND",
        .check = check_target,
        .path = TOW_OPTION_UNIX_PATH,
        FIELD(target)},
    {0},
};
