/* What servers ask: which channels there are, what is known of one, and who is in it. */
#include "api.h"
#include "base/json.h"
#include "transport/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <towline/error.h>

enum { PAGE = 500 /* channels or users at a time */ };

static tow_pusher_access access_of(const tow_pusher_job *job) {
    return tow_pusher_channel_name_read(tow_slice_from(job->name)).access;
}

static void hub_name_of(const tow_pusher_job *job, tow_pusher_hub_name *name) {
    tow_pusher_app_hub_name(job->app, tow_slice_from(job->name), name);
}

/* One channel. */

static int cache_write(tow_pusher_job *job, const tow_hub_answer *answer) {
    if (answer->count == 0)
        return tow_buffer_append_text(&job->out, ",\"cache\":null");
    const tow_published *last = answer->published[answer->count - 1];
    const int64_t now = tow_loop_wall_seconds(tow_exchange_loop(job->exchange));
    int64_t left = tow_published_milliseconds(last) / 1000 + job->app->settings.cache_seconds - now;
    int error = tow_buffer_append_text(&job->out, ",\"cache\":{\"data\":");
    if (error == 0)
        error = tow_json_append_string(&job->out, tow_published_data(last));
    return error != 0
               ? error
               : tow_buffer_append_format(&job->out, ",\"ttl\":%lld}", (long long)(left > 0 ? left : 0));
}

static void cache_known(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_pusher_job *job = tow_pusher_job_of(question);
    int error = answer->error;
    if (error == 0)
        error = cache_write(job, answer);
    if (error == 0)
        error = tow_buffer_append_text(&job->out, "}");
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
    else
        tow_pusher_job_answer(job, 200);
}

static int cache_ask(tow_pusher_job *job) {
    tow_pusher_hub_name name;
    hub_name_of(job, &name);
    job->question.answered = cache_known;
    return tow_hub_ask_history(
        tow_exchange_hub(job->exchange), &job->question, tow_pusher_hub_slice(&name), NULL, 1);
}

/* Behind {"occupied":true. */
static int counts_write(tow_pusher_job *job, uint64_t subscribers, uint64_t users) {
    int error = 0;
    if (job->wanted.user_count)
        error = tow_buffer_append_format(&job->out, ",\"user_count\":%" PRIu64, users);
    if (error == 0 && job->wanted.subscription_count)
        error = tow_buffer_append_format(&job->out, ",\"subscription_count\":%" PRIu64, subscribers);
    return error;
}

static void channel_known(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_pusher_job *job = tow_pusher_job_of(question);
    const uint64_t subscribers = answer->count > 0 ? answer->channels[0].subscribers : 0;
    const uint64_t users = answer->count > 0 ? answer->channels[0].users : 0;
    int error = answer->error;
    if (error == 0)
        error = tow_buffer_append_format(&job->out, "{\"occupied\":%s", subscribers > 0 ? "true" : "false");
    if (error == 0)
        error = counts_write(job, subscribers, users);
    if (error == 0 && job->wanted.cache) {
        error = cache_ask(job);
        if (error == 0)
            return;
    }
    if (error == 0)
        error = tow_buffer_append_text(&job->out, "}");
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
    else
        tow_pusher_job_answer(job, 200);
}

static void channel(tow_pusher_job *job) {
    tow_pusher_hub_name name;
    if (access_of(job) == TOW_PUSHER_INVALID) {
        tow_pusher_job_fail(job, 400, "this is no channel's name");
        return;
    }
    if (job->wanted.user_count && access_of(job) != TOW_PUSHER_PRESENCE) {
        tow_pusher_job_fail(job, 400, "user_count is for presence channels");
        return;
    }
    hub_name_of(job, &name);
    job->question.answered = channel_known;
    int error =
        tow_hub_ask_count(tow_exchange_hub(job->exchange), &job->question, tow_pusher_hub_slice(&name));
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
}

/* Its users. */

static void users_ask(tow_pusher_job *job);

static void after_set(tow_pusher_job *job, tow_slice after) {
    job->after_length = after.length;
    if (after.length > 0)
        memcpy(job->after, after.data, after.length);
}

static int users_write(tow_pusher_job *job, const tow_hub_answer *answer) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < answer->count; i++) {
        error = tow_buffer_append_text(&job->out, job->listed++ > 0 ? ",{\"id\":" : "{\"id\":");
        if (error == 0)
            error = tow_json_append_string(&job->out, answer->members[i].user);
        if (error == 0)
            error = tow_buffer_append_text(&job->out, "}");
    }
    if (answer->count > 0)
        after_set(job, answer->members[answer->count - 1].user);
    return error;
}

static void users_known(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_pusher_job *job = tow_pusher_job_of(question);
    const bool is_last = !answer->has_more || answer->count == 0;
    int error = answer->error;
    if (error == 0)
        error = users_write(job, answer);
    if (error == 0 && is_last)
        error = tow_buffer_append_text(&job->out, "]}");
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
    else
        tow_pusher_job_write(job, is_last, users_ask);
}

static void users_ask(tow_pusher_job *job) {
    tow_pusher_hub_name name;
    hub_name_of(job, &name);
    job->question.answered = users_known;
    int error = tow_hub_ask_members(tow_exchange_hub(job->exchange), &job->question,
        tow_pusher_hub_slice(&name), (tow_slice){job->after, job->after_length}, PAGE);
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
}

static void users(tow_pusher_job *job) {
    if (access_of(job) != TOW_PUSHER_PRESENCE)
        tow_pusher_job_fail(job, 400, "users are known in presence channels only");
    else if (tow_buffer_append_text(&job->out, "{\"users\":[") != 0)
        tow_pusher_job_fail_by(job, TOW_ERROR_MEMORY);
    else
        users_ask(job);
}

/* All channels. */

static void list_ask(tow_pusher_job *job);

/* Names that somebody is subscribed to, that are meant, and that were not told already. */
static bool is_listed(const tow_pusher_job *job, tow_slice name, const tow_channel_count *count) {
    return count->subscribers > 0 && tow_pusher_channel_name_read(name).access != TOW_PUSHER_INVALID &&
           tow_pusher_channel_name_read(name).access != TOW_PUSHER_USER &&
           name.length >= job->filter.length &&
           memcmp(name.data, job->filter.data, job->filter.length) == 0 &&
           tow_pusher_app_share_of(job->app, name) == job->share;
}

static int list_write_one(tow_pusher_job *job, tow_slice name, const tow_channel_count *count) {
    int error = tow_buffer_append_text(&job->out, job->listed++ > 0 ? "," : "");
    if (error == 0)
        error = tow_json_append_string(&job->out, name);
    if (error == 0)
        error = tow_buffer_append_text(&job->out, ":{");
    if (error == 0 && job->wanted.user_count)
        error = tow_buffer_append_format(&job->out, "\"user_count\":%" PRIu64, count->users);
    return error != 0 ? error : tow_buffer_append_text(&job->out, "}");
}

static int list_write(tow_pusher_job *job, const tow_hub_answer *answer) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < answer->count; i++) {
        const tow_slice name = tow_pusher_channel_of(answer->channels[i].name);
        if (is_listed(job, name, &answer->channels[i]))
            error = list_write_one(job, name, &answer->channels[i]);
    }
    if (answer->count > 0)
        after_set(job, answer->channels[answer->count - 1].name);
    return error;
}

/* What names in the hub begin with: the app's own, or those of a pattern that is shared. */
static void prefix_set(tow_pusher_job *job) {
    if (job->share < 0) {
        job->prefix_length = (size_t)snprintf(job->prefix, sizeof(job->prefix), "pusher/%s/%.*s",
            job->app->settings.id, (int)job->filter.length, job->filter.data);
        return;
    }
    const char *pattern = job->app->settings.share[job->share];
    job->prefix_length = strcspn(pattern, "*");
    memcpy(job->prefix, pattern, job->prefix_length);
}

/* Whether names of another kind are left. */
static bool next_prefix(tow_pusher_job *job) {
    const char *const *share = job->app->settings.share;
    if (share == NULL || share[job->share + 1] == NULL)
        return false;
    job->share++;
    job->after_length = 0;
    prefix_set(job);
    return true;
}

static void list_known(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_pusher_job *job = tow_pusher_job_of(question);
    int error = answer->error;
    if (error == 0)
        error = list_write(job, answer);
    const bool is_last = (!answer->has_more || answer->count == 0) && !next_prefix(job);
    if (error == 0 && is_last)
        error = tow_buffer_append_text(&job->out, "}}");
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
    else
        tow_pusher_job_write(job, is_last, list_ask);
}

static void list_ask(tow_pusher_job *job) {
    job->question.answered = list_known;
    int error = tow_hub_ask_channels(tow_exchange_hub(job->exchange), &job->question,
        (tow_slice){job->prefix, job->prefix_length}, (tow_slice){job->after, job->after_length}, PAGE);
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
}

static void channels(tow_pusher_job *job) {
    const char *filter = tow_pusher_job_parameter(job, "filter_by_prefix");
    job->filter = tow_slice_from(filter != NULL ? filter : "");
    job->share = -1;
    if (job->wanted.user_count && !tow_pusher_begins(job->filter, "presence-"))
        tow_pusher_job_fail(job, 400, "user_count needs filter_by_prefix=presence-");
    else if (job->filter.length > TOW_PUSHER_CHANNEL_MAX)
        tow_pusher_job_fail(job, 400, "filter_by_prefix is longer than any name");
    else if (tow_buffer_append_text(&job->out, "{\"channels\":{") != 0)
        tow_pusher_job_fail_by(job, TOW_ERROR_MEMORY);
    else {
        prefix_set(job);
        list_ask(job);
    }
}

const tow_pusher_call_kind tow_pusher_channel_calls[] = {
    {"GET", "channels", false, NULL, channels},
    {"GET", "channels", true, NULL, channel},
    {"GET", "channels", true, "users", users},
    {0},
};
