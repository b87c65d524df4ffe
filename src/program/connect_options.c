#include "option_table.h"

#include "connect.h"
#include "service_options.h"
#include "way_options.h"

#define FIELD(member) TOW_OPTION_FIELD(tow_connect_settings, member)

static const tow_option compression_rows[] = {
    {.name = "compression",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "takeover",
        .choices = tow_compression_choices,
        .help = "permessage-deflate to offer: shared asks both ends to keep no context",
        FIELD(compression)},
    {0},
};

const tow_option tow_connect_reconnect_rows[] = {
    {.group = "A lost connection",
        .name = "reconnect",
        .kind = TOW_OPTION_FLAG,
        .help =
            "connect again when the connection is lost, after a random time of up to a second, which "
            "doubles up to 30 for each attempt in a row; a clean close with 1000 or no status code is the "
            "end, and so is a refusal that would come again; input that comes meanwhile waits",
        FIELD(reconnect)},
    {0},
};

const tow_option tow_connect_session_rows[] = {
    {.group = "Messages",
        .letter = 'x',
        .name = "execute",
        .kind = TOW_OPTION_LIST,
        .value = "MESSAGE",
        .help = "send this message, print the answer, leave; several are sent one after the other's answer",
        FIELD(messages)},
    {.name = "half-close",
        .kind = TOW_OPTION_FLAG,
        .help = "at the end of the input send the Close, and print what comes until the peer's: so the "
                "input's end is passed on to a command behind a tunnel",
        FIELD(half_close)},
    {.name = "echo",
        .kind = TOW_OPTION_FLAG,
        .help = "answer every message with itself until the peer closes; read no input",
        FIELD(echo)},
    {.name = "binary",
        .letter = 'b',
        .kind = TOW_OPTION_FLAG,
        .help = "send binary messages: what -x says, a line typed, or the input of a pipe in the pieces in "
                "which it comes",
        FIELD(binary)},
    {.name = "output",
        .letter = 'O',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .help = "append the payloads of binary messages to this file instead of printing them",
        FIELD(output)},
    {.name = "max-message",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16M",
        .off = "no limit",
        .help = "of a message, after inflation; a larger one closes with 1009",
        .minimum = 1,
        FIELD(max_message)},
    {.group = "Time",
        .name = "max-time",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .fallback = "off",
        .off = "no limit",
        .help = "leave after this time, with exit status 28",
        FIELD(max_time)},
    {.name = "linger",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .note = "until as many messages came as were sent, a second after the last at most",
        .unset = TOW_LINGER_FOR_ANSWERS,
        .off = "when the peer closes",
        .help = "after the end of the input, leave when nothing came for this long; if then fewer messages "
                "came than were sent, that is told, unless this is 0, and the exit status is 121",
        FIELD(linger)},
    {.name = "ping",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .fallback = "off",
        .off = "no pings",
        .help = "send a Ping this often; -v shows the round trips",
        .maximum = TOW_OPTION_DAY,
        FIELD(ping)},
    {.group = "What is shown",
        .name = "verbose",
        .letter = 'v',
        .kind = TOW_OPTION_FLAG,
        .help = "show the opening handshake, what TLS agreed on, pings and pongs",
        FIELD(verbose)},
    {0},
};

static const tow_option_section sections[] = {
    {.options = tow_way_head_rows},
    {.options = compression_rows},
    {.options = tow_way_rows},
    {.options = tow_way_fallback_rows},
    {.options = tow_way_tls_rows},
    {.options = tow_way_identity_rows},
    {.options = tow_connect_reconnect_rows},
    {.options = tow_connect_session_rows},
    {0},
};

static const char *const description[] = {
    "Opens a WebSocket connection. On a terminal, each line typed is sent as a text message, with editing "
    "and history; what comes is shown "
    "as it comes. In a pipe, each line of the input is a message and the payloads that come are the output; "
    "what there is to say besides goes to "
    "standard error.",
    "URL is ws:// or wss://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY]; http:// and https:// are taken for "
    "these "
    "two, and ws:// is assumed where there is nothing. User and password are sent as Basic authentication.",
    "On a terminal, lines that begin with a slash are commands: /ping, /close [CODE [REASON]], /binary FILE, "
    "/help; // sends a line that begins with a slash. "
    "The exit status is 0 after a clean close with 1000, 1001, no status code or the one that you chose; "
    "else it tells kinds of failure apart by curl's numbers, which towline(1) lists.",
    "With --reconnect a message that was sent when the connection was lost may be lost with it; what -x asks "
    "is "
    "asked again when its answer did not come. Input waits in its pipe while there is no connection.",
    NULL,
};

static const char *const examples[] = {
    "towline connect ws://localhost:9998/echo",
    "talk to a server",
    "echo hello | towline connect localhost:9998/echo",
    "send a line, print what comes back",
    "towline connect -x '{\"op\":\"ping\"}' -v ws://localhost:9998/echo",
    "one question, one answer, and the handshake in full",
    "towline connect -v --cacert authority.pem wss://localhost:9998/echo",
    "over TLS, trusting an authority of your own, and what TLS agreed on",
    "towline connect --linger off ws://localhost:9998/news </dev/null",
    "print what comes until the server closes",
    "towline connect --fallback --reconnect wss://example.org/chat",
    "where a proxy does not let WebSocket through",
    NULL,
};

const tow_command tow_connect_command = {.name = "connect",
    .operands = "URL",
    .operands_minimum = 1,
    .operands_maximum = 1,
    .summary = "talk to a WebSocket server, from a terminal or a pipe",
    .description = description,
    .examples = examples,
    .sections = sections,
    .settings_size = sizeof(tow_connect_settings),
    .run = tow_connect};
