#include "exchange_state.h"

#include "base/text.h"
#include "http/response.h"
#include "report.h"
#include "server/file_body.h"

#include <string.h>
#include <strings.h>
#include <towline/error.h>
#include <unistd.h>

void tow_exchange_init(tow_exchange *exchange, const tow_exchange_class *class, tow_connection *connection) {
    exchange->class = class;
    exchange->visitor.connection = connection;
    exchange->log.visitor = &exchange->visitor;
}

void tow_exchange_clear(tow_exchange *exchange) {
    tow_exchange_finish(exchange);
    tow_route_release(exchange->route);
    exchange->route = NULL;
}

void tow_exchange_start(tow_exchange *exchange, const tow_http_head *head) {
    exchange->fields.length = 0;
    exchange->answered = exchange->kept = false;
    exchange->wants_body = exchange->wanted_body = exchange->body_paused = false;
    exchange->in_pieces = exchange->above_high = false;
    exchange->on_piece = NULL;
    exchange->events = (tow_exchange_events){0};
    exchange->admission = TOW_ADMISSION_NONE;
    exchange->opens = exchange->begins = exchange->enters = exchange->uncompressed = false;
    exchange->protocol = (tow_slice){0};
    exchange->entrance = NULL;
    exchange->raw_wanted = 0;
    exchange->has_body = head->body != TOW_BODY_NONE;
    exchange->is_head = tow_slice_equals(head->method, "HEAD");
    exchange->is_last = exchange->is_typed = false;
    exchange->log.limit = NULL;
    tow_access_log_begin(&exchange->log, head);
    tow_count(&tow_exchange_counters(exchange)->requests);
}

void tow_exchange_finish(tow_exchange *exchange) {
    const tow_exchange_work work = exchange->work;
    const tow_exchange_events admitted = exchange->admitted;
    exchange->work = (tow_exchange_work){0};
    exchange->admitted = (tow_exchange_events){0};
    if (admitted.on_gone != NULL)
        admitted.on_gone(exchange, admitted.user);
    if (work.free != NULL)
        work.free(work.user);
    tow_request_free(exchange->copy);
    exchange->copy = exchange->request = NULL;
    tow_exchange_drop_body(exchange);
    tow_buffer_clear(&exchange->fields);
}

int tow_exchange_copy_request(tow_exchange *exchange) {
    if (exchange->copy != NULL)
        return 0;
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

/* Once, unless the request goes on in any case. */
static void tell_once(tow_exchange *exchange, void (**event)(tow_exchange *exchange, void *user)) {
    void (*tell)(tow_exchange * exchange, void *user) = *event;
    *event = NULL;
    if (exchange->kept && exchange->admission != TOW_ADMISSION_GIVEN && tell != NULL)
        tell(exchange, exchange->events.user);
}

void tow_exchange_tell_end(tow_exchange *exchange) {
    tell_once(exchange, &exchange->events.on_end);
}

void tow_exchange_tell_stop(tow_exchange *exchange) {
    tell_once(exchange, &exchange->events.on_stop);
}

void tow_exchange_fail(tow_exchange *exchange) {
    tow_count(&tow_exchange_counters(exchange)->memory_failures);
    tow_exchange_break_off(exchange);
}

/* RFC 9110, sections 6.4.1 and 9.3.2. */
static bool has_content(const tow_exchange *exchange, int status) {
    return !exchange->is_head && status != 204 && status != 304;
}

int tow_exchange_write_head(
    tow_exchange *exchange, const tow_answer_head *head, const void *body, size_t length) {
    if (head->status < 200)
        return TOW_ERROR_ARGUMENT;
    bool has = has_content(exchange, head->status);
    tow_answer_head own = *head;
    if (exchange->is_typed)
        own.type = NULL;
    int error = exchange->class->write(exchange, &own, body, has ? length : 0);
    if (error != 0)
        return error;
    if (exchange->opens && exchange->admission == TOW_ADMISSION_ASKED)
        tow_count(&tow_exchange_counters(exchange)->handshakes_refused);
    exchange->admission = TOW_ADMISSION_NONE;
    exchange->has_content = has;
    exchange->answered = true;
    exchange->kept = false;
    exchange->wants_body = false;
    exchange->raw_wanted = 0;
    return 0;
}

void tow_exchange_go_on(tow_exchange *exchange) {
    if (!exchange->in_handler)
        exchange->class->go_on(exchange);
}

int tow_exchange_check_turn(const tow_exchange *exchange) {
    if (!exchange->in_handler && !exchange->kept)
        return TOW_ERROR_STATE;
    bool waits_for_body = exchange->wants_body && exchange->on_piece == NULL;
    if (exchange->answered || waits_for_body || exchange->admission == TOW_ADMISSION_GIVEN)
        return TOW_ERROR_STATE;
    return exchange->over ? TOW_ERROR_CLOSED : 0;
}

int tow_exchange_respond(
    tow_exchange *exchange, int status, const char *type, const void *body, size_t length) {
    if (exchange == NULL || (body == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    int error = tow_exchange_check_turn(exchange);
    if (error == 0)
        error = tow_exchange_write_head(exchange,
            &(tow_answer_head){.status = status, .type = type, .length = (int64_t)length}, body, length);
    if (error != 0)
        return error;
    tow_access_log_line(&exchange->log, TOW_LOG_INFO, status, NULL);
    tow_exchange_go_on(exchange);
    return 0;
}

int tow_exchange_stream(
    tow_exchange *exchange, int status, const char *type, uint64_t length, const tow_body_source *source) {
    int error = tow_exchange_check_turn(exchange);
    if (error == 0)
        error = tow_exchange_write_head(
            exchange, &(tow_answer_head){.status = status, .type = type, .length = (int64_t)length}, NULL, 0);
    if (error == 0)
        tow_access_log_line(&exchange->log, TOW_LOG_INFO, status, NULL);
    if (error == 0 && has_content(exchange, status))
        exchange->class->pull(exchange, source, length);
    else if (source->close != NULL)
        source->close(source->user);
    if (error == 0)
        tow_exchange_go_on(exchange);
    return error;
}

int tow_exchange_add_field(tow_exchange *exchange, const char *name, const char *value) {
    int error = tow_response_field(&exchange->fields, name, value);
    if (error == 0 && strcasecmp(name, "Content-Type") == 0)
        exchange->is_typed = true;
    return error;
}

/* A request that was not read whole has no route yet. */
int tow_exchange_begin_fields(tow_exchange *exchange) {
    bool has_route = exchange->request != NULL && exchange->route != NULL;
    const tow_header_field *field = has_route ? exchange->route->fields.fields : NULL;
    int error = 0;
    exchange->fields.length = 0;
    exchange->is_typed = false;
    for (; error == 0 && field != NULL && field->name != NULL; field++)
        error = tow_exchange_add_field(exchange, field->name, field->value);
    return error;
}

/* Of cookies there may be more. */
static bool has_own_field(const tow_route *route, const char *name) {
    return route != NULL && tow_fields_have(&route->fields, name) && strcasecmp(name, "Set-Cookie") != 0;
}

int tow_exchange_field(tow_exchange *exchange, const char *name, const char *value) {
    if (exchange == NULL || name == NULL || value == NULL || tow_field_is_reserved(tow_slice_from(name)))
        return TOW_ERROR_ARGUMENT;
    int error = tow_exchange_check_turn(exchange);
    if (error != 0 || has_own_field(exchange->route, name))
        return error;
    return tow_exchange_add_field(exchange, name, value);
}

int tow_exchange_send_file(
    tow_exchange *exchange, int status, const char *type, int fd, int64_t offset, int64_t length) {
    tow_body_source source;
    bool makes_sense = exchange != NULL && fd >= 0 && offset >= 0 && length >= 0;
    int error = makes_sense ? tow_file_body_new(&source, fd, offset) : TOW_ERROR_ARGUMENT;
    if (error == 0)
        return tow_exchange_stream(exchange, status, type, (uint64_t)length, &source);
    if (fd >= 0)
        close(fd);
    return error;
}

void tow_exchange_reset(tow_exchange *exchange) {
    if (exchange != NULL && !exchange->over && (exchange->in_handler || exchange->kept))
        tow_exchange_break_off(exchange);
}

int tow_exchange_keep_sized(tow_exchange *exchange, const tow_exchange_events *events, size_t events_size) {
    tow_exchange_events known = {0};
    if (exchange == NULL)
        return TOW_ERROR_ARGUMENT;
    bool may = exchange->in_handler || exchange->kept;
    if (!may || (exchange->answered && !exchange->in_pieces) || exchange->work.step != NULL)
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
    int error = tow_exchange_check_turn(exchange);
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
    return exchange != NULL ? tow_exchange_worker(exchange)->loop : NULL;
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

/* With the fields that there are. */
static void refuse(tow_exchange *exchange, int status, const char *text, const char *advice) {
    char body[TOW_REFUSAL_MAX + 1];
    exchange->is_last = true;
    size_t length = refusal_body(exchange, body, text);
    const tow_answer_head head = {
        .status = status, .type = "text/plain; charset=utf-8", .length = (int64_t)length};
    if (tow_exchange_write_head(exchange, &head, body, length) != 0)
        tow_exchange_fail(exchange);
    else
        tow_access_log_line(&exchange->log, TOW_LOG_NOTICE, status, advice != NULL ? advice : text);
}

void tow_exchange_refuse(tow_exchange *exchange, int status, const char *text, const char *advice) {
    if (tow_exchange_begin_fields(exchange) != 0)
        tow_exchange_fail(exchange);
    else
        refuse(exchange, status, text, advice);
}

void tow_exchange_refuse_with(
    tow_exchange *exchange, int status, const char *text, const char *name, const char *value) {
    int error = tow_exchange_begin_fields(exchange);
    if (error == 0)
        error = tow_exchange_add_field(exchange, name, value);
    if (error != 0)
        tow_exchange_fail(exchange);
    else
        refuse(exchange, status, text, NULL);
}

int tow_exchange_reject(tow_exchange *exchange, int status, const char *text) {
    if (exchange == NULL || status < 400 || status > 599)
        return TOW_ERROR_ARGUMENT;
    int error = tow_exchange_check_turn(exchange);
    if (error != 0)
        return error;
    refuse(exchange, status, text != NULL ? text : "refused", NULL);
    if (exchange->over)
        return TOW_ERROR_MEMORY;
    tow_exchange_go_on(exchange);
    return 0;
}

void tow_exchange_refuse_for_memory(tow_exchange *exchange) {
    if (exchange->answered) {
        tow_exchange_fail(exchange);
        return;
    }
    tow_count(&tow_exchange_counters(exchange)->memory_failures);
    tow_exchange_tell_gone(exchange);
    tow_exchange_refuse(exchange, 503, "out of memory", NULL);
}
