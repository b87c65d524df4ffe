#include "visitor.h"

#include "base/json.h"
#include "server/channels.h"
#include "socketio/parts.h"
#include "websocket/websocket.h"
#include "wish.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

static const tow_channel_keeper *keeper_of(const tow_socketio_visitor *visitor) {
    return visitor->house->channels != NULL ? visitor->house->channels->keeper : NULL;
}

void tow_socketio_visitor_tell(
    const tow_socketio_visitor *visitor, int64_t ack, int status, const char *text) {
    tow_buffer json = {0};
    if (ack < 0)
        return;
    int error = tow_buffer_append_text(&json, text == NULL ? "{\"ok\":true}" : "{\"error\":");
    if (error == 0 && text != NULL)
        error = tow_json_append_string(&json, tow_slice_from(text));
    if (error == 0 && text != NULL)
        error = tow_buffer_append_format(&json, ",\"status\":%d}", status);
    if (error == 0)
        tow_socketio_acknowledge(visitor->socket, ack,
            &(tow_socketio_arguments){.json = (const char *)json.data, .length = json.length});
    tow_buffer_clear(&json);
}

/* Its end. */

static void visitor_free(tow_socketio_visitor *visitor) {
    const tow_channel_keeper *keeper = keeper_of(visitor);
    tow_socketio_wishes_drop(visitor);
    if (visitor->is_asked)
        keeper->forget(keeper, &visitor->question);
    if (visitor->has_entered)
        keeper->leave(keeper, &visitor->guest);
    tow_buffer_clear(&visitor->token);
    visitor->is_gone = true;
    if (visitor->concluding == 0)
        free(visitor);
}

/* Its rooms may be there for its proof alone, which nobody would look at if it was recovered. */
static bool has_shown_proof(const tow_socketio_visitor *visitor) {
    return visitor->has_grant || visitor->guest.known != NULL || visitor->guest.expires != 0;
}

void tow_socketio_visitor_leave(tow_socketio_socket *socket, tow_socketio_reason reason) {
    tow_socketio_visitor *visitor = tow_socketio_user(socket);
    (void)reason;
    tow_socketio_set_user(socket, NULL);
    if (visitor != NULL && has_shown_proof(visitor))
        tow_socketio_forbid_recovery(socket);
    if (visitor != NULL)
        visitor_free(visitor);
}

static void on_gone(tow_socketio_socket *socket) {
    tow_socketio_visitor_leave(socket, TOW_SOCKETIO_TRANSPORT);
}

/* Of a socket that is let in already, or was recovered, a refusal is its end. */
static void turn_away(tow_socketio_visitor *visitor, const tow_channel_answer *answer) {
    tow_socketio_socket *socket = visitor->socket;
    char data[32];
    snprintf(data, sizeof(data), "{\"status\":%d}", answer->status);
    tow_socketio_set_user(socket, NULL);
    visitor_free(visitor);
    if (tow_socketio_refuse(socket, answer->reason, &(tow_socketio_arguments){.json = data}) ==
        TOW_ERROR_STATE)
        tow_socketio_disconnect(socket, false);
}

static void on_dismissed(tow_channel_guest *guest, tow_channel_dismissal why) {
    tow_socketio_visitor *visitor =
        (tow_socketio_visitor *)(void *)((char *)guest - offsetof(tow_socketio_visitor, guest));
    (void)why;
    tow_socketio_disconnect(visitor->socket, false);
}

/* Who it is: by its request, and then by the token that it sends along. */

static void let_in(tow_socketio_visitor *visitor) {
    visitor->guest.is_in = true;
    tow_socketio_accept(visitor->socket);
    for (const char *const *room = visitor->house->rooms; room != NULL && *room != NULL; room++)
        tow_socketio_join(visitor->socket, *room);
}

/* What everybody hears is asked for as what somebody subscribes to: all of the namespace, then the rooms that
 * are set. */

static const tow_channel_answer busy = {
    .word = TOW_CHANNEL_REFUSED, .status = 503, .reason = "too much is under way: try again later"};

/* NULL: there are no more. */
static const char *heard_by_everybody(const tow_socketio_house *house, size_t index) {
    if (index == 0)
        return "";
    return house->rooms != NULL ? house->rooms[index - 1] : NULL;
}

static void ask_for_next(tow_socketio_visitor *visitor);

static void on_allowed(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, const tow_channel_answer *answer) {
    (void)asked;
    if (answer->word == TOW_CHANNEL_REFUSED) {
        turn_away(visitor, answer);
        return;
    }
    visitor->allowed++;
    ask_for_next(visitor);
}

static void ask_for_next(tow_socketio_visitor *visitor) {
    const char *room = heard_by_everybody(visitor->house, visitor->allowed);
    if (room == NULL) {
        let_in(visitor);
        return;
    }
    const tow_socketio_asked asked = {.act = TOW_CHANNEL_SUBSCRIBE, .room = tow_slice_from(room), .ack = -1};
    if (!tow_socketio_visitor_ask(visitor, &asked, on_allowed))
        turn_away(visitor, &busy);
}

/* It waits unless the answers were there already. */
static void ask_for_all(tow_socketio_visitor *visitor) {
    tow_socketio_defer(visitor->socket, on_gone);
    ask_for_next(visitor);
}

static void go_on(tow_socketio_visitor *visitor, const tow_channel_answer *answer);

static void show(tow_socketio_visitor *visitor, tow_channel_answer *answer) {
    const tow_channel_keeper *keeper = keeper_of(visitor);
    tow_websocket_note_work(tow_socketio_websocket(visitor->socket), TOW_WORK_TOKEN);
    keeper->show(keeper, &visitor->guest,
        (tow_slice){(const char *)visitor->token.data, visitor->token.length}, &visitor->question, answer);
    visitor->is_asked = answer->word == TOW_CHANNEL_LATER;
    if (!visitor->is_asked)
        tow_buffer_clear(&visitor->token);
}

/* Rooms. */

bool tow_socketio_visitor_stays(tow_socketio_socket *socket, const char *room) {
    tow_socketio_visitor *visitor = tow_socketio_user(socket);
    return visitor != NULL && tow_socketio_visitor_known(visitor, room) == TOW_CHANNEL_GRANTED;
}

/* What somebody else said before of a room holds. */
static bool stays(tow_socketio_socket *socket, const char *room) {
    return tow_socketio_visitor_known(tow_socketio_user(socket), room) != TOW_CHANNEL_REFUSED;
}

/* What has been shown since it was let in. */
static void tell_shown(tow_socketio_visitor *visitor, const tow_channel_answer *answer) {
    bool is_granted = answer->word == TOW_CHANNEL_GRANTED;
    tow_socketio_visitor_tell(visitor, visitor->ack, answer->status, is_granted ? NULL : answer->reason);
    if (is_granted)
        tow_socketio_sift(visitor->socket, stays);
}

static void on_shown(tow_channel_question *question, const tow_channel_answer *answer) {
    tow_socketio_visitor *visitor =
        (tow_socketio_visitor *)(void *)((char *)question - offsetof(tow_socketio_visitor, question));
    visitor->is_asked = false;
    tow_buffer_clear(&visitor->token);
    tell_shown(visitor, answer);
}

bool tow_socketio_visitor_show(tow_socketio_visitor *visitor, tow_slice token, int64_t ack) {
    tow_channel_answer answer = {
        .word = TOW_CHANNEL_REFUSED, .status = 403, .reason = "there are no tokens here"};
    if (visitor->is_asked)
        return false;
    visitor->ack = ack;
    visitor->question.on_answer = on_shown;
    if (keeper_of(visitor) != NULL) {
        tow_buffer_clear(&visitor->token);
        if (tow_buffer_append(&visitor->token, token.data, token.length) != 0)
            return false;
        show(visitor, &answer);
    }
    if (answer.word != TOW_CHANNEL_LATER)
        tell_shown(visitor, &answer);
    return true;
}

static void on_answer(tow_channel_question *question, const tow_channel_answer *answer) {
    tow_socketio_visitor *visitor =
        (tow_socketio_visitor *)(void *)((char *)question - offsetof(tow_socketio_visitor, question));
    visitor->is_asked = false;
    go_on(visitor, answer);
}

/* The next step of its way in, after an answer. */
static void go_on(tow_socketio_visitor *visitor, const tow_channel_answer *answer) {
    tow_channel_answer next = *answer;
    bool was_shown = visitor->has_entered;
    if (next.word == TOW_CHANNEL_GRANTED && !was_shown) {
        visitor->has_entered = true;
        if (visitor->token.length > 0) {
            show(visitor, &next);
            if (next.word == TOW_CHANNEL_LATER)
                return;
        }
    }
    tow_buffer_clear(&visitor->token);
    if (next.word == TOW_CHANNEL_REFUSED)
        turn_away(visitor, &next);
    else
        ask_for_all(visitor);
}

/* What it sends along as its token: a string. Errors: MEMORY. */
static int read_token(tow_socketio_visitor *visitor, const tow_socketio_arguments *auth) {
    tow_slice object;
    tow_slice token;
    if (!tow_socketio_argument(auth, 0, &object.data, &object.length) ||
        !tow_json_member(object, "token", &token) || tow_json_type_of(token) != TOW_JSON_STRING)
        return 0;
    int error = tow_json_unescape(&visitor->token, token);
    return error == TOW_ERROR_MEMORY ? error : 0;
}

static void enter(tow_socketio_visitor *visitor) {
    const tow_channel_keeper *keeper = keeper_of(visitor);
    tow_websocket *websocket = tow_socketio_websocket(visitor->socket);
    tow_channel_answer answer = {.word = TOW_CHANNEL_REFUSED, .status = 503, .reason = "out of memory"};
    const tow_request *request = tow_websocket_request(websocket);
    visitor->guest.on_dismissed = on_dismissed;
    visitor->guest.loop = tow_websocket_loop(websocket);
    visitor->guest.client = tow_websocket_address_key(websocket);
    visitor->question.on_answer = on_answer;
    if (request != NULL)
        keeper->enter(keeper, &visitor->guest, NULL, request, &visitor->question, &answer);
    visitor->is_asked = answer.word == TOW_CHANNEL_LATER;
    if (visitor->is_asked)
        tow_socketio_defer(visitor->socket, on_gone);
    else
        go_on(visitor, &answer);
}

void tow_socketio_visitor_welcome(tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    const tow_socketio_house *house = tow_socketio_user(socket);
    tow_socketio_visitor *visitor = calloc(1, sizeof(*visitor));
    tow_socketio_set_user(socket, visitor);
    if (visitor != NULL)
        *visitor = (tow_socketio_visitor){.house = house, .socket = socket, .ack = -1};
    if (visitor == NULL || (keeper_of(visitor) != NULL && read_token(visitor, auth) != 0)) {
        if (visitor != NULL)
            tow_buffer_clear(&visitor->token);
        free(visitor);
        tow_socketio_set_user(socket, NULL);
        tow_socketio_disconnect(socket, true);
        return;
    }
    if (keeper_of(visitor) != NULL)
        enter(visitor);
    else
        ask_for_all(visitor);
}
