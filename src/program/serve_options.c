#include "option_table.h"

#include "ports.h"
#include "pusher_apps.h"
#include "serve.h"
#include "service_options.h"

#include <string.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_serve_settings, member)

/* A host as it stands before ":PORT": what is wrong shows when a port is put behind it. */
static int check_host(const char *text) {
    return strchr(text, '/') == NULL && text[0] != '\0' && strcspn(text, " \t") == strlen(text)
               ? 0
               : TOW_ERROR_ADDRESS;
}

static const tow_option listening_rows[] = {
    {.group = "Listening",
        .name = "port",
        .letter = 'p',
        .kind = TOW_OPTION_LIST,
        .value = "[HOST:]PORT|unix:PATH|fd:N|systemd[:NAME]",
        .note = "localhost:9998",
        .help =
            "where to listen; a bare port means localhost, *:PORT every address, port 0 any free port; fd:N "
            "is "
            "a socket that listens already, by its descriptor, systemd those that a socket unit opened, all "
            "or by name",
        .expects =
            "an address such as 9998, localhost:9998, *:80, [::1]:9998 or unix:/run/towline.socket, or "
            "fd:3, systemd or systemd:NAME",
        .check = tow_port_check,
        .path = TOW_OPTION_UNIX_PATH,
        FIELD(server.listens)},
    {.name = "server-host",
        .letter = 'H',
        .kind = TOW_OPTION_TEXT,
        .value = "HOST",
        .note = "localhost",
        .help = "host of every --port that has none",
        .expects = "a host such as localhost, 127.0.0.1 or *",
        .check = check_host,
        FIELD(server_host)},
    {0},
};

static const tow_option config_rows[] = {
    {.group = "Configuration",
        .name = "config",
        .letter = 'f',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "read options and routes from this file, see CONFIGURATION FILE in towline(1); options given "
                "here go "
                "before it; read again on SIGHUP, without disconnecting anybody",
        .needs = TOW_OPTION_NEEDS_COMMAND_LINE,
        FIELD(config)},
    {.name = "check",
        .kind = TOW_OPTION_FLAG,
        .help = "only say whether all is right, and if not, where: exit status 0 or 2",
        .needs = TOW_OPTION_NEEDS_COMMAND_LINE,
        FIELD(check)},
    {.name = "print-config",
        .kind = TOW_OPTION_FLAG,
        .help =
            "only print all that holds, as a configuration file, with a remark where each value comes from",
        .needs = TOW_OPTION_NEEDS_COMMAND_LINE,
        FIELD(print_config)},
    {0},
};

static const tow_option pusher_rows[] = {
    {.group = "Pusher",
        .name = "pusher-app",
        .kind = TOW_OPTION_LIST,
        .value = "ID:KEY:FILE",
        .note = "none",
        .help = "an app of Pusher's protocol, with its secret in a file: clients come to /app/KEY, its "
                "servers to "
                "/apps/ID/; more of it can be set in a configuration file",
        .expects = "an app such as 1:my-key:/etc/towline/my-secret",
        .check = tow_pusher_app_check,
        .needs = TOW_OPTION_NEEDS_COMMAND_LINE,
        FIELD(pusher_apps)},
    {0},
};

static const tow_option list_rows[] = {
    {.name = "list",
        .kind = TOW_OPTION_FLAG,
        .help = "only say what is served where, and by what",
        .needs = TOW_OPTION_NEEDS_COMMAND_LINE,
        FIELD(list)},
    {0},
};

static const tow_option refused_rows[] = {
    {.letter = 'x', .kind = TOW_OPTION_REFUSED, .help = "CGI programs are not served"},
    {0},
};

static const tow_option_section sections[] = {
    {.options = listening_rows},
    {.options = tow_service_status_rows},
    {.options = config_rows},
    {.options = refused_rows},
    {.options = tow_service_tls_rows},
    {.options = tow_files_rows, .base = offsetof(tow_serve_settings, files)},
    {.options = tow_directory_rows, .base = offsetof(tow_serve_settings, handlers)},
    {.options = list_rows},
    {.options = pusher_rows},
    {.options = tow_python_rows, .base = offsetof(tow_serve_settings, python)},
    {.options = tow_service_access_rows},
    {.options = tow_guard_rows, .base = offsetof(tow_serve_settings, guard)},
    {.options = tow_token_rows, .base = offsetof(tow_serve_settings, tokens)},
    {.options = tow_publish_rows, .base = offsetof(tow_serve_settings, publish)},
    {.options = tow_channels_rows, .base = offsetof(tow_serve_settings, channels)},
    {.options = tow_service_limit_rows, .base = offsetof(tow_serve_settings, server.limits)},
    {.options = tow_service_compression_rows, .base = offsetof(tow_serve_settings, server.limits)},
    {.options = tow_engineio_rows, .base = offsetof(tow_serve_settings, engineio)},
    {.options = tow_sockjs_rows, .base = offsetof(tow_serve_settings, sockjs)},
    {.options = tow_service_running_rows},
    {0},
};

static const char *const description[] = {
    "Serves WebSocket and HTTP until SIGTERM or SIGINT. Without options: an echo at "
    "ws://localhost:9998/echo, which any page may use until --allow-origin says whose, "
    "a console page for trying endpoints at http://localhost:9998/.console, and at / when there is no "
    "--document-root, and channels at /channel/NAME, to which clients subscribe.",
    NULL,
};

static const char *const examples[] = {
    "towline serve -p 8080 -d public",
    "the files of a folder, with /echo and /.console beside them",
    "towline serve -w handlers",
    "the handlers of a folder, see HANDLERS",
    "towline serve -p '*:80' --host example.org --allow-origin https://example.com",
    "for the network, under one name, and for the pages of another site",
    NULL,
};

const tow_command tow_serve_command = {.name = "serve",
    .operands = "",
    .summary = "run a realtime server that needs no code",
    .description = description,
    .examples = examples,
    .sections = sections,
    .settings_size = sizeof(tow_serve_settings),
    .run = tow_serve};
