#include "answer.h"

#include "base/text.h"
#include "http/response.h"
#include "report.h"

#include <towline/error.h>

/* More of an unread body than this is not read over to keep the connection: it ends instead. */
enum { UNREAD_MAX = 64 * 1024 };

/* RFC 9110, sections 6.4.1 and 9.3.2. */
static bool has_content(const tow_exchange *exchange, int status) {
    return !exchange->is_head && status != 204 && status != 304;
}

/* A client that waits for 100 may send its body after all, or not: nobody can tell where the next request
 * begins. */
static bool is_last(const tow_exchange *exchange) {
    bool unsure = exchange->has_body && exchange->expects_continue;
    bool long_body = exchange->has_body && exchange->reader.kind == TOW_BODY_LENGTH &&
                     exchange->reader.remaining > UNREAD_MAX;
    return !exchange->keeps_alive || unsure || long_body;
}

static int connection_field(const tow_exchange *exchange, tow_buffer *out, int status) {
    if (status == 426) { /* RFC 9110, section 15.5.22; RFC 6455, section 4.4 */
        int error = tow_buffer_append_text(out, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        return error != 0 ? error : tow_response_field(out, "Connection", "Upgrade, close");
    }
    if (!exchange->keeps_alive)
        return tow_response_field(out, "Connection", "close");
    return exchange->is_old ? tow_response_field(out, "Connection", "keep-alive") : 0;
}

static int head_fields(
    const tow_exchange *exchange, tow_buffer *out, int status, const char *type, uint64_t length) {
    int error = type != NULL ? tow_response_field(out, "Content-Type", type) : 0;
    if (error == 0 && status != 204 && status != 304)
        error = tow_response_field_number(out, "Content-Length", length);
    if (error == 0)
        error = tow_buffer_append(out, exchange->fields.data, exchange->fields.length);
    if (error == 0)
        error = connection_field(exchange, out, status);
    return error != 0 ? error : tow_response_end(out);
}

/* Writes the head into the output; on an error the output is as before. */
static int write_head(tow_exchange *exchange, int status, const char *type, uint64_t length) {
    tow_buffer *out = &exchange->output.pending;
    size_t before = out->length;
    if (status < 200)
        return TOW_ERROR_ARGUMENT;
    exchange->keeps_alive = !is_last(exchange);
    tow_loop *loop = tow_connection_worker(exchange->connection)->loop;
    int error = tow_response_begin(out, status, tow_loop_wall_seconds(loop));
    if (error == 0)
        error = head_fields(exchange, out, status, type, length);
    if (error != 0)
        out->length = before;
    return error;
}

static int write_whole(
    tow_exchange *exchange, int status, const char *type, const void *body, size_t length) {
    tow_buffer *out = &exchange->output.pending;
    size_t before = out->length;
    int error = write_head(exchange, status, type, length);
    if (error == 0 && has_content(exchange, status))
        error = tow_buffer_append(out, body, length);
    if (error != 0) {
        out->length = before;
        return error;
    }
    exchange->answered = true;
    return 0;
}

void tow_answer_limit(tow_exchange *exchange, uint64_t *counter) {
    tow_count(counter);
    exchange->limit =
        tow_server_limit_option(&tow_connection_worker(exchange->connection)->counters, counter);
}

/* Peer and request, with which each line begins. */
static void report_request(tow_exchange *exchange, tow_report_fields *fields, const char *message) {
    tow_report_add_text(fields, "message", message);
    tow_report_add_text(fields, "peer", tow_conversation_peer(exchange));
    if (exchange->method[0] == '\0')
        return;
    tow_report_add_text(fields, "method", exchange->method);
    tow_report_add_text(fields, "path", exchange->path);
}

/* "GET /path", or "-". */
static void request_text(const tow_exchange *exchange, char *out, size_t size) {
    if (exchange->method[0] != '\0')
        tow_text_format(out, size, "%s %s", exchange->method, exchange->path);
    else
        tow_text_format(out, size, "-");
}

void tow_answer_report(tow_exchange *exchange, int level, int status, const char *text) {
    const tow_settings *settings = &tow_conversation_server(exchange)->settings;
    const char *limit = exchange->limit;
    exchange->limit = NULL;
    if (!tow_report_wants(settings, level))
        return;
    tow_report_fields fields = {0};
    char request[sizeof(exchange->method) + sizeof(exchange->path)];
    char number[16] = "";
    request_text(exchange, request, sizeof(request));
    report_request(exchange, &fields, status != 0 ? "request" : "connection");
    if (status != 0) {
        tow_text_format(number, sizeof(number), " %d", status);
        tow_report_add_number(&fields, "status", status);
    }
    tow_report_add_text(&fields, "why", text);
    tow_report_add_text(&fields, "limit", limit);
    if (limit != NULL && text != NULL && strstr(text, limit) != NULL)
        limit = NULL; /* the advice names it */
    tow_report_with(settings, level, &fields, "%s %s%s%s%s%s%s%s", tow_conversation_peer(exchange), request,
        number, text != NULL ? " " : "", text != NULL ? text : "", limit != NULL ? " (" : "",
        limit != NULL ? limit : "", limit != NULL ? ")" : "");
}

void tow_answer_report_end(tow_exchange *exchange) {
    const tow_settings *settings = &tow_conversation_server(exchange)->settings;
    const char *limit = exchange->limit;
    exchange->limit = NULL;
    if (!tow_report_wants(settings, TOW_LOG_INFO))
        return;
    tow_report_fields fields = {0};
    char request[sizeof(exchange->method) + sizeof(exchange->path)];
    request_text(exchange, request, sizeof(request));
    report_request(exchange, &fields, "closed");
    tow_report_add_text(&fields, "by", "server");
    tow_report_add_text(&fields, "why", limit);
    tow_report_add_text(&fields, "limit", limit);
    tow_report_with(settings, TOW_LOG_INFO, &fields, "%s %s closed by the server (%s)",
        tow_conversation_peer(exchange), request, limit);
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
    int error = write_whole(exchange, status, type, body, length);
    if (error == 0)
        tow_answer_report(exchange, TOW_LOG_INFO, status, NULL);
    return error;
}

static int stream_begin(tow_exchange *exchange, int status, const char *type, uint64_t length) {
    if (!may_answer(exchange))
        return TOW_ERROR_STATE;
    int error = write_head(exchange, status, type, length);
    if (error != 0)
        return error;
    exchange->answered = true;
    tow_answer_report(exchange, TOW_LOG_INFO, status, NULL);
    return 0;
}

int tow_exchange_stream(
    tow_exchange *exchange, int status, const char *type, uint64_t length, const tow_body_source *source) {
    int error = stream_begin(exchange, status, type, length);
    if (error == 0 && has_content(exchange, status))
        tow_output_set_source(&exchange->output, source, length);
    else if (source->close != NULL)
        source->close(source->user);
    return error;
}

int tow_answer_field(tow_exchange *exchange, const char *name, const char *value) {
    return tow_response_field(&exchange->fields, name, value);
}

int tow_exchange_field(tow_exchange *exchange, const char *name, const char *value) {
    return may_answer(exchange) ? tow_answer_field(exchange, name, value) : TOW_ERROR_STATE;
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
    return tow_connection_worker(exchange->connection)->loop;
}

int tow_answer_continue(tow_exchange *exchange) {
    return tow_buffer_append_text(&exchange->output.pending, "HTTP/1.1 100 Continue\r\n\r\n");
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
    tow_answer_report(exchange, TOW_LOG_WARNING, 0, note);
    return length;
}

void tow_answer_refuse(tow_exchange *exchange, int status, const char *text, const char *advice) {
    char body[TOW_REFUSAL_MAX + 1];
    exchange->keeps_alive = false;
    size_t length = refusal_body(exchange, body, text);
    if (write_whole(exchange, status, "text/plain; charset=utf-8", body, length) != 0) {
        tow_count(&tow_connection_worker(exchange->connection)->counters.memory_failures);
        tow_conversation_reset(exchange);
        return;
    }
    tow_answer_report(exchange, TOW_LOG_NOTICE, status, advice != NULL ? advice : text);
}
