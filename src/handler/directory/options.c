#include "handler/directory.h"

#define FIELD(member) TOW_OPTION_FIELD(tow_directory_options, member)

const tow_option tow_directory_rows[] = {
    {.name = "handlers",
        .letter = 'w',
        .kind = TOW_OPTION_TEXT,
        .path = TOW_OPTION_PATH,
        .value = "DIR",
        .note = "none",
        .help =
            "folder of handlers: chat.so, echo_wsh.py or an executable count.sh in it serves /chat, /echo or "
            "/count, below folders with their names in front; what changes there is served anew, see "
            "HANDLERS in towline(1)",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(root)},
    {.name = "aliases",
        .letter = 'm',
        .kind = TOW_OPTION_TEXT,
        .path = TOW_OPTION_PATH,
        .value = "FILE",
        .note = "none",
        .help =
            "further paths of handlers: lines ALIAS EXISTING, such as / /echo; read again when it changes",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(aliases)},
    {.name = "scan",
        .letter = 's',
        .kind = TOW_OPTION_TEXT,
        .path = TOW_OPTION_PATH,
        .value = "DIR",
        .note = "all of --handlers",
        .help = "folder in --handlers to which what is served is restricted; paths stay as they are",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(scan)},
    {.name = "allow-handlers-outside",
        .kind = TOW_OPTION_FLAG,
        .help = "follow links in --handlers that lead out of it",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(outside)},
    {.name = "dev",
        .kind = TOW_OPTION_FLAG,
        .help = "for developing: also build and serve each .c file in --handlers when it changes; what the "
                "compiler "
                "says is in the log, and on the page at its path",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(sources)},
    {0},
};
