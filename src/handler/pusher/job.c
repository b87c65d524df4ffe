#include "job.h"

#include "server/exchange.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>

/* Ends. */

static void job_free(tow_pusher_job *job) {
    tow_hub_forget(&job->question);
    tow_pusher_orders_clear(&job->orders);
    tow_buffer_clear(&job->out);
    free(job);
}

/* What happens to the exchange from now on does not concern the job, which is about to be freed. */
static tow_exchange *let_go(const tow_pusher_job *job) {
    (void)tow_exchange_keep(job->exchange, NULL);
    return job->exchange;
}

/* A client that could not be answered does not wait for it. */
static void respond(tow_exchange *exchange, int status, const char *type, const void *body, size_t length) {
    if (tow_exchange_respond(exchange, status, type, body, length) != 0)
        tow_exchange_reset(exchange);
}

void tow_pusher_job_answer(tow_pusher_job *job, int status) {
    respond(let_go(job), status, "application/json", job->out.data, job->out.length);
    job_free(job);
}

void tow_pusher_job_fail(tow_pusher_job *job, int status, const char *text) {
    char line[256];
    int length = snprintf(line, sizeof(line), "%s\n", text);
    tow_exchange *exchange = let_go(job);
    if (job->is_begun)
        tow_exchange_reset(exchange);
    else {
        if (status == 503)
            (void)tow_exchange_field(exchange, "Retry-After", "1");
        respond(exchange, status, "text/plain; charset=utf-8", line, (size_t)length);
    }
    job_free(job);
}

void tow_pusher_job_fail_by(tow_pusher_job *job, int error) {
    tow_pusher_job_fail(job, error == TOW_ERROR_ARGUMENT ? 400 : 503, tow_strerror(error));
}

tow_pusher_job *tow_pusher_job_of(tow_hub_question *question) {
    return (tow_pusher_job *)(void *)((char *)question - offsetof(tow_pusher_job, question));
}

const char *tow_pusher_job_parameter(const tow_pusher_job *job, const char *name) {
    return tow_request_parameter(tow_exchange_request(job->exchange), name);
}

/* Pieces. */

static void gone(tow_exchange *exchange, void *user) {
    tow_pusher_job *job = user;
    (void)exchange;
    job_free(job);
}

static void drained(tow_exchange *exchange, void *user) {
    tow_pusher_job *job = user;
    void (*go_on)(tow_pusher_job * job) = job->go_on;
    (void)exchange;
    job->go_on = NULL;
    if (go_on != NULL)
        go_on(job);
}

void tow_pusher_job_write(tow_pusher_job *job, bool is_last, void (*go_on)(tow_pusher_job *job)) {
    int error =
        job->is_begun ? 0 : tow_exchange_begin(job->exchange, 200, "application/json", TOW_LENGTH_UNKNOWN);
    if (error == 0) {
        job->is_begun = true;
        error = tow_exchange_write(job->exchange, job->out.data, job->out.length);
    }
    if (error == 0 && is_last)
        error = tow_exchange_end(job->exchange);
    job->out.length = 0;
    if (error != 0)
        tow_pusher_job_fail_by(job, error);
    else if (is_last)
        job_free(job);
    else if (tow_exchange_is_above_high_mark(job->exchange))
        job->go_on = go_on;
    else
        go_on(job);
}

int tow_pusher_job_begin(tow_pusher_job *job) {
    return tow_exchange_keep(
        job->exchange, &(tow_exchange_events){.on_gone = gone, .on_drain = drained, .user = job});
}
