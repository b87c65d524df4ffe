#include "publisher.h"

#include "base/base64.h"
#include "base/json.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { BATCH_BYTES = 512 << 10, ATTEMPTS_MAX = 30, OWN_FIELDS = 3 };

static tow_publisher_batch *sent(tow_publisher *publisher) {
    return &publisher->batches[publisher->sending];
}

static tow_publisher_batch *coming(tow_publisher *publisher) {
    return &publisher->batches[1 - publisher->sending];
}

static bool is_under_way(const tow_publisher *publisher) {
    return publisher->batches[publisher->sending].count > 0;
}

bool tow_publisher_is_idle(const tow_publisher *publisher) {
    return publisher->status != TOW_EXIT_DONE ||
           (publisher->batches[0].count == 0 && publisher->batches[1].count == 0);
}

bool tow_publisher_is_full(const tow_publisher *publisher) {
    const tow_publisher_batch *next = &publisher->batches[1 - publisher->sending];
    return next->count >= TOW_PUBLISHER_BATCH || next->items.length >= BATCH_BYTES;
}

/* Failure. */

static void fail(tow_publisher *publisher, tow_exit_status status) {
    publisher->status = status;
    publisher->on_change(publisher);
}

/* Which of several they were: the first and the last of the batch. */
static void tell_lines(tow_publisher *publisher, const char *what) {
    const tow_publisher_batch *batch = sent(publisher);
    const unsigned long long first = publisher->published + 1;
    const unsigned long long last = publisher->published + batch->count - batch->done;
    if (last < first || last == 1)
        return;
    fprintf(stderr, "towline publish: %s: line %llu", what, first);
    if (last > first)
        fprintf(stderr, " to %llu, which went together", last);
    fprintf(stderr, "; what came before is, and nothing behind\n");
}

/* Nobody has said what became of them. */
static void fail_unheard(tow_publisher *publisher, const char *text, tow_exit_status status) {
    fprintf(stderr, "towline publish: %s\n", text);
    tell_lines(publisher, "perhaps not published");
    fail(publisher, status);
}

static void fail_by_error(tow_publisher *publisher, int error, const char *text) {
    const tow_error_event event = {.error = error};
    fail_unheard(publisher, text, tow_exit_status_of_error(&event, publisher->options->client.proxy != NULL));
}

void tow_publisher_give_up(tow_publisher *publisher) {
    fail_unheard(publisher, "interrupted", TOW_EXIT_FAILED);
}

/* What is asked for can't be. */
static void fail_to_ask(tow_publisher *publisher, int error) {
    if (error != TOW_ERROR_ARGUMENT) {
        fail_by_error(publisher, error, tow_strerror(error));
        return;
    }
    fprintf(stderr, "towline publish: a header cannot be sent: those that frame the request are not yours\n");
    fail(publisher, TOW_EXIT_USAGE);
}

/* What a status means that comes without words. */
static const char *advice_on(int status) {
    if (status == 404 || status == 405)
        return ": is this the path where it takes publications?";
    return status == 413 ? ": it takes no request of that size (--publish-max)" : "";
}

/* What the server says of a refusal: {"error": "why"}, or anything, from which nothing is shown. */
static void fail_by_answer(tow_publisher *publisher, const tow_http_result *result) {
    const tow_slice body = {(const char *)result->body, result->body_length};
    tow_buffer why = {0};
    tow_slice object, text;
    bool is_told = tow_json_read(body, &object) == 0 && tow_json_member(object, "error", &text) &&
                   tow_json_type_of(text) == TOW_JSON_STRING && tow_json_unescape(&why, text) == 0;
    for (size_t i = 0; i < why.length; i++)
        if (why.data[i] < ' ' || why.data[i] == 0x7F)
            why.data[i] = '?';
    fprintf(stderr, "towline publish: the server answers %d%s%.*s\n", result->head->status,
        is_told ? ": " : advice_on(result->head->status),
        is_told ? (int)(why.length < 200 ? why.length : 200) : 0, is_told ? (const char *)why.data : "");
    tow_buffer_clear(&why);
    tell_lines(publisher, "not published");
    fail(publisher, TOW_EXIT_HTTP_STATUS);
}

/* Sending. */

static void send_batch(tow_publisher *publisher);

static void on_again(tow_timer *timer) {
    send_batch((tow_publisher *)(void *)((char *)timer - offsetof(tow_publisher, again)));
}

/* The rest of a batch is another request; the same once more is not. */
static bool attempt_name(tow_publisher *publisher) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(publisher->attempt + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static void send_later(tow_publisher *publisher, const tow_http_result *result) {
    if (++publisher->attempts > ATTEMPTS_MAX)
        fail_by_answer(publisher, result);
    else
        tow_timer_set(
            publisher->loop, &publisher->again, tow_loop_now(publisher->loop) + TOW_SECOND, on_again);
}

static bool published_read(const tow_http_result *result, int64_t *count) {
    tow_slice object, number;
    return tow_json_read((tow_slice){(const char *)result->body, result->body_length}, &object) == 0 &&
           tow_json_member(object, "published", &number) && tow_json_integer(number, count) == 0;
}

static void begin_next(tow_publisher *publisher) {
    tow_publisher_batch *over = sent(publisher);
    over->items.length = 0;
    over->count = over->done = 0;
    publisher->sending = 1 - publisher->sending;
    publisher->attempts = 0;
    publisher->attempt[0] = '\0';
    if (is_under_way(publisher))
        send_batch(publisher);
}

static void take_answer(tow_publisher *publisher, const tow_http_result *result) {
    tow_publisher_batch *batch = sent(publisher);
    int64_t count;
    if (!published_read(result, &count) || count < 0 || (size_t)count > batch->count - batch->done) {
        fprintf(stderr, "towline publish: the server's answer is not understood: is the URL right?\n");
        fail(publisher, TOW_EXIT_FAILED);
        return;
    }
    publisher->published += (uint64_t)count;
    batch->done += (size_t)count;
    publisher->attempts = count > 0 ? 0 : publisher->attempts;
    if (batch->done < batch->count) {
        publisher->attempt[0] = '\0';
        send_later(publisher, result);
        return;
    }
    begin_next(publisher);
    publisher->on_change(publisher);
}

static void on_done(tow_http_call *call, const tow_http_result *result) {
    tow_publisher *publisher = tow_http_call_user(call);
    publisher->call = NULL;
    if (result->error != 0)
        fail_by_error(publisher, result->error, result->text);
    else if (result->head->status == 503)
        send_later(publisher, result);
    else if (result->head->status != 200)
        fail_by_answer(publisher, result);
    else
        take_answer(publisher, result);
    tow_http_call_free(call);
}

/* "[ITEM,ITEM]", without those that were published. */
static int body_make(tow_publisher *publisher) {
    const tow_publisher_batch *batch = sent(publisher);
    size_t begin = batch->done > 0 ? batch->ends[batch->done - 1] : 0;
    publisher->body.length = 0;
    int error = tow_buffer_append_text(&publisher->body, "[");
    if (error == 0)
        error = tow_buffer_append(&publisher->body, batch->items.data + begin, batch->items.length - begin);
    if (error == 0)
        publisher->body.data[publisher->body.length - 1] = ']';
    return error;
}

static void send_batch(tow_publisher *publisher) {
    const tow_publisher_options *options = publisher->options;
    int error =
        publisher->attempt[0] != '\0' || attempt_name(publisher) ? body_make(publisher) : TOW_ERROR_SYSTEM;
    if (error == 0)
        error = tow_http_call_start(&publisher->call, publisher->client,
            &(tow_http_call_options){.url = options->url,
                .unix_path = options->unix_path,
                .method = "POST",
                .headers = publisher->fields,
                .body = publisher->body.data,
                .body_length = publisher->body.length,
                .may_repeat = true,
                .on_done = on_done,
                .user = publisher});
    if (error != 0)
        fail_to_ask(publisher, error);
}

/* Gathering. */

static int member_append(tow_buffer *out, const char *before, const char *text) {
    int error = text != NULL ? tow_buffer_append_text(out, before) : 0;
    return text == NULL || error != 0 ? error : tow_json_append_string(out, tow_slice_from(text));
}

static int data_append(tow_buffer *out, tow_publisher_form form, tow_slice data) {
    tow_slice value;
    int error = tow_buffer_append_text(out, form == TOW_PUBLISH_BYTES ? ",\"base64\":\"" : ",\"data\":");
    if (error != 0)
        return error;
    if (form == TOW_PUBLISH_TEXT)
        return tow_json_append_string(out, data);
    if (form == TOW_PUBLISH_JSON)
        return tow_json_read(data, &value) != 0 ? TOW_ERROR_ARGUMENT
                                                : tow_buffer_append(out, value.data, value.length);
    error = tow_base64_append(out, data.data, data.length);
    return error != 0 ? error : tow_buffer_append_text(out, "\"");
}

static int item_append(
    tow_buffer *out, const tow_publisher_options *options, tow_publisher_form form, tow_slice data) {
    int error = member_append(out, "{\"channel\":", options->channel);
    if (error == 0)
        error = member_append(out, ",\"event\":", options->event);
    if (error == 0)
        error = member_append(out, ",\"key\":", options->key);
    if (error == 0)
        error = data_append(out, form, data);
    return error != 0 ? error : tow_buffer_append_text(out, "},");
}

int tow_publisher_add(tow_publisher *publisher, tow_publisher_form form, tow_slice data) {
    tow_publisher_batch *batch = coming(publisher);
    size_t before = batch->items.length;
    int error = item_append(&batch->items, publisher->options, form, data);
    if (error != 0) {
        batch->items.length = before;
        return error;
    }
    batch->ends[batch->count++] = batch->items.length;
    if (!is_under_way(publisher))
        begin_next(publisher);
    return 0;
}

static int fields_make(tow_publisher *publisher) {
    const tow_publisher_options *options = publisher->options;
    const tow_header_field own[OWN_FIELDS] = {{"Towline-Key", options->secret},
        {"Idempotency-Key", publisher->attempt}, {"Content-Type", "application/json"}};
    size_t count = 0;
    while (options->fields[count].name != NULL)
        count++;
    publisher->fields = calloc(OWN_FIELDS + count + 1, sizeof(*publisher->fields));
    if (publisher->fields == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(publisher->fields, own, sizeof(own));
    memcpy(publisher->fields + OWN_FIELDS, options->fields, count * sizeof(*options->fields));
    return 0;
}

int tow_publisher_begin(tow_publisher *publisher) {
    int error = fields_make(publisher);
    return error != 0 ? error
                      : tow_http_client_new(&publisher->client, publisher->loop, &publisher->options->client);
}

void tow_publisher_end(tow_publisher *publisher) {
    tow_timer_cancel(publisher->loop, &publisher->again);
    tow_http_call_free(publisher->call);
    tow_http_client_free(publisher->client);
    tow_buffer_clear(&publisher->batches[0].items);
    tow_buffer_clear(&publisher->batches[1].items);
    tow_buffer_clear(&publisher->body);
    free(publisher->fields);
}
