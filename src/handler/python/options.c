#include "handler/python.h"

#include "../environment.h"

#define FIELD(member) TOW_OPTION_FIELD(tow_python_settings, member)

const tow_option tow_python_rows[] = {
    {.group = "Python handlers",
        .name = "python",
        .kind = TOW_OPTION_TEXT,
        .value = "PROGRAM",
        .note = "python3",
        .help = "the Python that runs handlers whose files end in _wsh.py",
        .path = TOW_OPTION_COMMAND_PATH,
        FIELD(interpreter)},
    {.name = "handler-encoding",
        .kind = TOW_OPTION_TEXT,
        .value = "ENCODING",
        .note = "the locale's",
        .help = "in which these files are written, as Python calls it: utf-8",
        FIELD(encoding)},
    {.name = "handler-environment",
        .kind = TOW_OPTION_LIST,
        .value = "NAME[=VALUE]",
        .note = "all that the server has",
        .help = "what these handlers get of the server's environment, besides PATH, LANG, TZ and HOME, or a "
                "value for it; nothing else then",
        .expects = "a name of letters, digits and underscores, or NAME=VALUE",
        .check = tow_environment_check,
        .pair = "=",
        FIELD(environment)},
    {.name = "max-handler-connections",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "1000",
        .off = "no limit",
        .help = "of all these handlers at a time, each of which has a thread of the process; more get 503",
        .minimum = 1,
        FIELD(max_connections)},
    {0},
};
