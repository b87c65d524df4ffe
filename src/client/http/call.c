#include "call.h"

#include "base/range.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { TOTAL_SECONDS = 60, MAX_HEAD = 16 * 1024, MAX_BODY = 1024 * 1024 };

static int options_check(const tow_http_call_options *options, const tow_proxy *proxy) {
    const tow_range ranges[] = {
        TOW_RANGE(options, total_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(options, max_head, TOW_OFF, INT64_MAX),
        TOW_RANGE(options, max_body, TOW_OFF, INT64_MAX),
    };
    bool has_two_ways = proxy != NULL && options->unix_path != NULL;
    bool contradicts = options->may_repeat && options->never_repeat;
    if (options->on_done == NULL || has_two_ways || contradicts ||
        (options->body == NULL && options->body_length > 0))
        return TOW_ERROR_ARGUMENT;
    return tow_ranges_check(ranges, sizeof(ranges) / sizeof(ranges[0]), NULL);
}

/* A limit of an option, in bytes; TOW_OFF is negative. */
static uint64_t limit_of(int64_t number, uint64_t otherwise) {
    if (number == 0)
        return otherwise;
    return number == TOW_OFF ? INT64_MAX : (uint64_t)number;
}

static void fill(tow_http_call *call, const tow_http_call_options *options) {
    const char *method = tow_http_request_method(options);
    call->is_head = strcmp(method, "HEAD") == 0;
    call->is_idempotent =
        !options->never_repeat && (options->may_repeat || tow_http_method_is_idempotent(method));
    call->may_be_slow = options->may_be_slow;
    call->total_seconds = options->total_seconds == 0 ? TOTAL_SECONDS : options->total_seconds;
    call->limits = (tow_response_limits){
        .head = limit_of(options->max_head, MAX_HEAD),
        .body = limit_of(options->max_body, options->on_body != NULL ? INT64_MAX : MAX_BODY),
    };
    call->on_head = options->on_head;
    call->on_body = options->on_body;
    call->on_done = options->on_done;
    call->user = options->user;
}

int tow_http_call_new(
    tow_http_call **call, const tow_url *url, const tow_http_call_options *options, const tow_proxy *proxy) {
    int error = options_check(options, proxy);
    if (error != 0)
        return error;
    tow_http_call *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    fill(made, options);
    error = tow_http_request_write(&made->request, url, options, proxy);
    if (error != 0) {
        tow_http_call_destroy(made);
        return error;
    }
    *call = made;
    return 0;
}

void tow_http_call_destroy(tow_http_call *call) {
    call->freed = true;
    if (call->entered > 0)
        return;
    tow_buffer_clear(&call->request);
    tow_buffer_clear(&call->head);
    tow_buffer_clear(&call->body);
    free(call);
}

/* Around each callback. */

static void enter(tow_http_call *call) {
    call->entered++;
}

static void leave(tow_http_call *call) {
    call->entered--;
    if (call->freed)
        tow_http_call_destroy(call);
}

/* The head was whole and right when it came: it is so again. */
static const tow_http_head *read_head(const tow_http_call *call, tow_http_head *head) {
    if (call->head.length == 0)
        return NULL;
    (void)tow_http_response_read(head, (const char *)call->head.data, call->head.length, NULL);
    return head;
}

void tow_http_call_take_head(tow_http_call *call, tow_buffer *head) {
    tow_http_head cut;
    call->head = *head;
    *head = (tow_buffer){0};
    if (call->on_head == NULL)
        return;
    enter(call);
    call->on_head(call, read_head(call, &cut));
    leave(call);
}

int tow_http_call_take_piece(tow_http_call *call, tow_slice piece) {
    if (call->on_body == NULL)
        return tow_buffer_append(&call->body, piece.data, piece.length);
    enter(call);
    call->on_body(call, (const uint8_t *)piece.data, piece.length);
    leave(call);
    return 0;
}

void tow_http_call_tell_done(tow_http_call *call, int error, const char *text) {
    tow_http_head cut;
    const tow_http_result result = {
        .error = error,
        .text = text != NULL ? text : "",
        .head = read_head(call, &cut),
        .body = call->body.data,
        .body_length = call->body.length,
    };
    enter(call);
    call->on_done(call, &result);
    tow_buffer_clear(&call->request);
    leave(call);
}

void *tow_http_call_user(const tow_http_call *call) {
    return call->user;
}

static tow_slice slice_of(const tow_buffer *buffer) {
    return (tow_slice){.data = (const char *)buffer->data, .length = buffer->length};
}

tow_slice tow_http_call_request(const tow_http_call *call) {
    return slice_of(&call->request);
}

tow_slice tow_http_call_response(const tow_http_call *call) {
    return slice_of(&call->head);
}

void tow_http_call_take_body(tow_http_call *call, tow_buffer *body) {
    *body = call->body;
    call->body = (tow_buffer){0};
}

int tow_http_call_peer(const tow_http_call *call, char *text, size_t size) {
    if (call->connection == NULL)
        return TOW_ERROR_STATE;
    return tow_stream_peer_text(&call->connection->way.stream, text, size);
}
