#include "channel_url.h"
#include "connect.h"
#include "exit_status.h"
#include "hub/name.h"
#include "hub/position.h"
#include "option_table.h"
#include "way_options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>

typedef struct subscribe_settings {
    tow_connect_settings connect;
    int64_t last;
} subscribe_settings;

/* An envelope with the largest publication that a server takes by default, all of it escaped. */
enum { LAST_MAX = 1000, MESSAGE_MAX = 128 << 20 };

static const char *const protocols[] = {TOW_CHANNEL_PROTOCOL, NULL};

#define FIELD(member) TOW_OPTION_FIELD(subscribe_settings, member)

static int check_position(const char *text) {
    tow_position position;
    return tow_position_read(&position, tow_slice_from(text));
}

static int url_make(tow_buffer *url, const tow_options *options) {
    const subscribe_settings *settings = options->settings;
    int error =
        tow_channel_url(url, "ws", options->operands[0], "/channel/", tow_slice_from(options->operands[1]));
    if (error != 0)
        return error;
    url->length--; /* the zero */
    error = tow_buffer_append_text(url, settings->connect.presence ? "?presence=true&" : "?");
    if (error == 0 && settings->connect.since != NULL)
        error = tow_buffer_append_format(url, "since=%s&", settings->connect.since);
    if (error == 0 && settings->last > 0)
        error = tow_buffer_append_format(url, "last=%d&", (int)settings->last);
    if (error == 0)
        url->data[url->length - 1] = '\0'; /* where the next one would begin */
    return error;
}

static int complain(const char *about, const char *why) {
    fprintf(stderr, "towline subscribe: %.200s: %s\n", about, why);
    return TOW_EXIT_USAGE;
}

static int subscribe(const tow_options *options) {
    const subscribe_settings *settings = options->settings;
    tow_connect_settings connect = settings->connect;
    tow_buffer url = {0};
    if (!tow_channel_name_is_valid(tow_slice_from(options->operands[1])))
        return complain(options->operands[1],
            "this is no name of a channel: 1 to 200 bytes of UTF-8 without control characters");
    int error = url_make(&url, options);
    if (error == TOW_ERROR_URL)
        return complain(options->operands[0],
            "name the server, http:// or https://HOST[:PORT], or the path of its channels, without a query");
    connect.only_listens = true;
    connect.protocols = protocols;
    connect.max_message = MESSAGE_MAX;
    connect.linger = TOW_OFF;
    int status = EXIT_FAILURE;
    if (error != 0)
        fprintf(stderr, "towline subscribe: %s\n", tow_strerror(error));
    else
        status = tow_connect_to(options, &connect, (const char *)url.data);
    tow_buffer_clear(&url);
    return status;
}

static const tow_option rows[] = {
    {.group = "What is printed",
        .name = "since",
        .kind = TOW_OPTION_TEXT,
        .value = "EPOCH:NUMBER",
        .note = "from now on",
        .help = "first what was published after this position, as far as the channel keeps it",
        .expects = "a position such as publishing and its history tell",
        .check = check_position,
        .not_with = "last",
        FIELD(connect.since)},
    {.name = "last",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "off",
        .off = "none",
        .help = "first so many of the messages that the channel keeps",
        .minimum = 1,
        .maximum = LAST_MAX,
        FIELD(last)},
    {.name = "presence",
        .kind = TOW_OPTION_FLAG,
        .help = "be a member, and tell on standard error who is here, has joined and has left, where the "
                "channel has presence",
        FIELD(connect.presence)},
    {.name = "positions",
        .kind = TOW_OPTION_FLAG,
        .help = "each text is printed behind its position and a space; binary messages are as they are",
        .not_with = "json",
        FIELD(connect.positions)},
    {.name = "json",
        .kind = TOW_OPTION_FLAG,
        .help = "print what the server says as it is, an object of JSON in each line: messages with their "
                "position, event, user and time, binary ones in base64, what is missing, and members",
        FIELD(connect.envelopes)},
    {.name = "count",
        .letter = 'n',
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "off",
        .off = "no limit",
        .help = "leave after so many messages",
        .minimum = 1,
        FIELD(connect.count)},
    {0},
};

/* Nothing is sent, and there is nothing else to listen for. */
static const tow_option_change session_changes[] = {
    {.name = "execute", .left_out = true},
    {.name = "half-close", .left_out = true},
    {.name = "echo", .left_out = true},
    {.name = "binary", .left_out = true},
    {.name = "max-message", .left_out = true},
    {.name = "linger", .left_out = true},
    {.name = "ping", .left_out = true},
    {0},
};

static const tow_option_change head_changes[] = {
    {.name = "subprotocol", .left_out = true}, /* it is ours */
    {0},
};

static const tow_option_change reconnect_changes[] = {
    {.name = "reconnect",
        .help = "connect again when the connection is lost, and go on behind the last message, as far as the "
                "channel keeps what was published meanwhile"},
    {0},
};

static const tow_option_section sections[] = {
    {.options = rows},
    {.options = tow_connect_session_rows,
        .base = offsetof(subscribe_settings, connect),
        .changes = session_changes},
    {.options = tow_connect_reconnect_rows,
        .base = offsetof(subscribe_settings, connect),
        .changes = reconnect_changes},
    {.options = tow_way_head_rows, .changes = head_changes},
    {.options = tow_way_rows},
    {.options = tow_way_fallback_rows},
    {.options = tow_way_tls_rows},
    {.options = tow_way_identity_rows},
    {0},
};

static const char *const description[] = {
    "Prints what is published to a channel, a line each, until it is interrupted.",
    "URL is the server's, such as http://localhost:9998; a path in it is where the server has its channels, "
    "instead of /channel/. When messages are missing, as with --since and after a lost connection where the "
    "channel does not keep them, that is told on standard error, and the exit status is 122; else it is that "
    "of 'towline connect'.",
    NULL,
};

static const char *const examples[] = {
    "towline subscribe http://localhost:9998 news",
    "what is published to the channel news",
    "towline subscribe --presence http://localhost:9998 room",
    "and who is in the room",
    "towline subscribe --count 1 --bearer \"$TOKEN\" wss://example.org room/7",
    "the next message of a channel that wants a token",
    NULL,
};

const tow_command tow_subscribe_command = {.name = "subscribe",
    .operands = "URL CHANNEL",
    .operands_minimum = 2,
    .operands_maximum = 2,
    .summary = "print what is published to a channel",
    .description = description,
    .examples = examples,
    .sections = sections,
    .settings_size = sizeof(subscribe_settings),
    .run = subscribe};
