#include "poll.h"

#include "codes.h"
#include "envelope_write.h"
#include "query.h"
#include "text_form.h"
#include "transport/timer.h"

#include "reply.h"
#include "server/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct poll {
    tow_subscription subscription;
    tow_exchange *exchange;
    tow_visit *visit;
    tow_timer timer;
    tow_position position; /* of the last message that it has */
    size_t missed;         /* messages that are still to come of those before it came */
    bool has_since;
    bool at_once; /* it does not wait for what comes */
    bool is_whole;
    tow_buffer messages; /* envelopes, with commas */
} poll;

static poll *poll_of(tow_subscription *subscription) {
    return (poll *)(void *)((char *)subscription - offsetof(poll, subscription));
}

static void clear(poll *self) {
    tow_metric_add(self->visit->door->metrics.polls, -1);
    tow_unsubscribe(&self->subscription);
    tow_timer_cancel(tow_exchange_loop(self->exchange), &self->timer);
    tow_visit_end(self->visit);
    tow_buffer_clear(&self->messages);
    free(self);
}

static void on_gone(tow_exchange *exchange, void *user) {
    (void)exchange;
    clear(user);
}

/* The answer. */

static int body_write(tow_buffer *out, const poll *self) {
    char position[TOW_POSITION_TEXT_SIZE];
    tow_position_write(position, &self->position);
    int error = tow_buffer_append_format(out, "{\"position\":\"%s\"", position);
    if (error == 0 && self->has_since)
        error = tow_envelope_add_flag(out, "whole", self->is_whole);
    if (error == 0)
        error = tow_buffer_append_text(out, ",\"messages\":[");
    if (error == 0)
        error = tow_buffer_append(out, self->messages.data, self->messages.length);
    return error != 0 ? error : tow_buffer_append_text(out, "]}\n");
}

/* Everything is told from outside of the exchange's own callbacks, but its end. */
static void answer(poll *self) {
    static const tow_header_field field = {"Cache-Control", "no-store"};
    tow_buffer body = {0};
    int error = body_write(&body, self);
    if (error == 0)
        error = tow_reply_fields(self->exchange, &field, 1);
    if (error == 0)
        error = tow_exchange_respond(self->exchange, 200, "application/json", body.data, body.length);
    tow_buffer_clear(&body);
    if (error != 0)
        tow_exchange_reset(self->exchange); /* on_gone follows */
    else
        clear(self);
}

static void reject(poll *self, int status, const char *reason) {
    if (tow_exchange_reject(self->exchange, status, reason) == 0)
        clear(self);
    else
        tow_exchange_reset(self->exchange);
}

/* With what there is, if it is subscribed by now. */
static void answer_or_reject(poll *self, const char *reason) {
    if (self->position.epoch != 0)
        answer(self);
    else
        reject(self, 503, reason);
}

static void on_time(tow_timer *timer) {
    answer_or_reject((poll *)(void *)((char *)timer - offsetof(poll, timer)), "the channel does not answer");
}

static void on_stop(tow_exchange *exchange, void *user) {
    (void)exchange;
    answer_or_reject(user, "the server is going away");
}

/* What the hub tells. Who did not say what it saw last learns where it is, and asks from there. */

static void subscribed(tow_subscription *subscription, const tow_subscribed *what) {
    poll *self = poll_of(subscription);
    self->position = what->position;
    self->missed = what->missed;
    self->is_whole = what->is_whole;
    if (what->missed == 0 && (!self->has_since || !what->is_whole || self->at_once))
        answer(self);
}

static int write(tow_buffer *out, const tow_published *published) {
    return tow_envelope_write_published(out, published);
}

static const tow_text_encoding envelopes = {.encoding = TOW_TEXT_ENCODING, .write = write, .between = ","};

static void deliver(tow_subscription *subscription, tow_burst *burst) {
    poll *self = poll_of(subscription);
    size_t count = tow_burst_count(burst);
    if (tow_text_form_append_burst(&self->messages, &envelopes, burst) != 0) {
        tow_exchange_reset(self->exchange);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const tow_position position = tow_published_position(tow_burst_at(burst, i));
        self->position = position.number != 0 ? position : self->position;
    }
    self->missed -= count < self->missed ? count : self->missed;
    if (self->missed == 0)
        answer(self);
}

static void missed(tow_subscription *subscription, const tow_gap *gap) {
    (void)gap;
    poll_of(subscription)->is_whole = false;
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    reject(poll_of(subscription), why == TOW_SUBSCRIPTION_REVOKED ? 403 : 503, tow_end_code(why));
}

static bool may_stay(const tow_subscription *subscription) {
    tow_visit *visit = ((const poll *)(const void *)subscription)->visit;
    return tow_visit_known(visit, tow_visit_channel(visit)) == TOW_CHANNEL_GRANTED;
}

static const tow_subscriber subscriber = {
    .subscribed = subscribed, .deliver = deliver, .gap = missed, .ended = ended, .may_stay = may_stay};

static void dismissed(tow_channel_guest *guest, tow_channel_dismissal why) {
    reject(tow_visit_of_guest(guest)->owner, why == TOW_CHANNEL_EXPIRED ? 401 : 403, tow_dismissal_code(why));
}

/* The beginning. */

/* NULL, or what is wrong with the query. */
static const char *query_read(
    poll *self, tow_subscribe_options *options, long *seconds, const tow_request *request) {
    const char *why = tow_query_read(options, request);
    if (why == NULL && !tow_query_number(seconds, request, "wait", TOW_POLL_SECONDS_MAX))
        why = "wait: 0 to 60";
    self->has_since = options->since.epoch != 0;
    self->at_once = *seconds == 0;
    return why;
}

static void refuse(poll *self, tow_exchange *exchange, tow_visit *visit, int status, const char *why) {
    free(self);
    tow_exchange_reject(exchange, status, why);
    tow_visit_end(visit);
}

static void wait_for(poll *self, long seconds) {
    const tow_exchange_events told = {.on_gone = on_gone, .on_stop = on_stop, .user = self};
    tow_loop *loop = tow_exchange_loop(self->exchange);
    if (self->at_once)
        seconds = TOW_POLL_SECONDS; /* only for a channel that does not answer */
    tow_timer_set(loop, &self->timer, tow_loop_now(loop) + seconds * TOW_SECOND, on_time);
    (void)tow_exchange_keep(self->exchange, &told); /* it can be kept in on_request */
}

void tow_poll_begin(tow_exchange *exchange, const tow_request *request, tow_visit *visit) {
    poll *self = calloc(1, sizeof(*self));
    tow_subscribe_options options = {0};
    long seconds = TOW_POLL_SECONDS;
    if (self == NULL) {
        refuse(self, exchange, visit, 503, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    const char *why = query_read(self, &options, &seconds, request);
    if (why != NULL) {
        refuse(self, exchange, visit, 400, why);
        return;
    }
    int error =
        tow_subscribe(visit->part, &self->subscription, &subscriber, tow_visit_channel(visit), &options);
    if (error != 0) {
        refuse(self, exchange, visit, 503, tow_strerror(error));
        return;
    }
    self->exchange = exchange;
    self->visit = visit;
    tow_metric_add(visit->door->metrics.polls, 1);
    visit->owner = self;
    visit->guest.on_dismissed = dismissed;
    wait_for(self, seconds);
}
