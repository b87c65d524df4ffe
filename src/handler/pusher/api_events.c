/* What servers publish: an event to several channels, several events, and the same in the old manner; and the
 * end of a user's connections. */
#include "api.h"
#include "base/json.h"
#include "sign_in.h"
#include "socket_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <towline/error.h>

/* Publishing. */

static int publish_one(tow_pusher_job *job, const tow_pusher_order *order, tow_slice channel) {
    const tow_draft draft = {.event = order->event,
        .type = TOW_TEXT,
        .data = order->data,
        .leave_out = order->leave_out != 0 ? order->leave_out ^ job->app->mask : 0};
    tow_pusher_hub_name name;
    tow_pusher_app_hub_name(job->app, channel, &name);
    return tow_hub_ask_publish_more(&job->question, tow_pusher_hub_slice(&name), &draft);
}

/* Of one that is not published it is said at once, whatever becomes of those before it. */
static int publish_all(tow_pusher_job *job) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < job->orders.count; i++) {
        const tow_pusher_order *order = &job->orders.items[i];
        for (size_t j = 0; error == 0 && j < order->count; j++)
            error = publish_one(job, order, job->orders.channels[order->first + j]);
    }
    return error;
}

/* The answer: what is asked for of each channel. */

static bool is_asked(const tow_pusher_order *order) {
    return order->wanted.subscription_count || order->wanted.user_count;
}

static bool is_batch(const tow_pusher_job *job) {
    return strcmp(job->kind->first, "batch_events") == 0;
}

static tow_slice channel_now(const tow_pusher_job *job) {
    return job->orders.channels[job->orders.items[job->order].first + job->channel];
}

/* {"subscription_count":1,"user_count":1} */
static int counts_write(tow_pusher_job *job, const tow_hub_answer *answer) {
    const tow_pusher_wanted wanted = job->orders.items[job->order].wanted;
    const bool has_users =
        wanted.user_count && tow_pusher_channel_name_read(channel_now(job)).access == TOW_PUSHER_PRESENCE;
    const uint64_t subscribers = answer->count > 0 ? answer->channels[0].subscribers : 0,
                   users = answer->count > 0 ? answer->channels[0].users : 0;
    int error = tow_buffer_append_text(&job->out, "{");
    if (error == 0 && wanted.subscription_count)
        error = tow_buffer_append_format(&job->out, "\"subscription_count\":%" PRIu64, subscribers);
    if (error == 0 && has_users)
        error = tow_buffer_append_format(
            &job->out, "%s\"user_count\":%" PRIu64, wanted.subscription_count ? "," : "", users);
    return error != 0 ? error : tow_buffer_append_text(&job->out, "}");
}

static void ask(tow_pusher_job *job);

static void counted(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_pusher_job *job = tow_pusher_job_of(question);
    int error = answer->error;
    if (error == 0 && !is_batch(job)) {
        error = tow_buffer_append_text(&job->out, job->channel > 0 ? "," : "");
        if (error == 0)
            error = tow_json_append_string(&job->out, channel_now(job));
        if (error == 0)
            error = tow_buffer_append_text(&job->out, ":");
    }
    if (error == 0)
        error = counts_write(job, answer);
    if (error != 0) {
        tow_pusher_job_fail_by(job, error);
        return;
    }
    if (is_batch(job) || ++job->channel == job->orders.items[job->order].count) {
        job->channel = 0;
        job->order++;
    }
    ask(job);
}

/* Events of a batch of which nothing is asked have an empty object. */
static int skip(tow_pusher_job *job) {
    int error = 0;
    for (; error == 0 && job->order < job->orders.count; job->order++) {
        if (is_batch(job) && job->order > 0)
            error = tow_buffer_append_text(&job->out, ",");
        if (is_asked(&job->orders.items[job->order]))
            break;
        if (error == 0)
            error = tow_buffer_append_text(&job->out, "{}");
    }
    return error;
}

static void ask(tow_pusher_job *job) {
    int error = job->channel == 0 ? skip(job) : 0;
    if (error == 0 && job->order == job->orders.count) {
        error = tow_buffer_append_text(&job->out, is_batch(job) ? "]}" : "}}");
        if (error == 0) {
            tow_pusher_job_answer(job, 200);
            return;
        }
    }
    if (error == 0) {
        tow_pusher_hub_name name;
        tow_pusher_app_hub_name(job->app, channel_now(job), &name);
        job->question.answered = counted;
        error =
            tow_hub_ask_count(tow_exchange_hub(job->exchange), &job->question, tow_pusher_hub_slice(&name));
    }
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
}

static bool any_is_asked(const tow_pusher_job *job) {
    for (size_t i = 0; i < job->orders.count; i++)
        if (is_asked(&job->orders.items[i]))
            return true;
    return false;
}

static void all_published(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_pusher_job *job = tow_pusher_job_of(question);
    const bool asks = any_is_asked(job), is_whole = answer->count == job->orders.channel_count;
    int error = answer->error != 0 || is_whole ? answer->error : TOW_ERROR_REFUSED;
    if (error == 0)
        error = tow_buffer_append_text(&job->out, !asks           ? "{}"
                                                  : is_batch(job) ? "{\"batch\":["
                                                                  : "{\"channels\":{");
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
    else if (asks)
        ask(job);
    else
        tow_pusher_job_answer(job, 200);
}

static void publish(tow_pusher_job *job, tow_pusher_fault fault) {
    if (fault.status != 0) {
        tow_pusher_job_fail(job, fault.status, fault.text);
        return;
    }
    job->question.answered = all_published;
    int error = tow_hub_ask_publish_many(tow_exchange_hub(job->exchange), &job->question);
    if (error == 0)
        error = publish_all(job);
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
}

/* The calls. */

static void events(tow_pusher_job *job) {
    publish(job, tow_pusher_order_read(&job->orders, job->body));
}

static void batch_events(tow_pusher_job *job) {
    publish(job, tow_pusher_batch_read(&job->orders, job->body));
}

static void one_published(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_pusher_job *job = tow_pusher_job_of(question);
    if (answer->error != 0)
        tow_pusher_job_fail_by(job, answer->error);
    else
        tow_pusher_job_answer(job, 202);
}

/* POST /channels/NAME/events?name=EVENT: the body is the data. */
static void channel_events(tow_pusher_job *job) {
    const char *event = tow_pusher_job_parameter(job, "name"),
               *socket = tow_pusher_job_parameter(job, "socket_id");
    const tow_slice channel = tow_slice_from(job->name);
    tow_pusher_order order = {.event = tow_slice_from(event != NULL ? event : ""), .data = job->body};
    if (!tow_pusher_event_is_valid(order.event) ||
        tow_pusher_channel_name_read(channel).access == TOW_PUSHER_INVALID ||
        (socket != NULL && !tow_pusher_socket_id_read(tow_slice_from(socket), &order.leave_out)))
        tow_pusher_job_fail(job, 400, "the names of event, channel or connection are none");
    else if (job->body.length > TOW_PUSHER_DATA_MAX)
        tow_pusher_job_fail(job, 413, "the data of an event have at most 10,240 bytes");
    else {
        job->question.answered = one_published;
        int error = tow_hub_ask_publish_many(tow_exchange_hub(job->exchange), &job->question);
        if (error == 0)
            error = publish_one(job, &order, channel);
        if (error == TOW_ERROR_UTF8)
            tow_pusher_job_fail(job, 400, "the data are no UTF-8");
        else if (error != 0)
            tow_pusher_job_fail_by(job, error);
    }
}

static void terminated(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_pusher_job *job = tow_pusher_job_of(question);
    int error = answer->error;
    if (error == 0)
        error = tow_buffer_append_text(&job->out, "{}");
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
    else
        tow_pusher_job_answer(job, 200);
}

static void terminate(tow_pusher_job *job) {
    const tow_slice user = tow_slice_from(job->name);
    const tow_draft draft = {
        .event = tow_slice_from(TOW_PUSHER_TERMINATE), .type = TOW_TEXT, .not_kept = true};
    tow_pusher_hub_name name;
    if (!tow_pusher_user_is_valid(user)) {
        tow_pusher_job_fail(job, 400, "this is no user's id");
        return;
    }
    tow_pusher_app_bus_name(job->app, user, &name);
    job->question.answered = terminated;
    int error = tow_hub_ask_publish(
        tow_exchange_hub(job->exchange), &job->question, tow_pusher_hub_slice(&name), &draft);
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
}

const tow_pusher_call_kind tow_pusher_event_calls[] = {
    {"POST", "events", false, NULL, events},
    {"POST", "batch_events", false, NULL, batch_events},
    {"POST", "channels", true, "events", channel_events},
    {"POST", "users", true, "terminate_connections", terminate},
    {0},
};
