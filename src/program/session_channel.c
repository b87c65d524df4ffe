/* session_channel: `towline subscribe`: envelopes of towline.v1 come, and what they say is shown. The last
 * position is where the next connection goes on. */
#include "session.h"

#include "base/base64.h"
#include "base/json.h"
#include "client/client.h"
#include "hub/position.h"
#include "json_word.h"

#include <stddef.h>
#include <string.h>
#include <towline/error.h>

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

/* An envelope, and those of its members that are looked at; without a length: there is none. */
typedef struct said {
    tow_slice envelope, type, channel, position, data, base64, whole, count, code, reason, id;
} said;

static said said_read(tow_slice envelope) {
    static const struct {
        const char *name;
        size_t at;
    } members[] = {{"type", offsetof(said, type)}, {"channel", offsetof(said, channel)},
        {"position", offsetof(said, position)}, {"data", offsetof(said, data)},
        {"base64", offsetof(said, base64)}, {"whole", offsetof(said, whole)},
        {"count", offsetof(said, count)}, {"code", offsetof(said, code)}, {"reason", offsetof(said, reason)},
        {"id", offsetof(said, id)}};
    said all = {.envelope = envelope};
    tow_slice name, value;
    for (tow_json_walk walk = tow_json_items(envelope); tow_json_next(&walk, &name, &value);)
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
            if (tow_json_string_is(name, members[i].name))
                *(tow_slice *)(void *)((char *)&all + members[i].at) = value;
    return all;
}

static bool is_string(tow_slice value) {
    return value.length > 0 && tow_json_type_of(value) == TOW_JSON_STRING;
}

/* Positions. */

/* It goes into a URL: what is none is none. */
static void note_position(tow_session *session, const said *what) {
    char word[TOW_JSON_WORD_SIZE];
    tow_position position;
    if (tow_position_read(&position, tow_slice_from(tow_json_word(what->position, word))) == 0)
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
    int error = tow_buffer_append_format(&next, "%.*s?%ssince=%s%c", (int)strcspn(url, "?"), url,
        session->settings->presence ? "presence=true&" : "", session->position, '\0');
    if (error == 0)
        error = tow_client_set_url(session->reconnector, (const char *)next.data);
    tow_buffer_clear(&next);
    return error;
}

/* What the server says. */

static void take_subscribed(tow_session *session, const said *what) {
    const char *since = since_of(session);
    bool goes_on = since[0] != '\0';
    bool is_gone = goes_on && what->whole.length > 0 && tow_json_type_of(what->whole) == TOW_JSON_FALSE;
    if (is_gone) {
        tow_view_error(&session->view, "messages are missing: not all that came after %s is kept", since);
        tow_session_note(session, TOW_EXIT_MISSING);
    }
    if (!goes_on || is_gone) /* else the first of what was missed is its own */
        note_position(session, what);
    if (session->settings->verbose)
        tow_view_notice(
            &session->view, "subscribed%s%s", session->position[0] != '\0' ? ", at " : "", session->position);
    tow_session_tell_members(session, what->envelope);
}

static void take_members(tow_session *session, const said *what) {
    tow_session_tell_members(session, what->envelope);
}

static void take_joined(tow_session *session, const said *what) {
    tow_session_tell_member(session, "joined", what->envelope);
}

static void take_left(tow_session *session, const said *what) {
    tow_session_tell_member(session, "left", what->envelope);
}

static void take_gap(tow_session *session, const said *what) {
    int64_t count;
    if (what->count.length > 0 && tow_json_integer(what->count, &count) == 0)
        tow_view_error(&session->view, "messages are missing: %lld", (long long)count);
    else
        tow_view_error(&session->view, "messages are missing");
    note_position(session, what);
    tow_session_note(session, TOW_EXIT_MISSING);
}

static int string_read(tow_buffer *out, tow_slice value) {
    return is_string(value) ? tow_json_unescape(out, value) : TOW_ERROR_ARGUMENT;
}

static int bytes_read(tow_buffer *out, tow_slice value) {
    tow_buffer text = {0};
    int error = string_read(&text, value);
    if (error == 0)
        error = tow_buffer_reserve(out, text.length);
    if (error == 0 && text.length > 0 &&
        !tow_base64_read(out->data, &out->length, (tow_slice){(const char *)text.data, text.length}))
        error = TOW_ERROR_ARGUMENT;
    tow_buffer_clear(&text);
    return error;
}

/* "POSITION TEXT" where that is wanted. */
static int text_read(const tow_session *session, tow_buffer *out, const said *what) {
    char position[TOW_JSON_WORD_SIZE];
    int error = 0;
    if (session->settings->positions)
        error = tow_buffer_append_format(out, "%s ", tow_json_word(what->position, position));
    return error != 0 ? error : string_read(out, what->data);
}

static void take_message(tow_session *session, const said *what) {
    tow_buffer data = {0};
    tow_message message = {.type = what->base64.length > 0 ? TOW_BINARY : TOW_TEXT};
    int error =
        message.type == TOW_BINARY ? bytes_read(&data, what->base64) : text_read(session, &data, what);
    if (error != 0) {
        tow_buffer_clear(&data);
        not_understood(session);
        return;
    }
    message.data = data.length > 0 ? (const void *)data.data : "";
    message.length = data.length;
    note_position(session, what);
    show_and_count(session, &message);
    tow_buffer_clear(&data);
}

/* It goes on where it was, by the name that the channel has. Errors: those of sending. */
static int subscribe_again(tow_session *session, tow_slice channel) {
    if (!is_string(channel))
        return TOW_ERROR_ARGUMENT;
    return tow_session_say(session, "{\"type\":\"subscribe\",\"channel\":%.*s,\"since\":\"%s\"%s}",
        (int)channel.length, channel.data, since_of(session),
        session->settings->presence ? ",\"presence\":true" : "");
}

static void take_ended(tow_session *session, const said *what) {
    char code[TOW_JSON_WORD_SIZE];
    tow_json_word(what->code, code);
    bool may_come_again = strcmp(code, "slow") == 0 || strcmp(code, "lost") == 0;
    tow_view_error(&session->view, "the subscription has ended: %s", code);
    if (session->reconnector == NULL || !may_come_again || since_of(session)[0] == '\0' ||
        subscribe_again(session, what->channel) != 0)
        tow_session_fail(session, TOW_EXIT_CLOSE_CODE);
}

static void take_error(tow_session *session, const said *what) {
    char code[TOW_JSON_WORD_SIZE], reason[TOW_JSON_WORD_SIZE];
    tow_json_word(what->code, code);
    tow_json_word(what->reason, reason);
    bool is_of_members = what->id.length > 0; /* no other question has one */
    tow_view_error(&session->view, "%s: %s%s%s",
        is_of_members ? "not all are told who are here" : "not subscribed", code,
        reason[0] != '\0' ? ", " : "", reason);
    if (!is_of_members)
        tow_session_fail(session, TOW_EXIT_CLOSE_CODE);
}

static const struct {
    const char *type;
    void (*take)(tow_session *session, const said *what);
} kinds[] = {
    {"subscribed", take_subscribed},
    {"presence", take_members},
    {"joined", take_joined},
    {"left", take_left},
    {"gap", take_gap},
    {"ended", take_ended},
    {"error", take_error},
};

/* As it is: who reads it knows more. Returns whether it is shown. */
static bool show_whole(tow_session *session, const said *what) {
    const tow_message message = {
        .type = TOW_TEXT, .data = what->envelope.data, .length = what->envelope.length};
    if (tow_json_string_is(what->type, "message")) {
        note_position(session, what);
        show_and_count(session, &message);
        return true;
    }
    return tow_session_show(session, &message);
}

static void take(tow_session *session, const said *what) {
    if (session->settings->envelopes && !show_whole(session, what))
        return;
    if (!session->settings->envelopes && tow_json_string_is(what->type, "message"))
        take_message(session, what);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (tow_json_string_is(what->type, kinds[i].type))
            kinds[i].take(session, what);
}

void tow_session_hear(tow_session *session, const tow_message *message) {
    tow_slice envelope;
    if (!has_envelopes(session)) {
        show_and_count(session, message);
        return;
    }
    if (message->type == TOW_TEXT &&
        tow_json_read((tow_slice){message->data, message->length}, &envelope) == 0) {
        const said what = said_read(envelope);
        if (is_string(what.type)) {
            take(session, &what);
            return;
        }
    }
    not_understood(session);
}
