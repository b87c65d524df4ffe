#include "posting.h"

#include "answer.h"
#include "base/json.h"
#include "batch.h"
#include "caller.h"
#include "server/channels.h"
#include "transport/timer.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

enum { IDEMPOTENCY_KEY_MAX = 200 };

static tow_slice slice_of(const char *text) {
    return text != NULL ? tow_slice_from(text) : (tow_slice){"", 0};
}

/* Idempotency. */

static void outcome_answer(tow_job *job, const tow_outcome *outcome) {
    tow_buffer body = {0};
    int error = tow_buffer_append_format(&body, "{\"%s\":%" PRIu64 ",\"repeated\":true",
        job->name_length > 0 ? "subscribers" : "published", outcome->count);
    if (error == 0)
        error = tow_answer_position(&body, &outcome->position);
    if (error == 0)
        error = tow_buffer_append_text(&body, "}\n");
    tow_job_answer(job, error, &body);
}

/* What one key's owner calls a request says nothing to another's. */
static int repeat_make(tow_repeat *repeat, const tow_request *request, tow_slice key, tow_slice body) {
    const tow_slice parts[] = {
        slice_of(tow_request_target(request)), slice_of(tow_request_header(request, "Content-Type")), body};
    tow_caller caller;
    tow_caller_find(&caller, request);
    int error = tow_repeat_make(repeat, caller.key, key, parts, 3);
    tow_caller_clear(&caller);
    return error;
}

/* False: the job has been answered, as it is not the first of its key. */
static bool is_first(tow_job *job, const tow_request *request, tow_slice body) {
    const tow_slice key = slice_of(tow_request_header(request, "Idempotency-Key"));
    tow_outcome outcome = {0};
    if (key.length == 0)
        return true;
    if (key.length > IDEMPOTENCY_KEY_MAX) {
        tow_job_refuse(job, 400, "Idempotency-Key has at most 200 bytes");
        return false;
    }
    int error = repeat_make(&job->repeat, request, key, body);
    if (error != 0) {
        tow_job_fail(job, error);
        return false;
    }
    int64_t now = tow_loop_now(tow_exchange_loop(job->exchange)) / TOW_SECOND;
    switch (tow_repeats_begin(job->repeats, &job->repeat, now, &outcome)) {
    case TOW_REPEATS_NEW:
        job->is_entered = true;
        return true;
    case TOW_REPEATS_DONE:
        outcome_answer(job, &outcome);
        return false;
    case TOW_REPEATS_UNDER_WAY:
        tow_job_refuse(job, 409, "a request with this Idempotency-Key is under way");
        return false;
    case TOW_REPEATS_FULL:
        tow_job_refuse(job, 503, "too many requests with an Idempotency-Key are under way");
        return false;
    case TOW_REPEATS_OTHER:
        break;
    }
    tow_job_refuse(job, 422, "this Idempotency-Key was used for another request");
    return false;
}

/* One. */

static int one_write(tow_buffer *out, const tow_hub_answer *answer) {
    int error = tow_buffer_append_format(out, "{\"subscribers\":%" PRIu64, answer->subscribers);
    if (error == 0)
        error = tow_answer_position(out, &answer->position);
    return error != 0 ? error : tow_buffer_append_text(out, "}\n");
}

/* Whether the media type is this one, whatever its parameters. */
static bool is_type(const char *field, const char *type) {
    size_t length = strlen(type);
    return field != NULL && strncasecmp(field, type, length) == 0 &&
           (field[length] == '\0' || strchr("; \t", field[length]) != NULL);
}

/* False: it says that it is JSON, and is not. */
static bool data_take(tow_draft *draft, const char *type, tow_slice body) {
    draft->type = is_type(type, "application/octet-stream") ? TOW_BINARY : TOW_TEXT;
    draft->data = body;
    if (!is_type(type, "application/json"))
        return true;
    draft->form = TOW_DATA_JSON;
    return tow_json_read(body, &draft->data) == 0;
}

static bool is_broken(const char *query) {
    for (const char *at = strchr(query, '%'); at != NULL; at = strchr(at + 1, '%'))
        if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
            return true;
    return false;
}

void tow_post_one(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_job *job = user;
    const tow_request *request = tow_exchange_request(exchange);
    const tow_slice data = {length > 0 ? body : "", length};
    tow_draft draft = {.event = slice_of(tow_request_parameter(request, "event")),
        .key = slice_of(tow_request_parameter(request, "key"))};
    if (is_broken(tow_request_query(request))) {
        tow_job_refuse(job, 400, "behind a percent sign in the query are no two hexadecimal digits");
        return;
    }
    if (tow_slice_has_control(draft.event) || tow_slice_has_control(draft.key)) {
        tow_job_refuse(job, 400, "the event, and the key, have no control characters");
        return;
    }
    if (!data_take(&draft, tow_request_header(request, "Content-Type"), data)) {
        tow_job_refuse(job, 400, "this is no JSON, as Content-Type says it is");
        return;
    }
    if (!is_first(job, request, data))
        return;
    job->write = one_write;
    int error = tow_hub_ask_publish(tow_exchange_hub(exchange), &job->question, tow_job_channel(job), &draft);
    if (error != 0)
        tow_job_fail(job, error);
}

/* Many. */

static int many_write(tow_buffer *out, const tow_hub_answer *answer) {
    return tow_buffer_append_format(out, "{\"published\":%zu}\n", answer->count);
}

static void many_answered(tow_hub_question *question, const tow_hub_answer *answer) {
    tow_job *job = (tow_job *)(void *)question;
    const tow_outcome outcome = {.count = answer->count};
    tow_buffer body = {0};
    if (answer->error != 0) {
        tow_job_fail(job, answer->error);
        return;
    }
    if (job->is_entered)
        tow_repeats_end(job->repeats, &job->repeat, &outcome);
    int error = many_write(&body, answer);
    tow_job_answer(job, error, &body);
}

/* What comes behind one that can't be published is not. */
static void batch_publish(tow_job *job, const tow_batch *batch) {
    job->question.answered = many_answered;
    int error = tow_hub_ask_publish_many(tow_exchange_hub(job->exchange), &job->question);
    if (error != 0) {
        tow_job_fail(job, error);
        return;
    }
    for (size_t i = 0; error == 0 && i < batch->count; i++)
        error = tow_hub_ask_publish_more(&job->question, batch->items[i].channel, &batch->items[i].draft);
}

void tow_post_many(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_job *job = user;
    const tow_slice json = {length > 0 ? body : "", length};
    char why[TOW_BATCH_TEXT_MAX];
    tow_batch batch;
    int error = tow_batch_read(&batch, json, why);
    if (error != 0)
        tow_job_refuse(job, error == TOW_ERROR_MEMORY ? 503 : 400, why);
    else if (is_first(job, tow_exchange_request(exchange), json))
        batch_publish(job, &batch);
    tow_batch_clear(&batch);
}
