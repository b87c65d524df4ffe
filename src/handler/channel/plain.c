#include "plain.h"

#include "codes.h"
#include "query.h"
#include "websocket/websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* One whom the keeper knows, or would be asked about: what others have is known by the hub. */
typedef struct plain {
    tow_websocket *socket;
    tow_visit *visit;
    tow_channel_question question; /* whether it may publish what waits */
    bool is_asked;
    bool no_echo;
    tow_message_type type; /* of what waits, while the socket is paused */
    tow_buffer waiting;
} plain;

/* In place of one that is kept: the socket hears nothing of what it publishes. */
static plain no_echo;

/* NULL: nothing is. */
static plain *kept_of(const tow_websocket *socket) {
    plain *self = tow_websocket_user(socket);
    return self != &no_echo ? self : NULL;
}

/* Subscribing. */

static void tell_gone(tow_websocket *socket, const tow_position *position) {
    char reason[TOW_POSITION_TEXT_SIZE + 32], text[TOW_POSITION_TEXT_SIZE];
    tow_position_write(text, position);
    snprintf(reason, sizeof(reason), "gone, now at %s", text);
    tow_websocket_close(socket, TOW_CLOSE_GONE, reason);
}

static void subscribed(tow_websocket *socket, tow_slice channel, const tow_subscribed *what) {
    (void)channel;
    if (!what->is_whole)
        tell_gone(socket, &what->position);
}

static bool may_stay(tow_websocket *socket, tow_slice channel) {
    const plain *self = kept_of(socket);
    return self != NULL && tow_visit_known(self->visit, channel) == TOW_CHANNEL_GRANTED;
}

/* It has no way to be told of a gap but the end, which who set that the oldest are dropped does not want: so
 * it is for the client to ask for that. Too slow, or revoked: the hub's own close. */
static const tow_socket_subscriber subscriber = {
    .encoding = &tow_plain_encoding.encoding, .subscribed = subscribed, .may_stay = may_stay};

static void missed(tow_websocket *socket, tow_slice channel, const tow_gap *gap) {
    (void)channel, (void)gap;
    tow_websocket_close(socket, TOW_CLOSE_GONE, "messages are missing");
}

static const tow_socket_subscriber strict_subscriber = {
    .encoding = &tow_plain_encoding.encoding, .subscribed = subscribed, .gap = missed, .may_stay = may_stay};

static bool says(const tow_request *request, const char *name, const char *value) {
    const char *said = tow_request_parameter(request, name);
    return said != NULL && strcmp(said, value) == 0;
}

static void dismissed(tow_channel_guest *guest, tow_channel_dismissal why);

static tow_channel_access publishers(tow_hub *hub, tow_slice channel) {
    tow_channel_policy policy = {0};
    tow_hub_policy(hub, channel, &policy);
    return tow_channel_policy_publishers(&policy, channel);
}

/* Whether more has to be known of it than that it is subscribed, and so of an origin that is let in. */
static bool is_known(const tow_visit *visit) {
    const tow_channel_guest *guest = &visit->guest;
    return guest->known != NULL || guest->subject != NULL || guest->expires != 0 ||
           (visit->door->keeper != NULL &&
               publishers(tow_hub_of(visit->part), tow_visit_channel(visit)) == TOW_ACCESS_TOKEN);
}

static int remember(tow_websocket *socket, tow_visit *visit) {
    plain *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    *self = (plain){.socket = socket, .visit = visit, .no_echo = tow_websocket_user(socket) == &no_echo};
    visit->owner = self;
    visit->guest.on_dismissed = dismissed;
    tow_websocket_set_user(socket, self);
    return 0;
}

static void refuse(tow_websocket *socket, tow_visit *visit, uint16_t code, const char *reason) {
    tow_websocket_close(socket, code, reason);
    tow_visit_end(visit);
}

void tow_plain_begin(tow_websocket *socket) {
    tow_visit *visit = tow_websocket_user(socket);
    const tow_request *request = tow_websocket_request(socket);
    tow_subscribe_options options = {0};
    const char *why = tow_query_read(&options, request);
    tow_websocket_set_user(socket, says(request, "echo", "false") ? &no_echo : NULL);
    visit->exchange = NULL;
    if (visit->length == 0) {
        refuse(socket, visit, TOW_CLOSE_POLICY, "the path names no channel: that is for " TOW_TALK_PROTOCOL);
        return;
    }
    if (why != NULL) {
        refuse(socket, visit, TOW_CLOSE_POLICY, why);
        return;
    }
    int error = tow_socket_subscribe(socket, tow_visit_channel(visit),
        says(request, "gap", "close") ? &strict_subscriber : &subscriber, &options);
    bool known = is_known(visit);
    if (error == 0 && known)
        error = remember(socket, visit);
    if (error != 0)
        refuse(socket, visit, TOW_CLOSE_TRY_AGAIN_LATER, tow_strerror(error));
    else if (!known)
        tow_visit_end(visit);
}

/* Publishing: what comes while it is asked waits with the peer. */

static plain *plain_of(tow_channel_question *question) {
    return (plain *)(void *)((char *)question - offsetof(plain, question));
}

static void publish(
    tow_websocket *socket, tow_slice channel, tow_slice user, bool echo, const tow_message *message) {
    const tow_draft draft = {.type = message->type,
        .data = {message->data, message->length},
        .user = user,
        .leave_out = echo ? 0 : tow_websocket_identify(socket)};
    tow_websocket_note_work(socket, TOW_WORK_PUBLISH);
    int error = tow_hub_publish(tow_hub_of(tow_websocket_hub(socket)), channel, &draft);
    if (error == TOW_ERROR_MESSAGE_TOO_LARGE)
        tow_websocket_close(socket, TOW_CLOSE_TOO_LARGE, tow_strerror(error));
    else if (error != 0)
        tow_websocket_close(socket, TOW_CLOSE_TRY_AGAIN_LATER, tow_strerror(error));
}

static void publish_as(const plain *self, const tow_message *message) {
    publish(self->socket, tow_visit_channel(self->visit), tow_visit_subject(self->visit), !self->no_echo,
        message);
}

static void settle(plain *self, const tow_channel_answer *answer) {
    const tow_channel_answer now =
        tow_visit_confirm(self->visit, TOW_CHANNEL_PUBLISH, tow_visit_channel(self->visit), answer);
    if (now.word == TOW_CHANNEL_GRANTED)
        publish_as(self,
            &(tow_message){.type = self->type, .data = self->waiting.data, .length = self->waiting.length});
    else
        tow_refusal_close(self->socket, &now);
}

/* What was asked for by who has been closed in the meantime ends with it. */
static void on_answer(tow_channel_question *question, const tow_channel_answer *answer) {
    plain *self = plain_of(question);
    self->is_asked = false;
    if (tow_websocket_ready_state(self->socket) == TOW_OPEN)
        settle(self, answer);
    tow_buffer_clear(&self->waiting);
    tow_websocket_resume(self->socket);
}

static void wait_for_answer(plain *self, const tow_message *message) {
    self->is_asked = true;
    self->type = message->type;
    tow_websocket_pause(self->socket);
    if (tow_buffer_append(&self->waiting, message->data, message->length) != 0)
        tow_websocket_close(self->socket, TOW_CLOSE_TRY_AGAIN_LATER, tow_strerror(TOW_ERROR_MEMORY));
}

static void take(plain *self, const tow_message *message) {
    tow_channel_answer answer = {0};
    self->question.on_answer = on_answer;
    tow_visit_ask(self->visit, TOW_CHANNEL_PUBLISH, tow_visit_channel(self->visit), &self->question, &answer);
    if (answer.word == TOW_CHANNEL_LATER)
        wait_for_answer(self, message);
    else if (answer.word == TOW_CHANNEL_GRANTED)
        publish_as(self, message);
    else
        tow_refusal_close(self->socket, &answer);
}

/* Of whom nothing is known but the channel. */
static void take_of_anyone(tow_websocket *socket, const tow_message *message) {
    tow_slice channel = tow_socket_channel(socket);
    tow_channel_access access = publishers(tow_hub_of(tow_websocket_hub(socket)), channel);
    if (access == TOW_ACCESS_NOBODY || access == TOW_ACCESS_TOKEN)
        tow_websocket_close(socket, TOW_CLOSE_POLICY, "publishing is not allowed here");
    else
        publish(socket, channel, (tow_slice){0}, tow_websocket_user(socket) != &no_echo, message);
}

void tow_plain_take(tow_websocket *socket, const tow_message *message) {
    plain *self = kept_of(socket);
    if (self != NULL)
        take(self, message);
    else
        take_of_anyone(socket, message);
}

/* The end. */

static void dismissed(tow_channel_guest *guest, tow_channel_dismissal why) {
    const plain *self = tow_visit_of_guest(guest)->owner;
    tow_dismissal_close(self->socket, why);
}

void tow_plain_end(tow_websocket *socket) {
    plain *self = kept_of(socket);
    if (self == NULL)
        return;
    if (self->is_asked)
        tow_visit_forget(self->visit, &self->question);
    tow_buffer_clear(&self->waiting);
    tow_visit_end(self->visit);
    free(self);
}
