#include "option_table.h"

#include "service_options.h"
#include "tunnel.h"
#include "way_options.h"

#define FIELD(member) TOW_OPTION_FIELD(tow_tunnel_settings, member)

static const tow_option config_rows[] = {
    {.group = "Configuration",
        .name = "config",
        .letter = 'f',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "read options from this file, in YAML, by their names; what is given here goes before it",
        .needs = TOW_OPTION_NEEDS_COMMAND_LINE,
        FIELD(serve.config)},
    {.name = "listen",
        .kind = TOW_OPTION_TEXT,
        .value = "LISTEN",
        .note = "the first word",
        .help = "where to listen, for the file; a word LISTEN goes before it",
        .path = TOW_OPTION_UNIX_PATH,
        FIELD(listen)},
    {.name = "target",
        .kind = TOW_OPTION_TEXT,
        .value = "TARGET",
        .note = "the second word",
        .help = "where it leads, for the file; a word TARGET goes before it",
        .path = TOW_OPTION_UNIX_PATH,
        FIELD(target)},
    {0},
};

static const tow_option compression_rows[] = {
    {.name = "compression",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "off",
        .choices = tow_compression_choices,
        .help = "permessage-deflate, as in serve and connect",
        FIELD(serve.server.limits.compression)},
    {0},
};

/* Its bytes are no messages that anybody waits for, and a tunnel waits as TCP does. */
static const tow_option_change limit_changes[] = {
    {.name = "max-message",
        .fallback = "off",
        .help = "of a message that is received; a larger one closes with 1009. Messages pass in pieces, "
                "whatever their length"},
    {.name = "message-seconds", .fallback = "off"},
    {.name = "max-queue", .left_out = true},
    {.name = "overflow", .left_out = true},
    {.name = "high-mark", .left_out = true},
    {.name = "low-mark", .left_out = true},
    {.name = "stall-seconds",
        .fallback = "off",
        .help = "that a peer may take nothing of what waits for it; then the connection is reset. A tunnel "
                "waits as TCP does"},
    {.name = "idle-seconds",
        .fallback = "off",
        .help = "of silence, Pongs too, after which the connection ends with 1001. A peer whose reader has "
                "stopped answers no Pings"},
    {.name = "close-seconds",
        .help = "for the peer's Close when both sides have ended; then the connection is reset"},
    {0},
};

/* The operands say it. */
static const tow_option_change tunnel_changes[] = {{.name = "target", .left_out = true}, {0}};

static const tow_option_section sections[] = {
    {.options = tow_tunnel_rows, .base = offsetof(tow_tunnel_settings, tunnel), .changes = tunnel_changes},
    {.options = compression_rows},
    {.options = tow_service_status_rows, .base = offsetof(tow_tunnel_settings, serve)},
    {.options = config_rows},
    {.options = tow_service_tls_rows, .base = offsetof(tow_tunnel_settings, serve)},
    {.options = tow_files_rows, .base = offsetof(tow_tunnel_settings, serve.files)},
    {.options = tow_service_access_rows, .base = offsetof(tow_tunnel_settings, serve)},
    {.options = tow_service_limit_rows,
        .base = offsetof(tow_tunnel_settings, serve.server.limits),
        .changes = limit_changes},
    {.options = tow_way_head_rows, .base = offsetof(tow_tunnel_settings, connect)},
    {.options = tow_way_rows, .base = offsetof(tow_tunnel_settings, connect)},
    {.options = tow_way_tls_rows, .base = offsetof(tow_tunnel_settings, connect)},
    {.options = tow_service_running_rows, .base = offsetof(tow_tunnel_settings, serve)},
    {0},
};

static const char *const description[] = {
    "Carries the bytes of a TCP service over WebSocket, or of a WebSocket connection to a TCP service, until "
    "SIGTERM or SIGINT. Where one side does not read, the other is not read either; the end of one side is "
    "passed on to the other.",
    "With LISTEN as ws://[HOST:]PORT[/PATH] or wss://..., TARGET is tcp:HOST:PORT, unix:PATH or "
    "exec:COMMAND: a command that a shell runs for each connection, with the connection as its standard "
    "input and output; when it has ended, with its output, exit status 0 closes with 1000, whatever it left "
    "unread, any other "
    "with 1011 and a line in the log. "
    "Pages elsewhere need --allow-origin. The subprotocol binary is acknowledged, or those of --subprotocol; "
    "who offers only others is refused.",
    "With LISTEN as tcp:[HOST:]PORT or unix:PATH, TARGET is a URL, ws://... or wss://...: each connection "
    "that "
    "comes opens one there. The options of the opening handshake, of the way to the server and of TLS with "
    "it "
    "are for this direction, those of who may connect and --map for the other. --certificate is for both: "
    "here it is shown to a server that asks for one.",
    "A LISTEN of fd:N, or ws://fd:N/PATH, is a socket that listens already, by its descriptor; systemd, or "
    "ws://systemd/PATH, those that a socket unit opened, systemd:NAME those of this name.",
    NULL,
};

static const char *const examples[] = {
    "towline tunnel ws://6080/websockify tcp:localhost:5900 -d /usr/share/novnc",
    "a VNC server for noVNC, with its page",
    "towline tunnel wss://*:443/ssh tcp:localhost:22 -c cert.pem -k key.pem",
    "SSH through port 443",
    "towline tunnel tcp:2222 wss://example.org/ssh",
    "the other end of that: ssh -p 2222 localhost",
    "towline tunnel --lines ws://localhost:7000/sort 'exec:sort -u'",
    ("a command for each connection, a line a message; to use it: printf 'b\\na\\nb\\n' | towline connect "
     "--half-close ws://localhost:7000/sort"),
    "towline tunnel -f tunnel.yaml",
    ("all of it in a file: listen: ws://6080/ssh, target: tcp:localhost:22, max-connections: 10, each on a "
     "line"),
    NULL,
};

const tow_command tow_tunnel_command = {.name = "tunnel",
    .operands = "[LISTEN [TARGET]]",
    .operands_maximum = 2,
    .summary = "carry TCP, Unix sockets and commands over WebSocket",
    .description = description,
    .examples = examples,
    .sections = sections,
    .settings_size = sizeof(tow_tunnel_settings),
    .run = tow_tunnel_command_run};
