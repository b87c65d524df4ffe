#include "job.h"

#include "answer.h"

#include <stdlib.h>
#include <towline/error.h>

#define JSON "application/json"

/* Where there is an exchange. */
static void respond(tow_exchange *exchange, int status, int error, tow_buffer *body) {
    static const char none[] = "{\"error\":\"out of memory\"}\n";
    if (exchange == NULL) {
        tow_buffer_clear(body);
        return;
    }
    if (status == 503)
        (void)tow_exchange_field(exchange, "Retry-After", "1");
    (void)tow_exchange_field(exchange, "Cache-Control", "no-store");
    if (error != 0)
        tow_exchange_respond(exchange, 503, JSON, none, sizeof(none) - 1);
    else
        tow_exchange_respond(exchange, status, JSON, body->data, body->length);
    tow_buffer_clear(body);
}

void tow_refuse_publish(tow_exchange *exchange, int status, const char *why) {
    tow_buffer body = {0};
    int error = tow_answer_error(&body, why);
    respond(exchange, status, error, &body);
}

static void job_free(tow_job *job) {
    tow_repeats_release(job->repeats);
    free(job);
}

/* It may have been published, and is not tried again. */
static void end_unknown(tow_job *job) {
    static const tow_outcome unknown = {0};
    if (job->is_entered)
        tow_repeats_end(job->repeats, &job->repeat, &unknown);
    job_free(job);
}

/* Nobody hears the answer. */
static void gone(tow_exchange *exchange, void *user) {
    tow_job *job = user;
    (void)exchange;
    job->exchange = NULL;
    if (job->is_entered && job->question.part != NULL)
        return;
    tow_hub_forget(&job->question);
    end_unknown(job);
}

static void dropped(tow_hub_question *question) {
    tow_job *job = (tow_job *)(void *)question;
    if (job->exchange == NULL)
        end_unknown(job);
}

tow_job *tow_job_begin(tow_exchange *exchange, tow_repeats *repeats) {
    tow_job *job = calloc(1, sizeof(*job));
    const tow_exchange_events events = {.on_gone = gone, .user = job};
    if (job != NULL && tow_exchange_keep(exchange, &events) == 0) {
        job->question.dropped = dropped;
        job->exchange = exchange;
        job->repeats = tow_repeats_retain(repeats);
        return job;
    }
    free(job);
    tow_refuse_publish(exchange, 503, tow_strerror(TOW_ERROR_MEMORY));
    return NULL;
}

tow_slice tow_job_channel(const tow_job *job) {
    return (tow_slice){job->name, job->name_length};
}

/* The exchange, if there is one, which nobody waits for any more. */
static tow_exchange *end(tow_job *job) {
    tow_exchange *exchange = job->exchange;
    if (exchange != NULL)
        tow_exchange_keep(exchange, NULL);
    job_free(job);
    return exchange;
}

void tow_job_answer(tow_job *job, int error, tow_buffer *body) {
    respond(end(job), 200, error, body);
}

void tow_job_refuse(tow_job *job, int status, const char *why) {
    if (job->is_entered)
        tow_repeats_forget(job->repeats, &job->repeat);
    tow_refuse_publish(end(job), status, why);
}

void tow_job_fail(tow_job *job, int error) {
    switch (error) {
    case TOW_ERROR_ARGUMENT:
        tow_job_refuse(job, 400, "the event, the key or the type of the publication is none");
        break;
    case TOW_ERROR_UTF8:
        tow_job_refuse(
            job, 400, "a text is UTF-8; for other bytes say Content-Type: application/octet-stream");
        break;
    case TOW_ERROR_MESSAGE_TOO_LARGE:
        tow_job_refuse(job, 413, "the publication is too large");
        break;
    case TOW_ERROR_UNSUPPORTED:
        tow_job_refuse(job, 409, "the channel has no presence");
        break;
    case TOW_ERROR_QUEUE_FULL:
        tow_job_refuse(job, 503, "subscribers have too much to do: nobody has got it");
        break;
    case TOW_ERROR_LIMIT:
        tow_job_refuse(job, 503, "there are too many channels");
        break;
    case TOW_ERROR_REFUSED:
        tow_job_refuse(job, 503, "the store of channels does not answer");
        break;
    default:
        tow_job_refuse(job, 503, tow_strerror(error));
        break;
    }
}

void tow_job_answered(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_job *job = (tow_job *)(void *)question;
    tow_buffer body = {0};
    if (answer->error != 0) {
        tow_job_fail(job, answer->error);
        return;
    }
    if (job->must_exist && !answer->exists) {
        tow_job_refuse(job, 404, "there is no such channel now");
        return;
    }
    if (job->is_entered) {
        const tow_outcome outcome = {answer->position, answer->subscribers};
        tow_repeats_end(job->repeats, &job->repeat, &outcome);
    }
    int error = job->write(&body, answer);
    tow_job_answer(job, error, &body);
}
