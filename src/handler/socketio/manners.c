#include "manners.h"

#include "base/json.h"
#include "socketio/parts.h"
#include "visitor.h"

#include <towline/error.h>

static const char no_room[] = "the first argument is a room: a text of at most 100 bytes";
static const char no_event[] = "the second argument is the name of an event";
static const char no_token[] = "the argument is a token";
static const char not_there[] = "it is not in this room";
static const char too_many[] = "it is in too many rooms";
static const char busy[] = "too much is under way: try again later";

static void tell_error(const tow_socketio_visitor *visitor, int64_t ack, int error) {
    switch (error) {
    case 0:
        tow_socketio_visitor_tell(visitor, ack, 200, NULL);
        return;
    case TOW_ERROR_LIMIT:
        tow_socketio_visitor_tell(visitor, ack, 429, too_many);
        return;
    case TOW_ERROR_ARGUMENT:
    case TOW_ERROR_UTF8:
        tow_socketio_visitor_tell(visitor, ack, 400, no_event);
        return;
    default:
        tow_socketio_visitor_tell(visitor, ack, 503, busy);
    }
}

/* An argument that is a text, without a zero in it but behind it. */
static bool read_text(const tow_socketio_event *event, size_t index, tow_buffer *out) {
    tow_slice json;
    if (!tow_socketio_argument(&event->arguments, index, &json.data, &json.length) ||
        tow_json_type_of(json) != TOW_JSON_STRING || tow_json_unescape(out, json) != 0 || out->length == 0)
        return false;
    return memchr(out->data, '\0', out->length) == NULL && tow_buffer_append(out, "", 1) == 0;
}

static tow_slice text_of(const tow_buffer *text) {
    return (tow_slice){(const char *)text->data, text->length - 1};
}

static bool read_room(const tow_socketio_socket *socket, const tow_socketio_event *event, tow_buffer *out) {
    char name[TOW_CHANNEL_NAME_MAX];
    return read_text(event, 0, out) && tow_socketio_channel_of(socket, text_of(out), name) > 0;
}

static void join(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, const tow_channel_answer *answer) {
    if (answer->word == TOW_CHANNEL_REFUSED)
        tow_socketio_visitor_tell(visitor, asked->ack, answer->status, answer->reason);
    else
        tell_error(visitor, asked->ack, tow_socketio_join(visitor->socket, asked->room.data));
}

static void leave(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, const tow_channel_answer *answer) {
    (void)answer;
    if (tow_socketio_leave(visitor->socket, asked->room.data) != 0)
        tow_socketio_visitor_tell(visitor, asked->ack, 400, not_there);
    else
        tow_socketio_visitor_tell(visitor, asked->ack, 200, NULL);
}

static tow_slice subject_of(const tow_socketio_visitor *visitor) {
    return visitor->guest.subject != NULL ? tow_slice_from(visitor->guest.subject) : (tow_slice){0};
}

static void say(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, const tow_channel_answer *answer) {
    if (answer->word == TOW_CHANNEL_REFUSED)
        tow_socketio_visitor_tell(visitor, asked->ack, answer->status, answer->reason);
    else
        tell_error(visitor, asked->ack,
            tow_socketio_to_as(
                visitor->socket, asked->room.data, asked->event.data, asked->arguments, subject_of(visitor)));
}

static void on_subscribe(tow_socketio_socket *socket, const tow_socketio_event *event) {
    tow_socketio_visitor *visitor = tow_socketio_user(socket);
    tow_buffer room = {0};
    if (!read_room(socket, event, &room)) {
        tow_socketio_visitor_tell(visitor, event->ack, 400, no_room);
    } else {
        const tow_socketio_asked asked = {
            .act = TOW_CHANNEL_SUBSCRIBE, .room = text_of(&room), .ack = event->ack};
        if (!tow_socketio_visitor_ask(visitor, &asked, join))
            tow_socketio_visitor_tell(visitor, event->ack, 503, busy);
    }
    tow_buffer_clear(&room);
}

static void on_unsubscribe(tow_socketio_socket *socket, const tow_socketio_event *event) {
    tow_socketio_visitor *visitor = tow_socketio_user(socket);
    tow_buffer room = {0};
    if (!read_text(event, 0, &room)) {
        tow_socketio_visitor_tell(visitor, event->ack, 400, no_room);
    } else {
        const tow_socketio_asked asked = {.room = text_of(&room), .ack = event->ack};
        if (!tow_socketio_visitor_in_turn(visitor, &asked, leave))
            tow_socketio_visitor_tell(visitor, event->ack, 503, busy);
    }
    tow_buffer_clear(&room);
}

/* The arguments from the third on, in their bytes. */
static tow_socketio_arguments rest_of(const tow_socketio_arguments *arguments) {
    tow_socketio_arguments rest = *arguments;
    const char *third;
    size_t length;
    if (!tow_socketio_argument(arguments, 2, &third, &length))
        return (tow_socketio_arguments){0};
    rest.json = third;
    rest.length = (size_t)(arguments->json + arguments->length - third);
    return rest;
}

static void publish(
    tow_socketio_visitor *visitor, const tow_socketio_event *event, tow_slice room, tow_slice name) {
    const tow_socketio_arguments rest = rest_of(&event->arguments);
    const tow_socketio_asked asked = {
        .act = TOW_CHANNEL_PUBLISH, .room = room, .event = name, .arguments = &rest, .ack = event->ack};
    if (!tow_socketio_visitor_ask(visitor, &asked, say))
        tow_socketio_visitor_tell(visitor, event->ack, 503, busy);
}

/* Control characters in front mark what speaks the protocol of another door, as Pusher's own events. */
static bool read_event_name(const tow_socketio_event *event, tow_buffer *out) {
    return read_text(event, 1, out) && !tow_slice_has_control(text_of(out));
}

static void on_publish(tow_socketio_socket *socket, const tow_socketio_event *event) {
    tow_socketio_visitor *visitor = tow_socketio_user(socket);
    tow_buffer room = {0};
    tow_buffer name = {0};
    if (!read_room(socket, event, &room))
        tow_socketio_visitor_tell(visitor, event->ack, 400, no_room);
    else if (!read_event_name(event, &name))
        tow_socketio_visitor_tell(visitor, event->ack, 400, no_event);
    else
        publish(visitor, event, text_of(&room), text_of(&name));
    tow_buffer_clear(&room);
    tow_buffer_clear(&name);
}

static void on_token(tow_socketio_socket *socket, const tow_socketio_event *event) {
    tow_socketio_visitor *visitor = tow_socketio_user(socket);
    tow_buffer token = {0};
    if (!read_text(event, 0, &token))
        tow_socketio_visitor_tell(visitor, event->ack, 400, no_token);
    else if (!tow_socketio_visitor_show(visitor, text_of(&token), event->ack))
        tow_socketio_visitor_tell(visitor, event->ack, 503, busy);
    tow_buffer_clear(&token);
}

const tow_socketio_listener tow_socketio_manners[] = {{"subscribe", on_subscribe},
    {"unsubscribe", on_unsubscribe}, {"publish", on_publish}, {"token", on_token}, {0}};
