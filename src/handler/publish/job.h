/* job: one request to publish or to tell, from its key on until its answer: it keeps the exchange, and what
 * the hub is asked for it. A publication with an idempotency key is waited for also when its client has left,
 * so that who asks again learns what became of it. */
#ifndef TOW_HANDLER_PUBLISH_JOB_H
#define TOW_HANDLER_PUBLISH_JOB_H

#include "base/buffer.h"
#include "hub/hub.h"
#include "repeats.h"
#include "server/exchange.h"

typedef struct tow_job tow_job;

struct tow_job {
    tow_hub_question question; /* first */
    tow_exchange *exchange;    /* NULL: the client has left */
    tow_repeats *repeats;
    tow_repeat repeat;
    bool is_entered;                                             /* in the repeats, as under way */
    int (*write)(tow_buffer *out, const tow_hub_answer *answer); /* what the hub tells */
    bool must_exist;                                             /* the channel; else it is 404 */
    size_t name_length;                                          /* 0: it is about all channels */
    char name[TOW_CHANNEL_NAME_MAX];
};

/* Begins one with an exchange that is not answered, and keeps that. NULL: it has been refused. */
tow_job *tow_job_begin(tow_exchange *exchange, tow_repeats *repeats);

tow_slice tow_job_channel(const tow_job *job);

/* What follows ends the job, which is gone then. A body is taken, whether or not it could be made. */
void tow_job_answer(tow_job *job, int error, tow_buffer *body);
void tow_job_refuse(tow_job *job, int status, const char *why);
/* With the status and the words that a tow_error of the hub's has. */
void tow_job_fail(tow_job *job, int error);

/* For the question: the job is answered with what `write` makes of the hub's answer. */
void tow_job_answered(tow_hub_question *question, const tow_hub_answer *answer);

/* An answer without a job. */
void tow_refuse_publish(tow_exchange *exchange, int status, const char *why);

#endif
