#include "request.h"

#include "codes.h"
#include "envelope_write.h"
#include "query.h"
#include "say.h"
#include "transport/loop.h"
#include "websocket/websocket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* A request's life. */

/* Of the message only what the envelope says is kept. */
static tow_talk_request *request_new(tow_talk *talk, tow_slice message) {
    tow_talk_request *request = calloc(1, sizeof(*request) + message.length);
    if (request == NULL)
        return NULL;
    request->talk = talk;
    request->length = message.length;
    memcpy(request->message, message.data, message.length);
    tow_ring_add_last(&talk->requests, &request->link);
    talk->request_count++;
    talk->request_bytes += message.length;
    return request;
}

/* A peer that asks faster than it is answered has to wait. */
static void pause_or_resume(tow_talk *talk) {
    bool has_to_wait = talk->is_asking || talk->request_count >= TOW_TALK_WAITING_MAX ||
                       talk->request_bytes >= TOW_TALK_WAITING_BYTES;
    if (has_to_wait == talk->is_paused)
        return;
    talk->is_paused = has_to_wait;
    if (has_to_wait)
        tow_websocket_pause(talk->socket);
    else
        tow_websocket_resume(talk->socket);
}

void tow_talk_request_end(tow_talk_request *request) {
    tow_talk *talk = request->talk;
    if (request->is_asked) {
        tow_visit_forget(talk->visit, &request->question);
        talk->is_asking = false;
    }
    tow_hub_forget(&request->hub);
    tow_envelope_clear(&request->envelope);
    tow_ring_remove(&request->link);
    talk->request_count--;
    talk->request_bytes -= request->length;
    free(request);
    pause_or_resume(talk);
}

tow_talk_request *tow_talk_request_find(const tow_talk *talk, tow_slice channel) {
    for (tow_ring *link = talk->requests.next; link != &talk->requests; link = link->next) {
        tow_talk_request *request = (tow_talk_request *)(void *)link;
        const tow_slice name = request->envelope.channel;
        if (request->is_waiting && name.length == channel.length &&
            memcmp(name.data, channel.data, name.length) == 0)
            return request;
    }
    return NULL;
}

static void fail(tow_talk_request *request, const char *code, const char *reason) {
    tow_talk_complain(request->talk, request->envelope.id, request->envelope.channel, code, reason);
    tow_talk_request_end(request);
}

static void fail_by(tow_talk_request *request, int error) {
    fail(request, tow_error_code(error), tow_strerror(error));
}

/* Says the answer, and that was all. */
static void answer(tow_talk_request *request, tow_buffer *out, int error) {
    tow_talk *talk = request->talk;
    if (error == 0)
        error = tow_envelope_end(out);
    tow_talk_request_end(request);
    tow_talk_say(talk, out, error);
}

static int answer_begin(const tow_talk_request *request, tow_buffer *out, const char *type) {
    int error = tow_envelope_begin(out, type, request->envelope.id);
    if (error == 0 && request->envelope.channel.length > 0)
        error = tow_envelope_add_text(out, "channel", request->envelope.channel);
    return error;
}

static tow_talk_request *request_of(tow_hub_question *question) {
    return (tow_talk_request *)(void *)((char *)question - offsetof(tow_talk_request, hub));
}

/* Subscribing. */

/* Who is nobody in particular is present as a guest of its own. */
static tow_slice member_user(tow_talk *talk, char alias[32]) {
    tow_slice subject = tow_visit_subject(talk->visit);
    if (subject.length > 0)
        return subject;
    while (talk->alias == 0)
        tow_loop_random(tow_websocket_loop(talk->socket), &talk->alias, sizeof(talk->alias));
    snprintf(alias, 32, "guest-%016" PRIx64, talk->alias);
    return tow_slice_from(alias);
}

/* What a token says goes before what the client does. */
static tow_slice member_info(const tow_talk_request *request) {
    const tow_slice info = request->talk->visit->guest.info;
    return info.length > 0 ? info : request->envelope.info;
}

static int subscribe_by(tow_talk_request *request, const tow_subscribe_options *options) {
    const tow_talk *talk = request->talk;
    const tow_door *door = talk->visit->door;
    if (tow_socket_subscription_count(talk->socket) >= door->max_subscriptions) {
        tow_metric_count(door->metrics.over_subscriptions);
        return TOW_ERROR_LIMIT;
    }
    return tow_socket_subscribe(talk->socket, request->envelope.channel, talk->subscriber, options);
}

static void subscribe(tow_talk_request *request) {
    const tow_envelope *asked = &request->envelope;
    char alias[32];
    tow_subscribe_options options = {.wants_presence = asked->presence};
    tow_member member = {0};
    if (asked->since.length > 0 && tow_position_read(&options.since, asked->since) != 0) {
        fail(request, "malformed", "since: a position such as EPOCH:NUMBER");
        return;
    }
    options.last = asked->last > 0 ? (uint32_t)asked->last : options.since.epoch != 0 ? TOW_ALL_KEPT : 0;
    if (asked->presence) {
        member = (tow_member){member_user(request->talk, alias), member_info(request)};
        options.member = &member;
    }
    int error = subscribe_by(request, &options);
    if (error == TOW_ERROR_STATE)
        fail(request, "already", "it is subscribed to");
    else if (error == TOW_ERROR_UNSUPPORTED)
        fail(request, "unsupported", "this channel has no presence");
    else if (error != 0)
        fail_by(request, error);
    else
        request->is_waiting = true;
}

static void unsubscribe(tow_talk_request *request) {
    tow_buffer out = {0};
    tow_talk_request *waits = tow_talk_request_find(request->talk, request->envelope.channel);
    if (tow_socket_unsubscribe(request->talk->socket, request->envelope.channel) != 0) {
        fail(request, "not-subscribed", "it is not subscribed to");
        return;
    }
    if (waits != NULL)
        fail(waits, "unsubscribed", "it was unsubscribed from at once");
    int error = answer_begin(request, &out, "unsubscribed");
    answer(request, &out, error);
}

/* Publishing. */

static void published(tow_hub_question *question, const tow_hub_answer *said) {
    tow_talk_request *request = request_of(question);
    tow_buffer out = {0};
    if (said->error != 0) {
        fail_by(request, said->error);
        return;
    }
    int error = answer_begin(request, &out, "published");
    if (error == 0 && said->position.number != 0)
        error = tow_envelope_add_position(&out, &said->position);
    answer(request, &out, error);
}

/* Without an id nobody waits for an answer, but for what goes wrong. */
static void publish(tow_talk_request *request) {
    const tow_envelope *asked = &request->envelope;
    tow_visit *visit = request->talk->visit;
    const tow_draft draft = {.event = asked->event,
        .type = asked->is_binary ? TOW_BINARY : TOW_TEXT,
        .form = asked->is_json ? TOW_DATA_JSON : TOW_DATA_STRING,
        .data = asked->data,
        .key = asked->key,
        .user = tow_visit_subject(visit),
        .leave_out = asked->no_echo ? tow_websocket_identify(request->talk->socket) : 0};
    request->hub.answered = published;
    int error = asked->id.length > 0 ? tow_hub_ask_publish(visit->part, &request->hub, asked->channel, &draft)
                                     : tow_hub_publish(tow_hub_of(visit->part), asked->channel, &draft);
    if (error != 0)
        fail_by(request, error);
    else if (asked->id.length == 0)
        tow_talk_request_end(request);
}

/* Questions. */

static int messages_write(tow_buffer *out, const tow_hub_answer *said) {
    int error = tow_buffer_append_text(out, ",\"messages\":[");
    for (size_t i = 0; error == 0 && i < said->count; i++) {
        error = tow_buffer_append_text(out, i > 0 ? "," : "");
        if (error == 0)
            error = tow_envelope_write_published(out, said->published[i]);
    }
    return error != 0 ? error : tow_buffer_append_text(out, "]");
}

static void history_came(tow_hub_question *question, const tow_hub_answer *said) {
    tow_talk_request *request = request_of(question);
    tow_buffer out = {0};
    if (said->error != 0) {
        fail_by(request, said->error);
        return;
    }
    int error = answer_begin(request, &out, "history");
    if (error == 0 && said->exists)
        error = tow_envelope_add_position(&out, &said->position);
    if (error == 0 && request->envelope.since.length > 0)
        error = tow_envelope_add_flag(&out, "whole", said->is_whole);
    if (error == 0 && said->has_more)
        error = tow_envelope_add_flag(&out, "more", true);
    if (error == 0)
        error = messages_write(&out, said);
    answer(request, &out, error);
}

static void ask_history(tow_talk_request *request) {
    const tow_envelope *asked = &request->envelope;
    tow_position since = {0};
    if (asked->since.length > 0 && tow_position_read(&since, asked->since) != 0) {
        fail(request, "malformed", "since: a position such as EPOCH:NUMBER");
        return;
    }
    request->hub.answered = history_came;
    int error = tow_hub_ask_history(request->talk->visit->part, &request->hub, asked->channel, &since,
        asked->limit > 0 ? (size_t)asked->limit : TOW_ENVELOPE_LIST_MAX);
    if (error != 0)
        fail_by(request, error);
}

static int members_write(tow_buffer *out, const tow_hub_answer *said) {
    int error = tow_buffer_append_text(out, ",\"members\":[");
    for (size_t i = 0; error == 0 && i < said->count; i++) {
        error = tow_buffer_append_text(out, i > 0 ? "," : "");
        if (error == 0)
            error = tow_envelope_write_member(out, said->members[i].user, said->members[i].info);
    }
    return error != 0 ? error : tow_buffer_append_text(out, "]");
}

static void members_came(tow_hub_question *question, const tow_hub_answer *said) {
    tow_talk_request *request = request_of(question);
    tow_buffer out = {0};
    if (said->error != 0) {
        fail_by(request, said->error);
        return;
    }
    int error = answer_begin(request, &out, "presence");
    if (error == 0 && said->has_more)
        error = tow_envelope_add_flag(&out, "more", true);
    if (error == 0)
        error = members_write(&out, said);
    answer(request, &out, error);
}

static void ask_members(tow_talk_request *request) {
    const tow_envelope *asked = &request->envelope;
    request->hub.answered = members_came;
    int error = tow_hub_ask_members(request->talk->visit->part, &request->hub, asked->channel, asked->after,
        asked->limit > 0 ? (size_t)asked->limit : TOW_TALK_MEMBERS_MAX);
    if (error != 0)
        fail_by(request, error);
}

static void pong(tow_talk_request *request) {
    tow_buffer out = {0};
    int error = answer_begin(request, &out, "pong");
    answer(request, &out, error);
}

/* What somebody else said before of a channel holds. */
static bool may_stay(tow_websocket *socket, tow_slice channel) {
    const tow_talk *talk = tow_websocket_user(socket);
    return tow_visit_known(talk->visit, channel) != TOW_CHANNEL_REFUSED;
}

/* Channels that the token before let it have, and this one does not, end. */
static void welcome(tow_talk_request *request) {
    tow_websocket *socket = request->talk->socket;
    const tow_channel_guest *guest = &request->talk->visit->guest;
    tow_buffer out = {0};
    int error = answer_begin(request, &out, "welcome");
    if (error == 0 && guest->subject != NULL)
        error = tow_envelope_add_text(&out, "user", tow_slice_from(guest->subject));
    if (error == 0 && guest->expires != 0)
        error = tow_envelope_add_number(&out, "expires", guest->expires);
    answer(request, &out, error);
    tow_socket_sift(socket, may_stay);
}

/* What each type does, what it needs leave for, and what it costs beyond a message: a row each. */

typedef enum leave { NO_LEAVE, LEAVE_TO_SUBSCRIBE, LEAVE_TO_PUBLISH, LEAVE_OF_A_TOKEN } leave;

static const struct {
    void (*act)(tow_talk_request *request);
    leave leave;
    unsigned work;
} acts[TOW_ENVELOPE_TYPES] = {
    [TOW_ENVELOPE_SUBSCRIBE] = {subscribe, LEAVE_TO_SUBSCRIBE, 0}, /* which the socket counts */
    [TOW_ENVELOPE_UNSUBSCRIBE] = {unsubscribe, NO_LEAVE, 0},
    [TOW_ENVELOPE_PUBLISH] = {publish, LEAVE_TO_PUBLISH, TOW_WORK_PUBLISH},
    [TOW_ENVELOPE_HISTORY] = {ask_history, LEAVE_TO_SUBSCRIBE, TOW_WORK_PUBLISH},
    [TOW_ENVELOPE_PRESENCE] = {ask_members, LEAVE_TO_SUBSCRIBE, TOW_WORK_PUBLISH},
    [TOW_ENVELOPE_TOKEN] = {welcome, LEAVE_OF_A_TOKEN, TOW_WORK_TOKEN},
    [TOW_ENVELOPE_PING] = {pong, NO_LEAVE, 0},
};

static void note_work(const tow_talk_request *request) {
    unsigned reading = (unsigned)(request->length / TOW_WORK_READ);
    tow_websocket_note_work(request->talk->socket, reading + acts[request->envelope.type].work);
}

static tow_channel_act act_of(leave wanted) {
    return wanted == LEAVE_TO_PUBLISH ? TOW_CHANNEL_PUBLISH : TOW_CHANNEL_SUBSCRIBE;
}

static bool is_about_channel(leave wanted) {
    return wanted == LEAVE_TO_SUBSCRIBE || wanted == LEAVE_TO_PUBLISH;
}

static void on_answer(tow_channel_question *question, const tow_channel_answer *answer) {
    tow_talk_request *request =
        (tow_talk_request *)(void *)((char *)question - offsetof(tow_talk_request, question));
    tow_talk *talk = request->talk;
    leave wanted = acts[request->envelope.type].leave;
    tow_channel_answer said = *answer;
    if (is_about_channel(wanted))
        said = tow_visit_confirm(talk->visit, act_of(wanted), request->envelope.channel, answer);
    request->is_asked = talk->is_asking = false;
    if (tow_websocket_ready_state(talk->socket) != TOW_OPEN) /* what it wants ends with it */
        tow_talk_request_end(request);
    else if (said.word == TOW_CHANNEL_GRANTED)
        acts[request->envelope.type].act(request);
    else
        fail(request, tow_refusal_code(&said), said.reason);
    pause_or_resume(talk);
}

static void ask_leave(tow_talk_request *request) {
    const tow_envelope *asked = &request->envelope;
    tow_channel_answer said = {.word = TOW_CHANNEL_GRANTED};
    leave wanted = acts[asked->type].leave;
    request->question.on_answer = on_answer;
    if (wanted == LEAVE_OF_A_TOKEN)
        tow_visit_show(request->talk->visit, asked->token, &request->question, &said);
    else if (is_about_channel(wanted))
        tow_visit_ask(request->talk->visit, act_of(wanted), asked->channel, &request->question, &said);
    request->is_asked = request->talk->is_asking = said.word == TOW_CHANNEL_LATER;
    if (request->is_asked)
        pause_or_resume(request->talk);
    else
        on_answer(&request->question, &said);
}

void tow_talk_request_take(tow_talk *talk, tow_slice message) {
    tow_talk_request *request = request_new(talk, message);
    const char *why;
    if (request == NULL) {
        tow_websocket_close(talk->socket, TOW_CLOSE_TRY_AGAIN_LATER, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    pause_or_resume(talk);
    const tow_slice kept = {request->message, request->length};
    bool is_read = tow_envelope_read(&request->envelope, kept, &why);
    note_work(request);
    if (!is_read) {
        request->envelope.channel = (tow_slice){0};
        fail(request, "malformed", why);
    } else if (request->envelope.channel.length > 0 &&
               !tow_channel_name_is_valid(request->envelope.channel)) {
        request->envelope.channel = (tow_slice){0};
        fail(request, "malformed", "no channel can have such a name");
    } else {
        ask_leave(request);
    }
}
