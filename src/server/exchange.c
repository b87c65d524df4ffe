#include "exchange_state.h"

#include "base/text.h"
#include "http/response.h"
#include "report.h"

#include <assert.h>
#include <string.h>
#include <towline/error.h>

void tow_exchange_init(tow_exchange *exchange, const tow_exchange_class *class, tow_connection *connection) {
    exchange->class = class;
    exchange->visitor.connection = connection;
    exchange->log.visitor = &exchange->visitor;
}

void tow_exchange_clear(tow_exchange *exchange) {
    tow_exchange_end(exchange);
    tow_buffer_clear(&exchange->body);
    tow_route_release(exchange->route);
    exchange->route = NULL;
}

void tow_exchange_begin(tow_exchange *exchange, const tow_http_head *head) {
    exchange->fields.length = 0;
    exchange->answered = exchange->kept = false;
    exchange->wants_body = exchange->wanted_body = false;
    exchange->events = (tow_exchange_events){0};
    exchange->has_body = head->body != TOW_BODY_NONE;
    exchange->is_head = tow_slice_equals(head->method, "HEAD");
    exchange->is_last = false;
    exchange->log.limit = NULL;
    tow_access_log_begin(&exchange->log, head);
    tow_count(&tow_exchange_counters(exchange)->requests);
}

void tow_exchange_end(tow_exchange *exchange) {
    const tow_exchange_work work = exchange->work;
    exchange->work = (tow_exchange_work){0};
    if (work.free != NULL)
        work.free(work.user);
    tow_request_free(exchange->copy);
    exchange->copy = exchange->request = NULL;
    tow_buffer_clear(&exchange->fields);
}

int tow_exchange_copy_request(tow_exchange *exchange) {
    assert(exchange->copy == NULL);
    int error = tow_request_copy(&exchange->copy, exchange->request);
    exchange->request = exchange->copy;
    return error;
}

void tow_exchange_tell_gone(tow_exchange *exchange) {
    const tow_exchange_events events = exchange->events;
    bool waits = exchange->kept;
    exchange->kept = false;
    if (waits && events.on_gone != NULL)
        events.on_gone(exchange, events.user);
}

void tow_exchange_tell_end(tow_exchange *exchange) {
    const tow_exchange_events events = exchange->events;
    exchange->events.on_end = NULL;
    if (exchange->kept && events.on_end != NULL)
        events.on_end(exchange, events.user);
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
    if (error != 0)
        return error;
    exchange->answered = true;
    exchange->kept = false;
    return 0;
}

/* The handler has said something. */
static void go_on(tow_exchange *exchange) {
    if (!exchange->in_handler)
        exchange->class->go_on(exchange);
}

/* Whether the handler may speak now: 0, STATE or CLOSED. */
static int check_turn(const tow_exchange *exchange) {
    if (!exchange->in_handler && !exchange->kept)
        return TOW_ERROR_STATE;
    if (exchange->answered || exchange->wants_body)
        return TOW_ERROR_STATE;
    return exchange->over ? TOW_ERROR_CLOSED : 0;
}

int tow_exchange_respond(
    tow_exchange *exchange, int status, const char *type, const void *body, size_t length) {
    if (exchange == NULL || (body == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    int error = check_turn(exchange);
    if (error == 0)
        error = write_head(exchange, status, type, length, body, length);
    if (error != 0)
        return error;
    tow_access_log_line(&exchange->log, TOW_LOG_INFO, status, NULL);
    go_on(exchange);
    return 0;
}

int tow_exchange_stream(
    tow_exchange *exchange, int status, const char *type, uint64_t length, const tow_body_source *source) {
    int error = check_turn(exchange);
    if (error == 0)
        error = write_head(exchange, status, type, length, NULL, 0);
    if (error == 0)
        tow_access_log_line(&exchange->log, TOW_LOG_INFO, status, NULL);
    if (error == 0 && has_content(exchange, status))
        exchange->class->pull(exchange, source, length);
    else if (source->close != NULL)
        source->close(source->user);
    if (error == 0)
        go_on(exchange);
    return error;
}

int tow_exchange_add_field(tow_exchange *exchange, const char *name, const char *value) {
    return tow_response_field(&exchange->fields, name, value);
}

int tow_exchange_field(tow_exchange *exchange, const char *name, const char *value) {
    int error = check_turn(exchange);
    return error != 0 ? error : tow_exchange_add_field(exchange, name, value);
}

int tow_exchange_read_body(tow_exchange *exchange, size_t limit,
    void (*on_body)(tow_exchange *exchange, void *user, const void *body, size_t length), void *user) {
    int error = check_turn(exchange);
    if (error != 0)
        return error;
    if (exchange->wanted_body || exchange->work.step != NULL)
        return TOW_ERROR_STATE;
    exchange->wants_body = exchange->wanted_body = true;
    exchange->body_limit = limit;
    exchange->on_body = on_body;
    exchange->body_user = user;
    go_on(exchange);
    return 0;
}

int tow_exchange_keep_sized(tow_exchange *exchange, const tow_exchange_events *events, size_t events_size) {
    tow_exchange_events known = {0};
    if (exchange == NULL)
        return TOW_ERROR_ARGUMENT;
    if (!exchange->in_handler || exchange->answered || exchange->work.step != NULL)
        return TOW_ERROR_STATE;
    if (events != NULL)
        memcpy(&known, events, events_size < sizeof(known) ? events_size : sizeof(known));
    exchange->events = known;
    exchange->kept = true;
    return 0;
}

const tow_request *tow_exchange_request(const tow_exchange *exchange) {
    return exchange != NULL ? exchange->request : NULL;
}

int tow_exchange_answer_by(tow_exchange *exchange, const tow_exchange_work *work) {
    int error = check_turn(exchange);
    if (error == 0 &&
        (!exchange->in_handler || exchange->kept || exchange->wanted_body || exchange->work.step != NULL))
        error = TOW_ERROR_STATE;
    if (error == 0)
        exchange->work = *work;
    else
        work->free(work->user);
    return error;
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
