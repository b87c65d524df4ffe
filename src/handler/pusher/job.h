/* job: a request to an app's HTTP interface that is being answered, and how it ends. */
#ifndef TOW_HANDLER_PUSHER_JOB_H
#define TOW_HANDLER_PUSHER_JOB_H

#include "app.h"
#include "base/buffer.h"
#include "order.h"
#include "server/channels.h"

typedef struct tow_pusher_call_kind tow_pusher_call_kind; /* api.h */
typedef struct tow_pusher_job tow_pusher_job;
struct tow_pusher_job {
    tow_exchange *exchange;
    tow_pusher_app *app; /* its route's */
    const tow_pusher_call_kind *kind;
    char name[TOW_CHANNEL_NAME_MAX + 1]; /* of the channel or user in the path, decoded */
    tow_slice body;                      /* lent while the call begins */
    tow_pusher_wanted wanted;
    tow_hub_question question;
    tow_buffer out;
    bool is_begun;                      /* the answer goes out in pieces */
    void (*go_on)(tow_pusher_job *job); /* when the client has taken enough */
    /* of events */
    tow_pusher_orders orders;
    size_t order, channel; /* which is asked for */
    /* of lists */
    tow_slice filter; /* of names; lives as long as the exchange */
    char prefix[TOW_CHANNEL_NAME_MAX], after[TOW_CHANNEL_NAME_MAX];
    size_t prefix_length, after_length;
    int share;     /* whose names are listed; -1: the app's own */
    size_t listed; /* so far */
};

/* Keeps the exchange: the job goes with it. Errors: as tow_exchange_keep. */
int tow_pusher_job_begin(tow_pusher_job *job);

/* Ends of a job, which is gone then. */
void tow_pusher_job_answer(tow_pusher_job *job, int status); /* with what `out` holds, JSON */
void tow_pusher_job_fail(tow_pusher_job *job, int status, const char *text);
void tow_pusher_job_fail_by(tow_pusher_job *job, int error); /* of the hub */

/* Sends what `out` holds as a piece of the answer; `is_last` ends it, and the job. Otherwise `go_on` comes,
 * at once or when the client has taken enough. */
void tow_pusher_job_write(tow_pusher_job *job, bool is_last, void (*go_on)(tow_pusher_job *job));

/* The job of a question. */
tow_pusher_job *tow_pusher_job_of(tow_hub_question *question);

/* A parameter of the query, or NULL. */
const char *tow_pusher_job_parameter(const tow_pusher_job *job, const char *name);

#endif
