/* session_channel: `towline subscribe`: envelopes of towline.v1 come, and what they say is shown. The last
 * position is where the next connection goes on. */
#include "session.h"

#include "base/base64.h"
#include "base/json.h"
#include "client/client.h"
#include "hub/position.h"

#include <string.h>
#include <towline/error.h>

enum { WORD_MAX = 200 };

/* A server that does not know it sends messages as they are. */
static bool has_envelopes(const tow_session *session) {
    return strcmp(tow_websocket_protocol(session->socket), TOW_CHANNEL_PROTOCOL) == 0;
}

static void show_and_count(tow_session *session, const tow_message *message) {
    if (tow_session_show(session, message) && ++session->came == (uint64_t)session->settings->count)
        tow_session_leave(session, 1000, NULL);
}

static void not_understood(tow_session *session) {
    tow_view_error(&session->view, "what the server says is not understood");
    tow_session_fail(session, TOW_EXIT_PROTOCOL);
}

/* What a member says that is a string, cut where it is long; "" if there is none. */
static const char *word_of(tow_slice envelope, const char *name, char word[WORD_MAX + 1]) {
    tow_buffer text = {0};
    tow_slice value;
    word[0] = '\0';
    if (tow_json_member(envelope, name, &value) && tow_json_type_of(value) == TOW_JSON_STRING &&
        tow_json_unescape(&text, value) == 0 && text.length > 0) {
        size_t length = text.length < WORD_MAX ? text.length : WORD_MAX;
        memcpy(word, text.data, length);
        word[length] = '\0';
    }
    tow_buffer_clear(&text);
    return word;
}

/* Positions. */

/* It goes into a URL: what is none is none. */
static void note_position(tow_session *session, tow_slice envelope) {
    char word[WORD_MAX + 1];
    tow_position position;
    if (tow_position_read(&position, tow_slice_from(word_of(envelope, "position", word))) == 0)
        tow_position_write(session->position, &position);
}

/* Where it goes on, or "". */
static const char *since_of(const tow_session *session) {
    if (session->position[0] == '\0' && session->settings->since != NULL)
        return session->settings->since;
    return session->position;
}

int tow_session_go_on_from(const tow_session *session) {
    const char *url = tow_way_url(session->way);
    tow_buffer next = {0};
    if (session->position[0] == '\0')
        return 0;
    int error = tow_buffer_append_format(
        &next, "%.*s?since=%s%c", (int)strcspn(url, "?"), url, session->position, '\0');
    if (error == 0)
        error = tow_client_set_url(session->reconnector, (const char *)next.data);
    tow_buffer_clear(&next);
    return error;
}

/* What the server says. */

static void take_subscribed(tow_session *session, tow_slice envelope) {
    const char *since = since_of(session);
    bool goes_on = since[0] != '\0';
    tow_slice whole;
    bool is_gone =
        goes_on && tow_json_member(envelope, "whole", &whole) && tow_json_type_of(whole) == TOW_JSON_FALSE;
    if (is_gone) {
        tow_view_error(&session->view, "messages are missing: not all that came after %s is kept", since);
        tow_session_note(session, TOW_EXIT_MISSING);
    }
    if (!goes_on || is_gone) /* else the first of what was missed is its own */
        note_position(session, envelope);
    if (session->settings->verbose)
        tow_view_notice(
            &session->view, "subscribed%s%s", session->position[0] != '\0' ? ", at " : "", session->position);
}

static void take_gap(tow_session *session, tow_slice envelope) {
    tow_slice value;
    int64_t count;
    if (tow_json_member(envelope, "count", &value) && tow_json_integer(value, &count) == 0)
        tow_view_error(&session->view, "messages are missing: %lld", (long long)count);
    else
        tow_view_error(&session->view, "messages are missing");
    note_position(session, envelope);
    tow_session_note(session, TOW_EXIT_MISSING);
}

static int string_read(tow_buffer *out, tow_slice value) {
    return tow_json_type_of(value) == TOW_JSON_STRING ? tow_json_unescape(out, value) : TOW_ERROR_ARGUMENT;
}

/* "POSITION TEXT", or what the message is. */
static int message_read(
    const tow_session *session, tow_slice envelope, tow_buffer *data, tow_message_type *type) {
    char position[WORD_MAX + 1];
    tow_slice value;
    *type = TOW_TEXT;
    if (tow_json_member(envelope, "base64", &value)) {
        tow_buffer text = {0};
        *type = TOW_BINARY;
        int error = string_read(&text, value);
        if (error == 0)
            error = tow_buffer_reserve(data, text.length);
        if (error == 0 &&
            !tow_base64_read(data->data, &data->length, (tow_slice){(const char *)text.data, text.length}))
            error = TOW_ERROR_ARGUMENT;
        tow_buffer_clear(&text);
        return error;
    }
    if (!tow_json_member(envelope, "data", &value))
        return TOW_ERROR_ARGUMENT;
    int error = 0;
    if (session->settings->positions)
        error = tow_buffer_append_format(data, "%s ", word_of(envelope, "position", position));
    return error != 0 ? error : string_read(data, value);
}

static void take_message(tow_session *session, tow_slice envelope) {
    tow_buffer data = {0};
    tow_message message = {.type = TOW_TEXT, .data = envelope.data, .length = envelope.length};
    if (!session->settings->envelopes) {
        if (message_read(session, envelope, &data, &message.type) != 0) {
            tow_buffer_clear(&data);
            not_understood(session);
            return;
        }
        message.data = data.length > 0 ? (const void *)data.data : "";
        message.length = data.length;
    }
    note_position(session, envelope);
    show_and_count(session, &message);
    tow_buffer_clear(&data);
}

/* It goes on where it was, by the name that the channel has. Errors: those of sending. */
static int subscribe_again(tow_session *session, tow_slice envelope) {
    tow_slice channel;
    tow_buffer text = {0};
    if (!tow_json_member(envelope, "channel", &channel))
        return TOW_ERROR_ARGUMENT;
    int error = tow_buffer_append_format(&text, "{\"type\":\"subscribe\",\"channel\":%.*s,\"since\":\"%s\"}",
        (int)channel.length, channel.data, since_of(session));
    int64_t sent = error != 0 ? error : tow_websocket_send(session->socket, TOW_TEXT, text.data, text.length);
    tow_buffer_clear(&text);
    return sent < 0 ? (int)sent : 0;
}

static void take_ended(tow_session *session, tow_slice envelope) {
    char code[WORD_MAX + 1];
    word_of(envelope, "code", code);
    bool may_come_again = strcmp(code, "slow") == 0 || strcmp(code, "lost") == 0;
    tow_view_error(&session->view, "the subscription has ended: %s", code);
    if (session->reconnector == NULL || !may_come_again || since_of(session)[0] == '\0' ||
        subscribe_again(session, envelope) != 0)
        tow_session_fail(session, TOW_EXIT_CLOSE_CODE);
}

static void take_error(tow_session *session, tow_slice envelope) {
    char code[WORD_MAX + 1], reason[WORD_MAX + 1];
    word_of(envelope, "code", code);
    word_of(envelope, "reason", reason);
    tow_view_error(&session->view, "not subscribed: %s%s%s", code, reason[0] != '\0' ? ", " : "", reason);
    tow_session_fail(session, TOW_EXIT_CLOSE_CODE);
}

static const struct {
    const char *type;
    void (*take)(tow_session *session, tow_slice envelope);
} kinds[] = {
    {"message", take_message},
    {"subscribed", take_subscribed},
    {"gap", take_gap},
    {"ended", take_ended},
    {"error", take_error},
};

static void take(tow_session *session, tow_slice envelope) {
    char type[WORD_MAX + 1];
    word_of(envelope, "type", type);
    if (session->settings->envelopes && strcmp(type, "message") != 0) {
        const tow_message message = {.type = TOW_TEXT, .data = envelope.data, .length = envelope.length};
        if (!tow_session_show(session, &message))
            return;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            kinds[i].take(session, envelope);
}

void tow_session_hear(tow_session *session, const tow_message *message) {
    tow_slice envelope;
    if (!has_envelopes(session))
        show_and_count(session, message);
    else if (message->type == TOW_TEXT &&
             tow_json_read((tow_slice){message->data, message->length}, &envelope) == 0 &&
             tow_json_type_of(envelope) == TOW_JSON_OBJECT)
        take(session, envelope);
    else
        not_understood(session);
}
