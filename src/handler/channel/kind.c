#include "door.h"
#include "plain.h"
#include "poll.h"
#include "stream.h"
#include "talk.h"
#include "visit.h"

#include "reply.h"
#include "server/entrance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_channel_door_settings, member)

/* WebSocket: by the subprotocol many channels, else one. */

static int select_protocol(const tow_request *request, const char *const *offered, size_t count) {
    static const char *const known[] = {TOW_TALK_PROTOCOL, "authorization"}; /* which stands beside a token */
    (void)request;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        for (size_t j = 0; j < count; j++)
            if (strcmp(known[i], offered[j]) == 0)
                return (int)j;
    return -1;
}

static bool is_talk(const tow_websocket *socket) {
    return strcmp(tow_websocket_protocol(socket), TOW_TALK_PROTOCOL) == 0;
}

static void on_open(tow_websocket *socket) {
    if (is_talk(socket))
        tow_talk_begin(socket);
    else
        tow_plain_begin(socket);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    if (is_talk(socket))
        tow_talk_take(socket, message);
    else
        tow_plain_take(socket, message);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    (void)event;
    if (is_talk(socket))
        tow_talk_end(socket);
    else
        tow_plain_end(socket);
}

/* HTTP: what the client accepts decides. */

static void refuse_method(tow_exchange *exchange) {
    static const tow_header_field allowed = {"Allow", "GET, HEAD, OPTIONS"};
    tow_reply_status(exchange, tow_reply_fields(exchange, &allowed, 1) == 0 ? 405 : 503);
}

/* Before a request of a page of another origin that has fields of its own (Fetch Standard, section 4.8). */
static void answer_preflight(tow_exchange *exchange) {
    static const tow_header_field fields[] = {{"Allow", "GET, HEAD, OPTIONS"},
        {"Access-Control-Allow-Methods", "GET"},
        {"Access-Control-Allow-Headers", "Authorization, Last-Event-ID"}, {"Access-Control-Max-Age", "600"}};
    if (tow_reply_fields(exchange, fields, sizeof(fields) / sizeof(fields[0])) != 0)
        tow_reply_status(exchange, 503);
    else
        tow_exchange_respond(exchange, 204, NULL, NULL, 0);
}

static bool accepts_events(const tow_request *request) {
    const char *accept = tow_request_header(request, "Accept");
    return accept != NULL && strcasestr(accept, "text/event-stream") != NULL;
}

/* Of what a GET would be answered the length is not known before. */
static void answer_head(tow_exchange *exchange, const tow_request *request) {
    const char *type = accepts_events(request) ? "text/event-stream" : "application/json";
    if (tow_exchange_begin(exchange, 200, type, TOW_LENGTH_UNKNOWN) != 0 || tow_exchange_end(exchange) != 0)
        tow_exchange_reset(exchange);
}

static void on_request(tow_exchange *exchange, const tow_request *request) {
    tow_visit *visit = tow_request_user(request);
    const char *method = tow_request_method(request);
    bool is_get = strcmp(method, "GET") == 0;
    if (is_get && visit->length > 0 && accepts_events(request)) {
        tow_stream_begin(exchange, request, visit);
        return;
    }
    if (is_get && visit->length > 0) {
        tow_poll_begin(exchange, request, visit);
        return;
    }
    if (strcmp(method, "OPTIONS") == 0)
        answer_preflight(exchange);
    else if (is_get)
        tow_reply_status(exchange, 404);
    else if (strcmp(method, "HEAD") == 0)
        answer_head(exchange, request);
    else
        refuse_method(exchange);
    tow_visit_end(visit);
}

/* The kind. */

static const char *complaint_of(const char *name, bool below) {
    const tow_slice given = tow_slice_from(name);
    if (given.length > 0 && name[given.length - 1] == '*')
        return "leave the asterisk away: a path with /* at its end stands for all names that begin so";
    if (below && given.length > 0 && !tow_channel_prefix_is_valid(given))
        return "no channel's name can begin so";
    if (!below && given.length == 0)
        return "say which: the name of a channel, or a path with /* at its end for many";
    return !below && !tow_channel_name_is_valid(given) ? "no channel can have such a name" : NULL;
}

static size_t most_subscriptions(const tow_channels *channels) {
    int given = channels != NULL ? channels->max_subscriptions : 0;
    return given == TOW_OFF ? SIZE_MAX : given != 0 ? (size_t)given : TOW_TALK_CHANNELS_MAX;
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_channel_door_settings *given = settings;
    const char *name = given->name != NULL ? given->name : "";
    size_t path_length = place->path != NULL ? strlen(place->path) : 0;
    bool below = path_length > 0 && place->path[path_length - 1] == '*';
    const char *complaint = complaint_of(name, below);
    tow_door *door = complaint == NULL ? calloc(1, sizeof(*door) + strlen(name) + 1) : NULL;
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", complaint != NULL ? complaint : tow_strerror(TOW_ERROR_MEMORY));
    if (door == NULL)
        return complaint != NULL ? TOW_ERROR_ARGUMENT : TOW_ERROR_MEMORY;
    door->keeper = place->channels != NULL ? place->channels->keeper : NULL;
    door->log = place->log;
    door->max_subscriptions = most_subscriptions(place->channels);
    TOW_SERVER_METRICS(place->server, &door->metrics, TOW_DOOR_METRICS);
    door->path_length = below ? path_length - 1 : 0;
    door->length = strlen(name);
    memcpy(door->name, name, door->length);
    *handler = (tow_handler){.user = door,
        .on_select = select_protocol,
        .on_admit = tow_visit_admit,
        .on_open = on_open,
        .on_message = on_message,
        .on_close = on_close,
        .on_request = on_request};
    return 0;
}

static const tow_option rows[] = {
    {.name = "name",
        .kind = TOW_OPTION_TEXT,
        .value = "NAME",
        .note = "none",
        .help = "the channel; at a path that ends with /* what names of channels begin with, and the path "
                "below is "
                "the rest",
        FIELD(name)},
    {0},
};

const tow_handler_kind tow_channel_kind = {.name = "channel", .options = rows, .make = make, .free = free};
