#include "talk.h"

#include "codes.h"
#include "envelope_write.h"
#include "query.h"
#include "request.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* What the hub says of a subscription. */

static int members_write(tow_buffer *out, const tow_subscribed *what) {
    size_t count = what->member_count < TOW_TALK_MEMBERS_MAX ? what->member_count : TOW_TALK_MEMBERS_MAX;
    int error = tow_buffer_append_text(out, ",\"members\":[");
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = tow_buffer_append_text(out, i > 0 ? "," : "");
        if (error == 0)
            error = tow_envelope_write_member(out, what->members[i].user, what->members[i].info);
    }
    if (error == 0)
        error = tow_buffer_append_text(out, "]");
    return error != 0 || count == what->member_count ? error : tow_envelope_add_flag(out, "more", true);
}

static int subscribed_write(tow_buffer *out, const tow_envelope *asked, const tow_subscribed *what) {
    int error = tow_envelope_begin(out, "subscribed", asked->id);
    if (error == 0)
        error = tow_envelope_add_text(out, "channel", asked->channel);
    if (error == 0)
        error = tow_envelope_add_position(out, &what->position);
    if (error == 0 && asked->since.length > 0)
        error = tow_envelope_add_flag(out, "whole", what->is_whole);
    if (error == 0 && asked->presence)
        error = members_write(out, what);
    return error != 0 ? error : tow_envelope_end(out);
}

static void subscribed(tow_websocket *socket, tow_slice channel, const tow_subscribed *what) {
    tow_talk *talk = tow_websocket_user(socket);
    tow_talk_request *request = tow_talk_request_find(talk, channel);
    tow_buffer out = {0};
    if (request == NULL)
        return;
    int error = subscribed_write(&out, &request->envelope, what);
    tow_talk_request_end(request);
    tow_talk_say(talk, &out, error);
}

static int gap_write(tow_buffer *out, tow_slice channel, const tow_gap *gap) {
    int error = tow_envelope_begin(out, "gap", (tow_slice){0});
    if (error == 0)
        error = tow_envelope_add_text(out, "channel", channel);
    if (error == 0 && gap->count > 0)
        error = tow_envelope_add_number(out, "count", (int64_t)gap->count);
    if (error == 0 && gap->position.number > 0)
        error = tow_envelope_add_position(out, &gap->position);
    return error != 0 ? error : tow_envelope_end(out);
}

static void missed(tow_websocket *socket, tow_slice channel, const tow_gap *gap) {
    tow_buffer out = {0};
    int error = gap_write(&out, channel, gap);
    tow_talk_say(tow_websocket_user(socket), &out, error);
}

static int ended_write(tow_buffer *out, tow_slice channel, tow_subscription_end why) {
    int error = tow_envelope_begin(out, "ended", (tow_slice){0});
    if (error == 0)
        error = tow_envelope_add_text(out, "channel", channel);
    if (error == 0)
        error = tow_envelope_add_text(out, "code", tow_slice_from(tow_end_code(why)));
    return error != 0 ? error : tow_envelope_end(out);
}

static void ended(tow_websocket *socket, tow_slice channel, tow_subscription_end why) {
    tow_talk *talk = tow_websocket_user(socket);
    tow_talk_request *request = tow_talk_request_find(talk, channel);
    tow_buffer out = {0};
    if (request != NULL) {
        tow_talk_complain(
            talk, request->envelope.id, channel, tow_end_code(why), "it can't be subscribed to");
        tow_talk_request_end(request);
        return;
    }
    int error = ended_write(&out, channel, why);
    tow_talk_say(talk, &out, error);
}

static int message_write(const tow_message_encoding *encoding, const tow_published *published,
    tow_buffer *out, tow_message_type *type) {
    (void)encoding;
    *type = TOW_TEXT;
    return tow_envelope_write_published(out, published);
}

static const tow_message_encoding envelopes = {.encoding = TOW_MESSAGE_ENCODING, .write = message_write};

static bool may_stay(tow_websocket *socket, tow_slice channel) {
    const tow_talk *talk = tow_websocket_user(socket);
    return tow_visit_known(talk->visit, channel) == TOW_CHANNEL_GRANTED;
}

static const tow_socket_subscriber subscriber = {.encoding = &envelopes.encoding,
    .subscribed = subscribed,
    .gap = missed,
    .ended = ended,
    .may_stay = may_stay};

/* Beginning and end. */

static void dismissed(tow_channel_guest *guest, tow_channel_dismissal why) {
    const tow_talk *talk = tow_visit_of_guest(guest)->owner;
    tow_dismissal_close(talk->socket, why);
}

/* A path that names a channel is as good as an envelope that does. */
static void subscribe_by_path(tow_talk *talk) {
    const tow_request *request = tow_websocket_request(talk->socket);
    const char *since = tow_request_parameter(request, "since");
    const char *presence = tow_request_parameter(request, "presence");
    long last = 0;
    tow_buffer out = {0};
    if (!tow_query_number(&last, request, "last", TOW_QUERY_LAST_MAX))
        last = -1; /* which is refused as an envelope's is, */
    int error = tow_envelope_begin(&out, "subscribe", (tow_slice){0});
    if (error == 0)
        error = tow_envelope_add_text(&out, "channel", tow_visit_channel(talk->visit));
    if (error == 0 && since != NULL)
        error = tow_envelope_add_text(&out, "since", tow_slice_from(since));
    if (error == 0 && last != 0)
        error = tow_envelope_add_number(&out, "last", last);
    if (error == 0 && presence != NULL) /* as is this */
        error = tow_envelope_add_value(
            &out, "presence", tow_slice_from(strcmp(presence, "true") == 0 ? "true" : "null"));
    if (error == 0)
        error = tow_envelope_end(&out);
    if (error == 0)
        tow_talk_request_take(talk, (tow_slice){(const char *)out.data, out.length});
    else
        tow_websocket_close(talk->socket, TOW_CLOSE_POLICY, tow_strerror(error));
    tow_buffer_clear(&out);
}

void tow_talk_begin(tow_websocket *socket) {
    tow_visit *visit = tow_websocket_user(socket);
    tow_talk *talk = calloc(1, sizeof(*talk));
    tow_websocket_set_user(socket, talk);
    if (talk == NULL) {
        tow_websocket_close(socket, TOW_CLOSE_TRY_AGAIN_LATER, tow_strerror(TOW_ERROR_MEMORY));
        tow_visit_end(visit);
        return;
    }
    *talk = (tow_talk){.socket = socket, .visit = visit, .subscriber = &subscriber};
    tow_ring_init(&talk->requests);
    visit->exchange = NULL;
    visit->owner = talk;
    visit->guest.on_dismissed = dismissed;
    if (visit->length > 0)
        subscribe_by_path(talk);
}

void tow_talk_take(tow_websocket *socket, const tow_message *message) {
    tow_talk *talk = tow_websocket_user(socket);
    if (message->type == TOW_BINARY)
        tow_websocket_close(socket, TOW_CLOSE_UNSUPPORTED_DATA, "envelopes are texts");
    else
        tow_talk_request_take(talk, (tow_slice){message->data, message->length});
}

void tow_talk_end(tow_websocket *socket) {
    tow_talk *talk = tow_websocket_user(socket);
    if (talk == NULL)
        return;
    while (!tow_ring_is_empty(&talk->requests))
        tow_talk_request_end((tow_talk_request *)(void *)talk->requests.next);
    tow_visit_end(talk->visit);
    free(talk);
}
