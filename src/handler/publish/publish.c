#include "handler/publish.h"

#include "answer.h"
#include "caller.h"
#include "handler/channels.h"
#include "handler/publish_key.h"
#include "options.h"
#include "posting.h"
#include "secret_file.h"
#include "server/channels.h"
#include "server/metric.h"
#include "token_list.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>
#include <unistd.h>

enum { BODY_MAX = 1 << 20, LIST_DEFAULT = 100, LIST_MAX = 1000 };

typedef struct publish {
    tow_handler_log log;
    char *file; /* of the keys */
    size_t max_body;
    size_t prefix; /* how much of a request's path is the route's own; 0: all */
    const tow_channels *channels;
    tow_repeats *repeats;
    tow_metric *refused;   /* who had no key, or a wrong one */
    pthread_mutex_t mutex; /* guards the next */
    tow_token_list *keys;  /* NULL: there is none, and nobody may */
} publish;

/* The key. */

static bool has_key(publish *self, tow_slice key) {
    pthread_mutex_lock(&self->mutex);
    tow_token_list *keys = self->keys != NULL ? tow_token_list_retain(self->keys) : NULL;
    pthread_mutex_unlock(&self->mutex);
    bool found = keys != NULL && tow_token_list_have(keys, key);
    tow_token_list_release(keys);
    return found;
}

static bool is_allowed(publish *self, const tow_request *request) {
    tow_caller caller;
    tow_caller_find(&caller, request);
    bool allowed = has_key(self, caller.key);
    tow_caller_clear(&caller);
    return allowed;
}

static void ask_for_key(const publish *self, tow_exchange *exchange) {
    tow_metric_count(self->refused);
    (void)tow_exchange_field(exchange, "WWW-Authenticate", "Bearer realm=\"towline publish\"");
    tow_refuse_publish(exchange, 401, "a key is needed: Authorization: Bearer KEY");
}

/* What is asked for. */

static tow_slice parameter(const tow_request *request, const char *name) {
    const char *value = tow_request_parameter(request, name);
    return value != NULL ? tow_slice_from(value) : (tow_slice){"", 0};
}

/* 0: it is no number from 1 to 1,000. */
static size_t limit_of(const tow_request *request) {
    const char *text = tow_request_parameter(request, "limit");
    char *end;
    if (text == NULL)
        return LIST_DEFAULT;
    unsigned long limit = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    return limit >= 1 && limit <= LIST_MAX && *end == '\0' ? limit : 0;
}

static void wait_for_hub(tow_job *job, int error) {
    if (error != 0)
        tow_job_fail(job, error);
}

static void tell_channels(publish *self, tow_job *job, const tow_request *request) {
    tow_slice prefix = parameter(request, "prefix");
    (void)self;
    if (!tow_channel_prefix_is_valid(prefix)) {
        tow_job_refuse(job, 400, "prefix begins no name of a channel");
        return;
    }
    job->write = tow_answer_channels;
    wait_for_hub(job, tow_hub_ask_channels(tow_exchange_hub(job->exchange), &job->question, prefix,
                          parameter(request, "after"), limit_of(request)));
}

static void tell_history(tow_job *job, const tow_request *request) {
    tow_slice since = parameter(request, "since");
    tow_position position = {0};
    if (since.length > 0 && tow_position_read(&position, since) != 0) {
        tow_job_refuse(job, 400, "since is no position EPOCH:NUMBER");
        return;
    }
    job->write = tow_answer_history;
    wait_for_hub(job, tow_hub_ask_history(tow_exchange_hub(job->exchange), &job->question,
                          tow_job_channel(job), &position, limit_of(request)));
}

static void tell_members(tow_job *job, const tow_request *request) {
    job->write = tow_answer_members;
    wait_for_hub(job, tow_hub_ask_members(tow_exchange_hub(job->exchange), &job->question,
                          tow_job_channel(job), parameter(request, "after"), limit_of(request)));
}

static void tell_channel(publish *self, tow_job *job, const tow_request *request) {
    (void)self;
    job->must_exist = true;
    if (tow_request_parameter(request, "history") != NULL)
        tell_history(job, request);
    else if (tow_request_parameter(request, "presence") != NULL)
        tell_members(job, request);
    else {
        job->write = tow_answer_count;
        wait_for_hub(
            job, tow_hub_ask_count(tow_exchange_hub(job->exchange), &job->question, tow_job_channel(job)));
    }
}

static void disconnect(publish *self, tow_job *job, const tow_request *request) {
    const tow_channel_keeper *keeper = self->channels != NULL ? self->channels->keeper : NULL;
    tow_slice user = parameter(request, "user");
    if (user.length == 0) {
        tow_job_refuse(job, 400, "say who with ?user=");
        return;
    }
    int64_t count = keeper != NULL ? keeper->dismiss(keeper, user) : 0;
    if (count < 0) {
        tow_job_fail(job, (int)count);
        return;
    }
    tow_buffer body = {0};
    int error = tow_buffer_append_format(&body, "{\"disconnected\":%" PRId64 "}\n", count);
    tow_job_answer(job, error, &body);
}

static void read_one(publish *self, tow_job *job, const tow_request *request) {
    (void)request;
    wait_for_hub(job, tow_exchange_read_body(job->exchange, self->max_body, tow_post_one, job));
}

static void read_many(publish *self, tow_job *job, const tow_request *request) {
    (void)request;
    wait_for_hub(job, tow_exchange_read_body(job->exchange, self->max_body, tow_post_many, job));
}

typedef struct operation {
    const char *method;
    bool is_of_channel; /* a name stands in the path */
    void (*run)(publish *self, tow_job *job, const tow_request *request);
} operation;

static const operation operations[] = {
    {"POST", true, read_one},
    {"POST", false, read_many},
    {"GET", true, tell_channel},
    {"GET", false, tell_channels},
    {"DELETE", false, disconnect},
};

static const operation *operation_of(const char *method, bool is_of_channel) {
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (operations[i].is_of_channel == is_of_channel && strcmp(operations[i].method, method) == 0)
            return &operations[i];
    return NULL;
}

static void refuse_method(tow_exchange *exchange, bool is_of_channel) {
    (void)tow_exchange_field(exchange, "Allow", is_of_channel ? "GET, POST" : "DELETE, GET, POST");
    tow_refuse_publish(exchange, 405, "this is no method here");
}

/* What stands below the route's own path. */
static tow_slice channel_part(const publish *self, const char *path) {
    size_t length = strlen(path);
    bool is_below = self->prefix > 0 && length > self->prefix;
    return is_below ? (tow_slice){path + self->prefix, length - self->prefix} : (tow_slice){"", 0};
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    publish *self = tow_request_user(request);
    const tow_slice below = channel_part(self, tow_request_path(request));
    const operation *found = operation_of(tow_request_method(request), below.length > 0);
    char name[TOW_CHANNEL_NAME_MAX];
    int length = below.length > 0 ? tow_channel_name_decode(below, name) : 0;
    if (!is_allowed(self, request))
        ask_for_key(self, exchange);
    else if (found == NULL)
        refuse_method(exchange, below.length > 0);
    else if (length < 0)
        tow_refuse_publish(exchange, 400, "this is no name of a channel: 1 to 200 bytes of UTF-8");
    else if (limit_of(request) == 0)
        tow_refuse_publish(exchange, 400, "limit is no number from 1 to 1000");
    else {
        tow_job *job = tow_job_begin(exchange, self->repeats);
        if (job == NULL)
            return;
        job->question.answered = tow_job_answered;
        job->name_length = (size_t)length;
        memcpy(job->name, name, (size_t)length);
        found->run(self, job, request);
    }
}

/* Beginning and end. */

static int keys_load(publish *self, char why[TOW_HANDLER_TEXT_MAX]) {
    char what[TOW_TOKEN_LIST_TEXT_MAX];
    tow_token_list *keys;
    tow_buffer text;
    int error = tow_secret_read(&text, self->file, what, sizeof(what));
    if (error == 0)
        error = tow_token_list_read(&keys, (const char *)text.data, text.length, what);
    tow_secret_clear(&text);
    if (error != 0) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%.100s: %s", self->file, what);
        return error;
    }
    pthread_mutex_lock(&self->mutex);
    tow_token_list *before = self->keys;
    self->keys = keys;
    pthread_mutex_unlock(&self->mutex);
    tow_token_list_release(before);
    return 0;
}

static void reload(void *user) {
    publish *self = user;
    char why[TOW_HANDLER_TEXT_MAX], line[TOW_HANDLER_TEXT_MAX + 40];
    if (self->file == NULL || keys_load(self, why) == 0)
        return;
    snprintf(line, sizeof(line), "%s; the keys stay as they were", why);
    if (self->log.write != NULL)
        self->log.write(self->log.user, TOW_LOG_ERROR, line);
}

static void free_made(void *user) {
    publish *self = user;
    tow_token_list_release(self->keys);
    tow_repeats_release(self->repeats);
    pthread_mutex_destroy(&self->mutex);
    free(self->file);
    free(self);
}

static size_t prefix_of(const char *path) {
    size_t length = path != NULL ? strlen(path) : 0;
    return length > 0 && path[length - 1] == '*' ? length - 1 : 0;
}

/* Without an asterisk nothing could be said of one channel. */
static bool is_good_path(const char *path, char why[TOW_HANDLER_TEXT_MAX]) {
    size_t length = path != NULL ? strlen(path) : 0;
    if (length == 0 || path[length - 1] == '*')
        return true;
    snprintf(why, TOW_HANDLER_TEXT_MAX, "channels are published to below a path: write %.200s%s*", path,
        path[length - 1] == '/' ? "" : "/");
    return false;
}

/* A key that nobody has named is made. Where that can't be, the rest is served all the same, and publishing
 * is refused: the program tells. */
static int own_key_need(publish *self, bool is_trial, char why[TOW_HANDLER_TEXT_MAX]) {
    self->file = tow_publish_key_path(why);
    if (self->file == NULL || (is_trial && access(self->file, F_OK) != 0) ||
        (!is_trial && tow_publish_key_make(self->file, why) != 0))
        return 0;
    return keys_load(self, why);
}

static int named_key_need(publish *self, const char *file, char why[TOW_HANDLER_TEXT_MAX]) {
    self->file = strdup(file);
    return self->file != NULL ? keys_load(self, why) : TOW_ERROR_MEMORY;
}

static const tow_metric_about refused = {TOW_METRIC_REFUSAL, "publish-key", NULL};

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_publish_settings *given = settings;
    if (!is_good_path(place->path, why))
        return TOW_ERROR_ARGUMENT;
    publish *self = calloc(1, sizeof(*self));
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    pthread_mutex_init(&self->mutex, NULL);
    self->log = place->log;
    self->refused = tow_server_metric(place->server, &refused);
    self->max_body = given->max_body > 0 ? (size_t)given->max_body : BODY_MAX;
    self->prefix = prefix_of(place->path);
    self->channels = place->channels;
    int error =
        tow_repeats_new(&self->repeats, given->repeats > 0 ? (uint32_t)given->repeats : TOW_REPEATS_DEFAULT);
    if (error == 0)
        error = given->key != NULL ? named_key_need(self, given->key, why)
                                   : own_key_need(self, place->is_trial, why);
    if (error != 0)
        free_made(self);
    else
        *handler = (tow_handler){.user = self, .on_request = answer};
    return error;
}

const tow_handler_kind tow_publish_kind = {
    .name = "publish", .options = tow_publish_route_rows, .make = make, .reload = reload, .free = free_made};
