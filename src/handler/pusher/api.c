#include "api.h"

#include "http/percent.h"
#include "server/exchange.h"
#include "transport/loop.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    NAME_SENT_MAX = 3 * TOW_CHANNEL_NAME_MAX, /* bytes of a name as it may be sent */
    BODY_MAX = 1 << 20                        /* ten events, and what JSON makes of their data */
};

/* Which call it is. */

typedef struct parts {
    tow_slice items[4];
    size_t count; /* more than there is room for: none of ours */
} parts;

/* What stands between slashes behind "/apps/ID/". */
static parts parts_of(const char *path) {
    parts found = {.count = 0};
    tow_slice rest = tow_slice_from(path);
    for (size_t skipped = 0; skipped < 3 && rest.length > 0; rest.data++, rest.length--)
        skipped += rest.data[0] == '/';
    while (found.count < 4) {
        const char *slash = rest.length > 0 ? memchr(rest.data, '/', rest.length) : NULL;
        const size_t length = slash == NULL ? rest.length : (size_t)(slash - rest.data);
        found.items[found.count++] = (tow_slice){rest.data, length};
        if (slash == NULL)
            break;
        rest = (tow_slice){slash + 1, rest.length - length - 1};
    }
    return found;
}

static bool is_at(const tow_pusher_call_kind *kind, const parts *path) {
    const size_t count = (kind->has_name ? 2U : 1U) + (kind->last != NULL ? 1U : 0U);
    return path->count == count && tow_slice_equals(path->items[0], kind->first) &&
           (kind->last == NULL || tow_slice_equals(path->items[count - 1], kind->last));
}

/* NULL: `status` says why. */
static const tow_pusher_call_kind *kind_find(const char *method, const parts *path, int *status) {
    const tow_pusher_call_kind *const tables[] = {tow_pusher_event_calls, tow_pusher_channel_calls};
    *status = 404;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const tow_pusher_call_kind *kind = tables[i]; kind->method != NULL; kind++) {
            if (!is_at(kind, path))
                continue;
            if (strcmp(kind->method, method) == 0)
                return kind;
            *status = 405;
        }
    return NULL;
}

/* What the path says of a channel or user; false: nothing that could be one. */
static bool name_take(tow_pusher_job *job, const parts *path) {
    if (!job->kind->has_name)
        return true;
    char decoded[NAME_SENT_MAX + 1];
    if (path->items[1].length > NAME_SENT_MAX)
        return false;
    const char *end = tow_percent_decode(decoded, path->items[1]);
    if (end == NULL || end == decoded || (size_t)(end - decoded) > sizeof(job->name))
        return false;
    memcpy(job->name, decoded, (size_t)(end - decoded));
    return true;
}

/* Whether it is signed. */

static bool is_signed(tow_pusher_job *job, const tow_request *request) {
    const tow_pusher_call call = {.method = tow_slice_from(tow_request_method(request)),
        .path = tow_slice_from(tow_request_path(request)),
        .parameters = tow_request_parameters(request),
        .body = job->body};
    const char *why = call.parameters == NULL ? tow_strerror(TOW_ERROR_MEMORY)
                                              : tow_pusher_call_check(&job->app->credentials, &call,
                                                    tow_loop_wall_seconds(tow_exchange_loop(job->exchange)));
    if (why != NULL) {
        tow_metric_count(job->app->metrics.refused_calls);
        tow_pusher_job_fail(job, 401, why);
    }
    return why == NULL;
}

static void begin(tow_pusher_job *job) {
    const tow_request *request = tow_exchange_request(job->exchange);
    if (!is_signed(job, request))
        return;
    const char *info = tow_request_parameter(request, "info");
    job->wanted = tow_pusher_wanted_read(tow_slice_from(info != NULL ? info : ""));
    job->kind->begin(job);
}

static void body_came(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_pusher_job *job = user;
    (void)exchange;
    job->body = (tow_slice){length > 0 ? body : "", length};
    begin(job);
}

static tow_pusher_job *job_new(
    tow_exchange *exchange, const tow_request *request, const parts *path, const tow_pusher_call_kind *kind) {
    tow_pusher_job *job = calloc(1, sizeof(*job));
    if (job == NULL)
        return NULL;
    job->exchange = exchange;
    job->app = tow_request_user(request);
    job->kind = kind;
    if (name_take(job, path) && tow_pusher_job_begin(job) == 0)
        return job;
    free(job);
    return NULL;
}

static bool is_api(const tow_request *request) {
    return strncmp(tow_request_path(request), "/apps/", 6) == 0;
}

void tow_pusher_reject(tow_exchange *exchange, const tow_request *request, int status, const char *why) {
    bool is_for_api = is_api(request);
    (void)tow_exchange_reject(
        exchange, is_for_api ? status : 426, is_for_api ? why : "this is for WebSocket");
}

void tow_pusher_request(tow_exchange *exchange, const tow_request *request) {
    const tow_pusher_app *app = tow_request_user(request);
    const parts path = parts_of(tow_request_path(request));
    int status = 404;
    const tow_pusher_call_kind *kind =
        is_api(request) ? kind_find(tow_request_method(request), &path, &status) : NULL;
    if (kind == NULL) {
        tow_pusher_reject(exchange, request, status, "there is no such call");
        return;
    }
    if (app->settings.disabled) {
        (void)tow_exchange_reject(exchange, 403, "this app is disabled");
        return;
    }
    tow_pusher_job *job = job_new(exchange, request, &path, kind);
    if (job == NULL)
        (void)tow_exchange_reject(exchange, 404, "there is no such channel or user");
    else
        (void)tow_exchange_read_body(exchange, BODY_MAX, body_came, job);
}

void tow_pusher_admit(tow_exchange *exchange, const tow_request *request) {
    if (is_api(request) && tow_request_header(request, "Sec-WebSocket-Key") != NULL)
        (void)tow_exchange_reject(exchange, 404, "this is for requests of an app's servers");
    else
        (void)tow_exchange_accept(exchange, NULL);
}
