#include "options.h"

#include "hub/name.h"

#include <string.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_socketio_settings, member)

static int check_namespace(const char *text) {
    return text[0] == '/' && strlen(text) <= 100 && strpbrk(text, ",?") == NULL &&
                   tow_channel_name_is_valid(tow_slice_from(text))
               ? 0
               : TOW_ERROR_ARGUMENT;
}

static int check_channel(const char *text) {
    const char *behind = strstr(text, TOW_SOCKETIO_PAIR);
    char name[128];
    size_t length = behind == NULL ? 0 : (size_t)(behind - text);
    if (length == 0 || length >= sizeof(name))
        return TOW_ERROR_ARGUMENT;
    memcpy(name, text, length);
    name[length] = '\0';
    tow_slice channel = tow_slice_from(behind + strlen(TOW_SOCKETIO_PAIR));
    return check_namespace(name) == 0 && channel.length <= 99 && tow_channel_name_is_valid(channel)
               ? 0
               : TOW_ERROR_ARGUMENT;
}

static int check_room(const char *text) {
    tow_slice room = tow_slice_from(text);
    return room.length <= 100 && tow_channel_name_is_valid(room) ? 0 : TOW_ERROR_ARGUMENT;
}

static int check_share(const char *text) {
    tow_slice name = tow_slice_from(text);
    if (name.length > 0 && name.data[name.length - 1] == '*')
        name.length--;
    return name.length <= 100 && tow_channel_name_is_valid(name) ? 0 : TOW_ERROR_ARGUMENT;
}

const tow_option tow_socketio_rows[] = {
    {.name = "namespaces",
        .kind = TOW_OPTION_LIST,
        .value = "NAMESPACE",
        .note = "/",
        .help = "namespaces that there are; others are refused",
        .expects = "a namespace: / or /NAME, of at most 100 bytes, without commas and question marks",
        .check = check_namespace,
        FIELD(namespaces)},
    {.name = "channels",
        .kind = TOW_OPTION_LIST,
        .value = "NAMESPACE: CHANNEL",
        .note = "socketio/NAME, of / socketio/main",
        .help = "the channel of all of a namespace, below which its rooms are",
        .expects = "a namespace, a colon with a space, and a channel of at most 99 bytes",
        .check = check_channel,
        .pair = TOW_SOCKETIO_PAIR,
        FIELD(channels)},
    {.name = "rooms",
        .kind = TOW_OPTION_LIST,
        .value = "ROOM",
        .note = "none",
        .help = "rooms that everybody is in from the first",
        .expects = "a room of at most 100 bytes of UTF-8 without control characters",
        .check = check_room,
        FIELD(rooms)},
    {.name = "share",
        .kind = TOW_OPTION_LIST,
        .value = "ROOM",
        .note = "none",
        .help =
            "a room, or all that begin with a text before an asterisk, that the other doors of this server "
            "know as the channel of the same name",
        .expects = "a room of at most 100 bytes, such as news, or chart-*",
        .check = check_share,
        FIELD(share)},
    {.name = "recovery-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .note = "off",
        .off = "no recovery",
        .help = "how long what a client misses is kept after its connection is lost",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(recovery_seconds)},
    {.name = "connect-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "45",
        .off = "no limit",
        .help = "in which a connection has to connect to a namespace; then it ends",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(connect_seconds)},
    {.name = "max-rooms",
        .kind = TOW_OPTION_NUMBER,
        .value = "NUMBER",
        .fallback = "1000",
        .help = "rooms that a client may be in",
        .minimum = 1,
        .maximum = 100000,
        FIELD(max_rooms)},
    {.name = "max-away",
        .kind = TOW_OPTION_NUMBER,
        .value = "NUMBER",
        .fallback = "10000",
        .help = "clients, in a namespace each, that are kept for their return; of more nobody is",
        .minimum = 1,
        .maximum = 10000000,
        .only_with = "recovery-seconds",
        FIELD(max_away)},
    {0},
};
