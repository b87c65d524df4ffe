#include "app.h"
#include "handler/pusher.h"
#include "hook_queue.h"
#include "http_url.h"

#include <string.h>
#include <towline/error.h>
#include <towline/message.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_pusher_settings, member)

enum { MANY = 1000000000 };

static int word_check(const char *text, size_t max) {
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const size_t length = strlen(text);
    return length > 0 && length <= max && strspn(text, characters) == length ? 0 : TOW_ERROR_ARGUMENT;
}

static int id_check(const char *text) {
    return word_check(text, TOW_PUSHER_ID_MAX);
}

static int key_check(const char *text) {
    return word_check(text, TOW_PUSHER_KEY_MAX);
}

/* A name, or its beginning with an asterisk. */
static int share_check(const char *text) {
    const size_t length = strlen(text);
    const size_t plain = length > 0 && text[length - 1] == '*' ? length - 1 : length;
    return plain > 0 && text[0] != '#' &&
                   tow_pusher_channel_name_read((tow_slice){text, plain}).access != TOW_PUSHER_INVALID
               ? 0
               : TOW_ERROR_ARGUMENT;
}

static int event_check(const char *text) {
    for (tow_pusher_hook_type type = 0; type < TOW_PUSHER_HOOK_TYPES; type++)
        if (strcmp(text, tow_pusher_hook_name(type)) == 0)
            return 0;
    return TOW_ERROR_ARGUMENT;
}

const tow_option tow_pusher_rows[] = {
    {.name = "id",
        .kind = TOW_OPTION_TEXT,
        .value = "ID",
        .note = "none",
        .help = "the app's number, by which its servers name it",
        .expects = "1 to 20 letters, digits, - and _",
        .check = id_check,
        FIELD(id)},
    {.name = "key",
        .kind = TOW_OPTION_TEXT,
        .value = "KEY",
        .note = "none",
        .help = "by which its clients name it",
        .expects = "1 to 64 letters, digits, - and _",
        .check = key_check,
        FIELD(key)},
    {.name = "secret",
        .kind = TOW_OPTION_TEXT,
        .path = TOW_OPTION_PATH,
        .is_secret = true,
        .value = "FILE",
        .note = "none",
        .help = "a file with the secret that its servers sign with",
        FIELD(secret)},
    {.name = "client-events",
        .kind = TOW_OPTION_FLAG,
        .help = "its clients may send events to each other, in private and presence channels",
        FIELD(client_events)},
    {.name = "max-client-events",
        .kind = TOW_OPTION_NUMBER,
        .value = "NUMBER",
        .fallback = "10",
        .help = "of a connection in a second; more: error 4301",
        .minimum = 1,
        .maximum = 1000,
        .only_with = "client-events",
        FIELD(max_client_events)},
    {.name = "subscription-counts",
        .kind = TOW_OPTION_FLAG,
        .help = "subscribers of channels without presence are told how many they are",
        FIELD(subscription_counts)},
    {.name = "max-connections",
        .kind = TOW_OPTION_NUMBER,
        .value = "NUMBER",
        .fallback = "off",
        .unset = TOW_OFF,
        .off = "no limit but the server's",
        .help = "of its clients; more: 4004",
        .minimum = 1,
        .maximum = MANY,
        FIELD(max_connections)},
    {.name = "max-channels",
        .kind = TOW_OPTION_NUMBER,
        .value = "NUMBER",
        .fallback = "1000",
        .help = "that a connection may be subscribed to",
        .minimum = 1,
        .maximum = MANY,
        FIELD(max_channels)},
    {.name = "max-members",
        .kind = TOW_OPTION_NUMBER,
        .value = "NUMBER",
        .fallback = "100",
        .help = "users in a presence channel",
        .minimum = 1,
        .maximum = 10000,
        FIELD(max_members)},
    {.name = "activity-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "120",
        .help = "of silence until a ping; without an answer in 30 seconds: 4201",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(activity_seconds)},
    {.name = "authorize-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "off",
        .unset = TOW_OFF,
        .off = "nobody has to",
        .help = "in which a client signs in, or joins a private or presence channel; else: 4009",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(authorize_seconds)},
    {.name = "cache-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "1800",
        .help = "that a cache channel keeps its last event",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(cache_seconds)},
    {.name = "share",
        .kind = TOW_OPTION_LIST,
        .value = "CHANNEL",
        .note = "none",
        .help = "a channel, or all that begin with a text before an asterisk, that the other doors of this "
                "server know by the same name",
        .expects = "the name of a channel, such as news, or chart-*",
        .check = share_check,
        FIELD(share)},
    {.name = "webhook",
        .kind = TOW_OPTION_LIST,
        .value = "URL",
        .note = "none",
        .help = "who is told what happens in channels",
        .expects = "a URL such as https://example.org/pusher",
        .check = tow_http_url_check,
        FIELD(webhooks)},
    {.name = "webhook-events",
        .kind = TOW_OPTION_LIST,
        .value = "EVENT",
        .note = "all",
        .help = "channel_occupied, channel_vacated, member_added, member_removed, client_event, cache_miss "
                "or subscription_count: what is told",
        .expects = "the name of an event such as channel_occupied",
        .check = event_check,
        .only_with = "webhook",
        FIELD(webhook_events)},
    {.name = "webhook-queue",
        .kind = TOW_OPTION_NUMBER,
        .value = "NUMBER",
        .fallback = "10000",
        .help = "events that may wait to be told to each of them, with 8 MiB at most; more are dropped",
        .minimum = 1,
        .maximum = 1000000,
        .only_with = "webhook",
        FIELD(webhook_queue)},
    {.name = "tls-only",
        .kind = TOW_OPTION_FLAG,
        .help = "clients without TLS are sent to it: 4000",
        FIELD(tls_only)},
    {.name = "disabled",
        .kind = TOW_OPTION_FLAG,
        .help = "nobody is let in: 4003, and 403 for its servers",
        FIELD(disabled)},
    {0},
};
