#include "stream.h"

#include "codes.h"
#include "event_stream.h"
#include "query.h"
#include "text_form.h"
#include "transport/timer.h"

#include "reply.h"
#include "server/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct stream {
    tow_subscription subscription;
    tow_exchange *exchange;
    tow_visit *visit;
    tow_timer timer;
} stream;

static stream *stream_of(tow_subscription *subscription) {
    return (stream *)(void *)((char *)subscription - offsetof(stream, subscription));
}

/* Its end. */

static void clear(stream *self) {
    tow_metric_add(self->visit->door->metrics.streams, -1);
    tow_unsubscribe(&self->subscription);
    tow_timer_cancel(tow_exchange_loop(self->exchange), &self->timer);
    tow_visit_end(self->visit);
    free(self);
}

static void on_gone(tow_exchange *exchange, void *user) {
    (void)exchange;
    clear(user);
}

/* Behind what was written; a client that takes nothing is reset. Browsers come again, with the id that they
 * saw last. */
static void end(stream *self) {
    if (tow_exchange_end(self->exchange) == 0)
        clear(self);
    else
        tow_exchange_reset(self->exchange); /* on_gone follows */
}

static void on_end(tow_exchange *exchange, void *user) {
    (void)exchange;
    end(user);
}

/* Saying something. Who can't be told any more is reset, so that it comes again and hears what it missed. */

static void write_or_reset(stream *self, const void *data, size_t length) {
    int error = tow_exchange_write(self->exchange, data, length);
    if (error != 0 && error != TOW_ERROR_CLOSED)
        tow_exchange_reset(self->exchange);
}

static void say(stream *self, const char *event, const tow_position *position, const char *data) {
    char id[TOW_POSITION_TEXT_SIZE] = "";
    tow_buffer out = {0};
    if (position->epoch != 0)
        tow_position_write(id, position);
    if (tow_event_append(&out, tow_slice_from(event), id, tow_slice_from(data)) == 0)
        write_or_reset(self, out.data, out.length);
    else
        tow_exchange_reset(self->exchange);
    tow_buffer_clear(&out);
}

static void say_ended(stream *self, const char *code) {
    char data[64];
    snprintf(data, sizeof(data), "{\"code\":\"%s\"}", code);
    say(self, "towline.ended", &(tow_position){0}, data);
    end(self);
}

/* What the hub tells. An id without data is only remembered by the client. */

static void subscribed(tow_subscription *subscription, const tow_subscribed *what) {
    stream *self = stream_of(subscription);
    char position[TOW_POSITION_TEXT_SIZE], text[TOW_POSITION_TEXT_SIZE + 16];
    if (!what->is_whole)
        say(self, "towline.gap", what->missed == 0 ? &what->position : &(tow_position){0}, "{}");
    if (what->missed > 0)
        return;
    tow_position_write(position, &what->position);
    int length = snprintf(text, sizeof(text), "id: %s\n\n", position);
    write_or_reset(self, text, (size_t)length);
}

static int write(tow_buffer *out, const tow_published *published) {
    return tow_event_append_published(out, published);
}

static const tow_text_encoding events = {.encoding = TOW_TEXT_ENCODING, .write = write, .between = ""};

static bool takes(const tow_subscription *subscription) {
    return !tow_exchange_is_above_high_mark(((const stream *)(const void *)subscription)->exchange);
}

static void deliver(tow_subscription *subscription, tow_burst *burst) {
    stream *self = stream_of(subscription);
    const tow_buffer *form = tow_burst_form(burst, &events.encoding);
    tow_buffer out = {0};
    if (form != NULL)
        write_or_reset(self, form->data, form->length);
    else if (tow_text_form_append_burst(&out, &events, burst) == 0)
        write_or_reset(self, out.data, out.length);
    else
        tow_exchange_reset(self->exchange);
    tow_buffer_clear(&out);
}

static void missed(tow_subscription *subscription, const tow_gap *gap) {
    char data[40] = "{}";
    if (gap->count > 0)
        snprintf(data, sizeof(data), "{\"count\":%llu}", (unsigned long long)gap->count);
    const tow_position none = {0};
    say(stream_of(subscription), "towline.gap", gap->position.number > 0 ? &gap->position : &none, data);
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    say_ended(stream_of(subscription), tow_end_code(why));
}

static bool may_stay(const tow_subscription *subscription) {
    tow_visit *visit = ((const stream *)(const void *)subscription)->visit;
    return tow_visit_known(visit, tow_visit_channel(visit)) == TOW_CHANNEL_GRANTED;
}

static const tow_subscriber subscriber = {.subscribed = subscribed,
    .takes = takes,
    .deliver = deliver,
    .gap = missed,
    .ended = ended,
    .may_stay = may_stay};

static void on_drain(tow_exchange *exchange, void *user) {
    stream *self = user;
    (void)exchange;
    tow_subscription_ready(&self->subscription);
}

static void dismissed(tow_channel_guest *guest, tow_channel_dismissal why) {
    say_ended(tow_visit_of_guest(guest)->owner, tow_dismissal_code(why));
}

static void beat(tow_timer *timer);

static void set_timer(stream *self) {
    tow_loop *loop = tow_exchange_loop(self->exchange);
    tow_timer_set(loop, &self->timer, tow_loop_now(loop) + TOW_STREAM_BEAT_SECONDS * TOW_SECOND, beat);
}

static void beat(tow_timer *timer) {
    stream *self = (stream *)(void *)((char *)timer - offsetof(stream, timer));
    set_timer(self);
    if (tow_exchange_buffered_amount(self->exchange) == 0)
        write_or_reset(self, ":\n\n", 3);
}

/* The beginning. */

static int begin(stream *self) {
    static const tow_header_field fields[] = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
    const tow_exchange_events told = {
        .on_gone = on_gone, .on_end = on_end, .on_stop = on_end, .on_drain = on_drain, .user = self};
    int error = tow_reply_fields(self->exchange, fields, sizeof(fields) / sizeof(fields[0]));
    if (error == 0)
        error = tow_exchange_begin(self->exchange, 200, "text/event-stream", TOW_LENGTH_UNKNOWN);
    if (error == 0)
        error = tow_exchange_keep(self->exchange, &told);
    if (error != 0)
        return error;
    write_or_reset(self, "retry: 1000\n\n", 13);
    return 0;
}

static void refuse(tow_exchange *exchange, tow_visit *visit, int status, const char *why) {
    tow_exchange_reject(exchange, status, why);
    tow_visit_end(visit);
}

void tow_stream_begin(tow_exchange *exchange, const tow_request *request, tow_visit *visit) {
    tow_subscribe_options options = {0};
    const char *why = tow_query_read(&options, request);
    stream *self = why == NULL ? calloc(1, sizeof(*self)) : NULL;
    if (why != NULL) {
        refuse(exchange, visit, 400, why);
        return;
    }
    int error = self == NULL ? TOW_ERROR_MEMORY
                             : tow_subscribe(visit->part, &self->subscription, &subscriber,
                                   tow_visit_channel(visit), &options);
    if (error != 0) {
        free(self);
        refuse(exchange, visit, 503, tow_strerror(error));
        return;
    }
    self->exchange = exchange;
    self->visit = visit;
    tow_metric_add(visit->door->metrics.streams, 1);
    visit->owner = self;
    visit->guest.on_dismissed = dismissed;
    set_timer(self);
    if (begin(self) != 0) {
        clear(self);
        tow_exchange_reset(exchange);
    }
}
