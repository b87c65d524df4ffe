#include "option_table.h"

#include "hub/published.h"
#include "publish_settings.h"
#include "way_options.h"

#include <stddef.h>
#include <string.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_publish_command_settings, member)

static int check_event(const char *text) {
    return text[0] != '\0' && strlen(text) <= TOW_EVENT_MAX ? 0 : TOW_ERROR_ARGUMENT;
}

static int check_key(const char *text) {
    return text[0] != '\0' && strlen(text) <= TOW_KEY_MAX ? 0 : TOW_ERROR_ARGUMENT;
}

static const tow_option rows[] = {
    {.group = "What is published",
        .name = "event",
        .letter = 'e',
        .kind = TOW_OPTION_TEXT,
        .value = "NAME",
        .fallback = "message",
        .help = "the event's name, for clients that have such",
        .expects = "a name of at most 200 bytes",
        .check = check_event,
        FIELD(event)},
    {.name = "about",
        .kind = TOW_OPTION_TEXT,
        .value = "KEY",
        .note = "none",
        .help = "what it is about: a slow subscriber may get only the latest about each",
        .expects = "a text of at most 200 bytes",
        .check = check_key,
        FIELD(key)},
    {.name = "json",
        .kind = TOW_OPTION_FLAG,
        .help =
            "each is a value of JSON: clients of Socket.IO, and who asks for ?history, get it as that value, "
            "others as its text",
        FIELD(json)},
    {.name = "binary",
        .letter = 'b',
        .kind = TOW_OPTION_FLAG,
        .help = "DATA, or the input as a whole, is one binary message",
        .not_with = "json",
        FIELD(binary)},
    {.group = "The server",
        .name = "publish-key",
        .letter = 'k',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "publish.key in $STATE_DIRECTORY, or in towline in $XDG_STATE_HOME",
        .help =
            "the file whose first line is the key that the server wants; without it the one that a server of "
            "the same user has made",
        .path = TOW_OPTION_PATH,
        FIELD(secret)},
    {.name = "verbose",
        .letter = 'v',
        .kind = TOW_OPTION_FLAG,
        .help = "say how many were published",
        FIELD(verbose)},
    {0},
};

static const tow_option_change head_changes[] = {
    {.name = "subprotocol", .left_out = true},
    {.name = "origin", .left_out = true},
    {.name = "header", .group = "The requests"},
    {0},
};

static const tow_option_section sections[] = {
    {.options = rows},
    {.options = tow_way_head_rows,
        .base = offsetof(tow_publish_command_settings, way),
        .changes = head_changes},
    {.options = tow_way_rows, .base = offsetof(tow_publish_command_settings, way)},
    {.options = tow_way_tls_rows, .base = offsetof(tow_publish_command_settings, way)},
    {.options = tow_way_identity_rows, .base = offsetof(tow_publish_command_settings, way)},
    {0},
};

static const char *const description[] = {
    "Publishes to a channel of a server: DATA, or else each line of standard input, in their order. Nothing "
    "is published twice, and a server that has too much to do is asked again.",
    "URL is the server's, such as http://localhost:9998; a path in it is where the server takes "
    "publications, instead of /publish/. The exit status is 0 when all is published, 22 when the server "
    "refuses, and else that of 'towline connect'; then standard error says which lines were not published, "
    "or perhaps not. An interrupt ends the input, and a second one waits for nothing more.",
    NULL,
};

static const char *const examples[] = {
    "towline publish http://localhost:9998 news hello",
    "one text to all who are subscribed to the channel news",
    "tail -f access.log | towline publish https://example.org log --publish-key key",
    "each line, as it comes",
    NULL,
};

const tow_command tow_publish_command = {.name = "publish",
    .operands = "URL CHANNEL [DATA]",
    .operands_minimum = 2,
    .operands_maximum = 3,
    .summary = "publish to a channel",
    .description = description,
    .examples = examples,
    .sections = sections,
    .settings_size = sizeof(tow_publish_command_settings),
    .run = tow_publish_command_run};
