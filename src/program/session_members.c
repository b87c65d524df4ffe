/* session_members: `towline subscribe --presence`: who is there, comes and goes, a line of standard error
 * each. */
#include "session.h"

#include "base/json.h"
#include "json_word.h"

#include <stdarg.h>

void tow_session_tell_member(tow_session *session, const char *what, tow_slice member) {
    char word[TOW_JSON_WORD_SIZE];
    tow_slice user = {0}, info = {0};
    if (session->settings->envelopes)
        return; /* they were shown whole */
    tow_json_member(member, "user", &user);
    bool has_info = tow_json_member(member, "info", &info);
    tow_view_notice(&session->view, "%s: %s%s%.*s", what, tow_json_word(user, word), has_info ? " " : "",
        (int)info.length, has_info ? info.data : "");
}

int tow_session_say(tow_session *session, const char *format, ...) {
    tow_buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    int error = tow_buffer_append_format_list(&text, format, arguments);
    va_end(arguments);
    int64_t sent = error != 0 ? error : tow_websocket_send(session->socket, TOW_TEXT, text.data, text.length);
    tow_buffer_clear(&text);
    return sent < 0 ? (int)sent : 0;
}

/* Behind the last that an answer has there may be more. */
static void ask_on(tow_session *session, tow_slice answer, tow_slice last) {
    tow_slice more, channel;
    if (last.length > 0 && tow_json_member(answer, "more", &more) &&
        tow_json_type_of(more) == TOW_JSON_TRUE && tow_json_member(answer, "channel", &channel))
        tow_session_say(session, "{\"type\":\"presence\",\"id\":1,\"channel\":%.*s,\"after\":%.*s}",
            (int)channel.length, channel.data, (int)last.length,
            last.data); /* else the connection has ended */
}

void tow_session_tell_members(tow_session *session, tow_slice answer) {
    tow_slice members, name, member, last = {0};
    if (!tow_json_member(answer, "members", &members))
        return;
    for (tow_json_walk walk = tow_json_items(members); tow_json_next(&walk, &name, &member);) {
        tow_session_tell_member(session, "here", member);
        tow_json_member(member, "user", &last);
    }
    ask_on(session, answer, last);
}
