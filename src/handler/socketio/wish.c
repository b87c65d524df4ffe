#include "wish.h"

#include "server/channels.h"
#include "socketio/parts.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

struct tow_socketio_wish {
    tow_socketio_wish *next;
    tow_socketio_visitor *visitor;
    tow_channel_question question;
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

/* Those that are under way. What is set for the channel may be another thing by the time of the answer, and
 * so may the token. */

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
        const tow_channel_keeper *keeper = visitor->house->channels->keeper;
        visitor->wishes = wish->next;
        visitor->wish_count--;
        keeper->forget(keeper, &wish->question);
        wish_free(wish);
    }
}

static void note_grant(tow_socketio_visitor *visitor, const tow_channel_answer *answer) {
    visitor->has_grant |= answer->word == TOW_CHANNEL_GRANTED;
}

static void on_answer(tow_channel_question *question, const tow_channel_answer *answer) {
    tow_socketio_wish *wish =
        (tow_socketio_wish *)(void *)((char *)question - offsetof(tow_socketio_wish, question));
    bool still_may = known(wish->visitor, wish->asked.act, wish->asked.room) != TOW_CHANNEL_REFUSED;
    const tow_channel_answer *now = answer->word != TOW_CHANNEL_GRANTED || still_may ? answer : &forbidden;
    take_out(wish);
    note_grant(wish->visitor, now);
    wish->then(wish->visitor, &wish->asked, now);
    wish_free(wish);
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

/* NULL without memory. */
static tow_socketio_wish *wish_new(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_socketio_then then) {
    tow_socketio_wish *wish = calloc(1, sizeof(*wish));
    if (wish == NULL || tow_buffer_reserve_exactly(&wish->bytes, size_of(asked) + 1) != 0) {
        free(wish);
        return NULL;
    }
    wish->visitor = visitor;
    wish->then = then;
    wish->question.on_answer = on_answer;
    wish->asked = *asked;
    wish->asked.room = put_text(&wish->bytes, asked->room);
    wish->asked.event = put_text(&wish->bytes, asked->event);
    if (asked->arguments != NULL)
        copy_arguments(wish, asked->arguments);
    wish->next = visitor->wishes;
    visitor->wishes = wish;
    visitor->wish_count++;
    return wish;
}

/* Whoever keeps the channels is asked; the wish is there before, as its question has to be. */
static bool ask_keeper(tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_slice channel,
    tow_socketio_then then, tow_channel_answer *answer) {
    const tow_channel_keeper *keeper = visitor->house->channels->keeper;
    tow_socketio_wish *wish =
        visitor->wish_count < TOW_SOCKETIO_WISHES_MAX ? wish_new(visitor, asked, then) : NULL;
    if (wish == NULL)
        return false;
    keeper->may(keeper, &visitor->guest, asked->act, channel, &wish->question, answer);
    if (answer->word == TOW_CHANNEL_LATER)
        return true;
    note_grant(visitor, answer);
    take_out(wish);
    wish_free(wish);
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
    tow_channel_answer answer = forbidden;
    if (length > 0)
        answer =
            *by_policy(tow_server_hub(visitor->house->server), asked->act, (tow_slice){name, (size_t)length});
    if (answer.word == TOW_CHANNEL_LATER && !has_keeper)
        answer = forbidden;
    if (answer.word == TOW_CHANNEL_LATER &&
        !ask_keeper(visitor, asked, (tow_slice){name, (size_t)length}, then, &answer))
        return false;
    if (answer.word != TOW_CHANNEL_LATER)
        then(visitor, asked, &answer);
    return true;
}
