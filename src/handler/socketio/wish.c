#include "wish.h"

#include "base/text.h"
#include "server/channels.h"
#include "socketio/parts.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

enum { REASON_MAX = 128 };

struct tow_socketio_wish {
    tow_socketio_wish *next; /* a later one */
    tow_socketio_visitor *visitor;
    tow_channel_question question;
    tow_channel_answer answer; /* LATER: somebody is being asked */
    char reason[REASON_MAX];   /* of the answer */
    tow_socketio_then then;
    tow_socketio_asked asked; /* its texts are in `bytes` */
    tow_socketio_arguments arguments;
    tow_socketio_attachment attachments[TOW_SOCKETIO_ATTACHMENTS_MAX];
    tow_buffer bytes;
};

/* What the channel's policy says. */

static const tow_channel_answer granted = {.word = TOW_CHANNEL_GRANTED};
static const tow_channel_answer forbidden = {
    .word = TOW_CHANNEL_REFUSED, .status = 403, .reason = "the channel's policy does not allow it"};
static const tow_channel_answer unasked = {.word = TOW_CHANNEL_LATER};

/* LATER: whoever gives tokens has to be asked. Of the same origin is whoever the route has let in. */
static const tow_channel_answer *by_policy(tow_hub *hub, tow_channel_act act, tow_slice channel) {
    tow_channel_policy policy = {0};
    tow_hub_policy(hub, channel, &policy);
    const tow_channel_access access = act == TOW_CHANNEL_SUBSCRIBE
                                          ? tow_channel_policy_subscribers(&policy, channel)
                                          : tow_channel_policy_publishers(&policy, channel);
    if (access == TOW_ACCESS_NOBODY)
        return &forbidden;
    return access == TOW_ACCESS_TOKEN ? &unasked : &granted;
}

/* What whoever keeps the channels would say without asking anybody. */
static tow_channel_word keeper_knows(tow_socketio_visitor *visitor, tow_channel_act act, tow_slice channel) {
    const tow_channels *channels = visitor->house->channels;
    tow_channel_answer answer = forbidden;
    if (channels != NULL && channels->keeper != NULL)
        channels->keeper->may(channels->keeper, &visitor->guest, act, channel, NULL, &answer);
    return answer.word;
}

static tow_channel_word known(tow_socketio_visitor *visitor, tow_channel_act act, tow_slice room) {
    char name[TOW_CHANNEL_NAME_MAX];
    int length = tow_socketio_channel_of(visitor->socket, room, name);
    if (length <= 0)
        return TOW_CHANNEL_REFUSED;
    const tow_slice channel = {name, (size_t)length};
    tow_channel_word word = by_policy(tow_server_hub(visitor->house->server), act, channel)->word;
    return word != TOW_CHANNEL_LATER ? word : keeper_knows(visitor, act, channel);
}

/* Those that are under way, in the order in which they came. What is set for the channel may be another thing
 * by the time of the answer, and so may the token. */

static void wish_free(tow_socketio_wish *wish) {
    tow_buffer_clear(&wish->bytes);
    free(wish);
}

static void take_out(tow_socketio_wish *wish) {
    tow_socketio_wish **at = &wish->visitor->wishes;
    while (*at != wish)
        at = &(*at)->next;
    *at = wish->next;
    wish->visitor->wish_count--;
}

void tow_socketio_wishes_drop(tow_socketio_visitor *visitor) {
    while (visitor->wishes != NULL) {
        tow_socketio_wish *wish = visitor->wishes;
        const tow_channels *channels = visitor->house->channels;
        visitor->wishes = wish->next;
        visitor->wish_count--;
        if (wish->answer.word == TOW_CHANNEL_LATER)
            channels->keeper->forget(channels->keeper, &wish->question);
        wish_free(wish);
    }
}

/* The first about this room, before `end`; NULL: there is none. */
static tow_socketio_wish *first_about(
    const tow_socketio_visitor *visitor, const char *room, const tow_socketio_wish *end) {
    tow_socketio_wish *wish = visitor->wishes;
    while (wish != end && !tow_slice_equals(wish->asked.room, room))
        wish = wish->next;
    return wish != end ? wish : NULL;
}

/* What is said about one room is done in its order, also where whoever is asked answers in another. */
static tow_socketio_wish *first_ready(const tow_socketio_visitor *visitor) {
    tow_socketio_wish *wish = visitor->wishes;
    while (wish != NULL && (wish->answer.word == TOW_CHANNEL_LATER ||
                               first_about(visitor, wish->asked.room.data, wish) != NULL))
        wish = wish->next;
    return wish;
}

static void conclude(tow_socketio_wish *wish) {
    tow_socketio_visitor *visitor = wish->visitor;
    bool still_may = known(visitor, wish->asked.act, wish->asked.room) != TOW_CHANNEL_REFUSED;
    take_out(wish);
    wish->then(visitor, &wish->asked,
        wish->answer.word != TOW_CHANNEL_GRANTED || still_may ? &wish->answer : &forbidden);
    wish_free(wish);
}

/* Any of them may be the visitor's end. */
static void conclude_ready(tow_socketio_visitor *visitor) {
    visitor->concluding++;
    for (tow_socketio_wish *wish; !visitor->is_gone && (wish = first_ready(visitor)) != NULL;)
        conclude(wish);
    if (--visitor->concluding == 0 && visitor->is_gone)
        free(visitor);
}

static void note_answer(tow_socketio_wish *wish, const tow_channel_answer *answer) {
    wish->answer = *answer;
    if (answer->reason != NULL) {
        tow_text_format(wish->reason, sizeof(wish->reason), "%s", answer->reason);
        wish->answer.reason = wish->reason;
    }
    wish->visitor->has_grant |= answer->word == TOW_CHANNEL_GRANTED;
}

static void on_answer(tow_channel_question *question, const tow_channel_answer *answer) {
    tow_socketio_wish *wish =
        (tow_socketio_wish *)(void *)((char *)question - offsetof(tow_socketio_wish, question));
    note_answer(wish, answer);
    conclude_ready(wish->visitor);
}

static size_t size_of(const tow_socketio_asked *asked) {
    size_t size = asked->room.length + 1 + asked->event.length + 1;
    const tow_socketio_arguments *arguments = asked->arguments;
    if (arguments == NULL)
        return size;
    for (size_t i = 0; i < arguments->attachment_count; i++)
        size += arguments->attachments[i].length;
    return size + arguments->length;
}

/* There is room for it. */
static tow_slice put(tow_buffer *bytes, const void *data, size_t length) {
    tow_slice copy = {(const char *)bytes->data + bytes->length, length};
    (void)tow_buffer_append(bytes, data, length);
    return copy;
}

static tow_slice put_text(tow_buffer *bytes, tow_slice text) {
    tow_slice copy = put(bytes, text.data, text.length);
    put(bytes, "", 1);
    return copy;
}

static void copy_arguments(tow_socketio_wish *wish, const tow_socketio_arguments *arguments) {
    wish->asked.arguments = &wish->arguments;
    wish->arguments.length = arguments->length;
    wish->arguments.json =
        arguments->length > 0 ? put(&wish->bytes, arguments->json, arguments->length).data : NULL;
    wish->arguments.attachments = wish->attachments;
    wish->arguments.attachment_count = arguments->attachment_count;
    for (size_t i = 0; i < arguments->attachment_count; i++) {
        tow_slice copy = put(&wish->bytes, arguments->attachments[i].data, arguments->attachments[i].length);
        wish->attachments[i] = (tow_socketio_attachment){copy.data, copy.length};
    }
}

/* The last. NULL: there are too many, or there is no memory. */
static tow_socketio_wish *wish_new(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_socketio_then then) {
    if (visitor->wish_count == TOW_SOCKETIO_WISHES_MAX)
        return NULL;
    tow_socketio_wish *wish = calloc(1, sizeof(*wish));
    if (wish == NULL || tow_buffer_reserve_exactly(&wish->bytes, size_of(asked) + 1) != 0) {
        free(wish);
        return NULL;
    }
    wish->visitor = visitor;
    wish->then = then;
    wish->answer = unasked;
    wish->question.on_answer = on_answer;
    wish->asked = *asked;
    wish->asked.room = put_text(&wish->bytes, asked->room);
    wish->asked.event = put_text(&wish->bytes, asked->event);
    if (asked->arguments != NULL)
        copy_arguments(wish, asked->arguments);
    tow_socketio_wish **end = &visitor->wishes;
    while (*end != NULL)
        end = &(*end)->next;
    *end = wish;
    visitor->wish_count++;
    return wish;
}

/* At once, or behind what is under way about the same room. */
static bool do_in_turn(tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_socketio_then then,
    const tow_channel_answer *answer) {
    if (first_about(visitor, asked->room.data, NULL) == NULL) {
        then(visitor, asked, answer);
        return true;
    }
    tow_socketio_wish *wish = wish_new(visitor, asked, then);
    if (wish != NULL)
        wish->answer = *answer;
    return wish != NULL;
}

/* Whoever keeps the channels is asked; the wish is there before, as its question has to be. */
static bool ask_keeper(tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_slice channel,
    tow_socketio_then then) {
    const tow_channel_keeper *keeper = visitor->house->channels->keeper;
    tow_socketio_wish *wish = wish_new(visitor, asked, then);
    if (wish == NULL)
        return false;
    tow_channel_answer answer = unasked;
    keeper->may(keeper, &visitor->guest, asked->act, channel, &wish->question, &answer);
    if (answer.word != TOW_CHANNEL_LATER) {
        note_answer(wish, &answer);
        conclude_ready(visitor);
    }
    return true;
}

tow_channel_word tow_socketio_visitor_known(tow_socketio_visitor *visitor, const char *room) {
    return known(visitor, TOW_CHANNEL_SUBSCRIBE, tow_slice_from(room));
}

bool tow_socketio_visitor_ask(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_socketio_then then) {
    char name[TOW_CHANNEL_NAME_MAX];
    bool has_keeper = visitor->house->channels != NULL && visitor->house->channels->keeper != NULL;
    int length = tow_socketio_channel_of(visitor->socket, asked->room, name);
    const tow_slice channel = {name, length > 0 ? (size_t)length : 0};
    const tow_channel_answer *answer =
        length > 0 ? by_policy(tow_server_hub(visitor->house->server), asked->act, channel) : &forbidden;
    if (answer->word == TOW_CHANNEL_LATER && has_keeper)
        return ask_keeper(visitor, asked, channel, then);
    return do_in_turn(visitor, asked, then, answer->word != TOW_CHANNEL_LATER ? answer : &forbidden);
}

bool tow_socketio_visitor_in_turn(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_socketio_then then) {
    return do_in_turn(visitor, asked, then, &granted);
}
