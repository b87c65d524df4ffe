#include "exchange_state.h"

#include "base/text.h"
#include "http/response.h"
#include "report.h"

#include <string.h>
#include <towline/error.h>

void tow_exchange_init(tow_exchange *exchange, const tow_exchange_class *class, tow_connection *connection) {
    exchange->class = class;
    exchange->visitor.connection = connection;
    exchange->log.visitor = &exchange->visitor;
}

void tow_exchange_clear(tow_exchange *exchange) {
    tow_exchange_end_work(exchange);
    tow_buffer_clear(&exchange->fields);
    tow_buffer_clear(&exchange->body);
    tow_route_release(exchange->route);
    exchange->route = NULL;
}

void tow_exchange_begin(tow_exchange *exchange, const tow_http_head *head) {
    exchange->fields.length = 0;
    exchange->answered = false;
    exchange->wants_body = false;
    exchange->has_body = head->body != TOW_BODY_NONE;
    exchange->is_head = tow_slice_equals(head->method, "HEAD");
    exchange->is_last = false;
    exchange->log.limit = NULL;
    tow_access_log_begin(&exchange->log, head);
    tow_count(&tow_exchange_counters(exchange)->requests);
}

void tow_exchange_end_work(tow_exchange *exchange) {
    const tow_exchange_work work = exchange->work;
    exchange->work = (tow_exchange_work){0};
    if (work.free != NULL)
        work.free(work.user);
}

void tow_exchange_fail(tow_exchange *exchange) {
    tow_count(&tow_exchange_counters(exchange)->memory_failures);
    tow_exchange_reset(exchange);
}

/* RFC 9110, sections 6.4.1 and 9.3.2. */
static bool has_content(const tow_exchange *exchange, int status) {
    return !exchange->is_head && status != 204 && status != 304;
}

static int write_head(
    tow_exchange *exchange, int status, const char *type, uint64_t length, const void *body, size_t whole) {
    const tow_answer_head head = {.status = status, .type = type, .length = length};
    if (status < 200)
        return TOW_ERROR_ARGUMENT;
    int error = exchange->class->write(exchange, &head, body, has_content(exchange, status) ? whole : 0);
    exchange->answered = exchange->answered || error == 0;
    return error;
}

static bool may_answer(const tow_exchange *exchange) {
    return exchange->in_handler && !exchange->answered && !exchange->wants_body;
}

int tow_exchange_respond(
    tow_exchange *exchange, int status, const char *type, const void *body, size_t length) {
    if (exchange == NULL || (body == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    if (!may_answer(exchange))
        return TOW_ERROR_STATE;
    int error = write_head(exchange, status, type, length, body, length);
    if (error == 0)
        tow_access_log_line(&exchange->log, TOW_LOG_INFO, status, NULL);
    return error;
}

int tow_exchange_stream(
    tow_exchange *exchange, int status, const char *type, uint64_t length, const tow_body_source *source) {
    int error = may_answer(exchange) ? write_head(exchange, status, type, length, NULL, 0) : TOW_ERROR_STATE;
    if (error == 0)
        tow_access_log_line(&exchange->log, TOW_LOG_INFO, status, NULL);
    if (error == 0 && has_content(exchange, status))
        exchange->class->pull(exchange, source, length);
    else if (source->close != NULL)
        source->close(source->user);
    return error;
}

int tow_exchange_add_field(tow_exchange *exchange, const char *name, const char *value) {
    return tow_response_field(&exchange->fields, name, value);
}

int tow_exchange_field(tow_exchange *exchange, const char *name, const char *value) {
    return may_answer(exchange) ? tow_exchange_add_field(exchange, name, value) : TOW_ERROR_STATE;
}

int tow_exchange_read_body(tow_exchange *exchange, size_t limit,
    void (*on_body)(tow_exchange *exchange, void *user, const void *body, size_t length), void *user) {
    if (!may_answer(exchange) || exchange->request == NULL || exchange->work.step != NULL)
        return TOW_ERROR_STATE;
    exchange->wants_body = true;
    exchange->body_limit = limit;
    exchange->on_body = on_body;
    exchange->body_user = user;
    return 0;
}

int tow_exchange_answer_by(tow_exchange *exchange, const tow_exchange_work *work) {
    if (!may_answer(exchange) || exchange->request == NULL || exchange->work.step != NULL) {
        work->free(work->user);
        return TOW_ERROR_STATE;
    }
    exchange->work = *work;
    return 0;
}

tow_loop *tow_exchange_loop(const tow_exchange *exchange) {
    return tow_exchange_worker(exchange)->loop;
}

/* A line with its end, or as much of the text as fits: then the log says that it was cut. */
static size_t refusal_body(tow_exchange *exchange, char body[TOW_REFUSAL_MAX + 1], const char *text) {
    size_t whole = strlen(text);
    size_t length = tow_text_cut(text, whole, TOW_REFUSAL_MAX);
    memcpy(body, text, length);
    if (length == whole) {
        body[length++] = '\n';
        return length;
    }
    char note[80];
    tow_text_format(
        note, sizeof(note), "the text of the refusal was cut: %zu of %zu bytes are sent", length, whole);
    tow_access_log_line(&exchange->log, TOW_LOG_WARNING, 0, note);
    return length;
}

void tow_exchange_refuse(tow_exchange *exchange, int status, const char *text, const char *advice) {
    char body[TOW_REFUSAL_MAX + 1];
    exchange->is_last = true;
    size_t length = refusal_body(exchange, body, text);
    if (write_head(exchange, status, "text/plain; charset=utf-8", length, body, length) != 0)
        tow_exchange_fail(exchange);
    else
        tow_access_log_line(&exchange->log, TOW_LOG_NOTICE, status, advice != NULL ? advice : text);
}

void tow_exchange_refuse_with(
    tow_exchange *exchange, int status, const char *text, const char *name, const char *value) {
    if (tow_exchange_add_field(exchange, name, value) != 0)
        tow_exchange_reset(exchange);
    else
        tow_exchange_refuse(exchange, status, text, NULL);
}
