#include "exchange_fake.h"

#include "transport/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

int64_t fake_wall_seconds = 1700000000;

void fake_request_init(tow_request *request, void *user, const char *method, const char *target,
    const tow_header_field *fields) {
    memset(request, 0, sizeof(*request));
    request->user = user;
    request->method = method;
    const char *mark = strchr(target, '?');
    size_t length = mark != NULL ? (size_t)(mark - target) : strlen(target);
    memcpy(request->path, target, length);
    if (mark != NULL)
        snprintf(request->query, sizeof(request->query), "%s", mark + 1);
    for (; fields != NULL && fields->name != NULL; fields++)
        request->fields[request->field_count++] = *fields;
}

const char *fake_field(const tow_exchange *exchange, const char *name) {
    static char value[1024];
    const char *at = (const char *)exchange->fields.data;
    const char *end = at + exchange->fields.length;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (strncasecmp(at, name, strlen(name)) == 0 && at[strlen(name)] == ':') {
            at += strlen(name) + 2;
            snprintf(value, sizeof(value), "%.*s", (int)(line_end - at), at);
            return value;
        }
        at = line_end + 1;
    }
    return NULL;
}

void fake_exchange_clear(tow_exchange *exchange) {
    tow_buffer_clear(&exchange->fields);
    tow_buffer_clear(&exchange->body);
}

const char *tow_request_method(const tow_request *request) {
    return request->method;
}

const char *tow_request_path(const tow_request *request) {
    return request->path;
}

const char *tow_request_query(const tow_request *request) {
    return request->query;
}

const char *tow_request_header(const tow_request *request, const char *name) {
    for (size_t i = 0; i < request->field_count; i++) {
        if (strcasecmp(request->fields[i].name, name) == 0)
            return request->fields[i].value;
    }
    return NULL;
}

void *tow_request_user(const tow_request *request) {
    return request->user;
}

int tow_exchange_field(tow_exchange *exchange, const char *name, const char *value) {
    return tow_buffer_append_format(&exchange->fields, "%s: %s\n", name, value);
}

static void answer_begin(tow_exchange *exchange, int status, const char *type, uint64_t length) {
    exchange->answers++;
    exchange->status = status;
    exchange->length = length;
    snprintf(exchange->type, sizeof(exchange->type), "%s", type != NULL ? type : "");
}

int tow_exchange_respond(
    tow_exchange *exchange, int status, const char *type, const void *body, size_t length) {
    answer_begin(exchange, status, type, length);
    return exchange->is_head ? 0 : tow_buffer_append(&exchange->body, body, length);
}

/* Pulls the body as the server does. */
static void body_read(tow_exchange *exchange, const tow_body_source *source) {
    static char piece[65536];
    while (exchange->body.length < exchange->length && !exchange->broken) {
        if (exchange->body.length > 0 && exchange->between != NULL)
            exchange->between(exchange->between_user);
        uint64_t wanted = exchange->length - exchange->body.length;
        size_t limit = exchange->piece != 0 ? exchange->piece : sizeof(piece);
        int64_t count = source->read(source->user, piece, wanted < limit ? (size_t)wanted : limit);
        if (count <= 0 || tow_buffer_append(&exchange->body, piece, (size_t)count) != 0)
            exchange->broken = true;
    }
}

int tow_exchange_stream(
    tow_exchange *exchange, int status, const char *type, uint64_t length, const tow_body_source *source) {
    answer_begin(exchange, status, type, length);
    if (!exchange->is_head)
        body_read(exchange, source);
    if (source->close != NULL)
        source->close(source->user);
    return 0;
}

int tow_exchange_answer_by(tow_exchange *exchange, const tow_exchange_work *work) {
    while (work->step(exchange, work->user))
        exchange->steps++;
    work->free(work->user);
    return 0;
}

tow_loop *tow_exchange_loop(const tow_exchange *exchange) {
    (void)exchange;
    return NULL;
}

int64_t tow_loop_wall_seconds(tow_loop *loop) {
    (void)loop;
    return fake_wall_seconds;
}
