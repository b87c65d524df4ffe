/* back_end: a way to serve: by a web application, which gets a POST for each event, one at a time for each
 * connection, and which may say more later by a POST of its own to the path of the connections. */
#include "answer.h"
#include "client/http_client.h"
#include "signature.h"
#include "transport/loop.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <towline/error.h>
#include <towline/log.h>

enum {
    CALLS_AT_A_TIME = 16,
    CALL_SECONDS = 10,
    TRIES_MAX = 3,
    RETRY_FIRST_MILLISECONDS = 250,
    ANSWER_MAX = 16 << 20,
    LATER_MAX = 16 << 20,
    CLOCKS_APART_SECONDS = 300, /* of a request that the back end has signed */
    ID_TEXT = 17,
    TIME_TEXT = 24,
    STATE_TEXT = TOW_SERVICE_STATE_MAX / 3 * 4 + 8,
    FIELDS = 9
};

typedef struct back_end {
    tow_http_client *client;
    tow_signature_key key; /* not changed once it is there: any thread reads it */
} back_end;

static void ask(tow_member *member);

static back_end *of(const tow_service *service) {
    return service->served_by;
}

/* Asking. */

static const char *name_of(const tow_event *event) {
    return event->type == TOW_SERVICE_OPEN      ? "open"
           : event->type == TOW_SERVICE_MESSAGE ? "message"
                                                : "close";
}

static void ask_again(tow_timer *timer) {
    ask((tow_member *)(void *)((char *)timer - offsetof(tow_member, timer)));
}

/* The back end did not answer, or says that it can't: the event is given again, a few times. */
static void retry(tow_member *member, const char *why) {
    tow_event *event = member->first;
    tow_loop *loop = member->service->loop;
    tow_service_log_line(member->service, TOW_LOG_WARNING, "%s", why);
    if (++event->tries >= TRIES_MAX) {
        tow_service_abandon(member, "the back end does not answer");
        return;
    }
    tow_timer_set(loop, &member->timer,
        tow_loop_now(loop) + (RETRY_FIRST_MILLISECONDS << event->tries) * TOW_MILLISECOND, ask_again);
}

static void next(tow_member *member) {
    bool is_end = member->first->type == TOW_SERVICE_CLOSED;
    tow_member_acknowledge(member);
    if (is_end)
        tow_service_remove(member);
    else if (member->first != NULL)
        ask(member);
}

static void take_answer(tow_member *member, const tow_http_result *result) {
    const tow_answer answer = {.type = tow_http_field(result->head, "Content-Type"),
        .state = tow_http_field(result->head, "Towline-State"),
        .close = tow_http_field(result->head, "Towline-Close"),
        .body = result->body,
        .length = result->body_length};
    int error = tow_answer_do(member->service, member->id, &answer);
    if (error != 0) {
        tow_service_log_line(member->service, TOW_LOG_WARNING, "its answer can't be used: %s",
            error == TOW_ERROR_ARGUMENT ? "it is none" : tow_strerror(error));
        tow_service_abandon(member, "the back end's answer can't be used");
    } else
        next(member);
}

static bool is_worth_a_retry(int status) {
    return status >= 500 || status == 408 || status == 429;
}

static void answered(tow_http_call *call, const tow_http_result *result) {
    tow_member *member = tow_http_call_user(call);
    char text[80];
    int status = result->error == 0 ? result->head->status : 0;
    member->call = NULL;
    if (status >= 200 && status < 300)
        take_answer(member, result);
    else if (result->error != 0)
        retry(member, result->text);
    else {
        snprintf(text, sizeof(text), "it answered a %s with %d", name_of(member->first), status);
        if (is_worth_a_retry(status))
            retry(member, text);
        else {
            tow_service_log_line(member->service, TOW_LOG_INFO, "%s: the client gets 1008", text);
            tow_service_refuse(member, "the back end refuses");
        }
    }
    tow_http_call_free(call);
}

/* What stands in the fields of a request. */
typedef struct question {
    char id[ID_TEXT];
    char time[TIME_TEXT];
    char state[STATE_TEXT];
    char signature[TOW_SIGNATURE_TEXT];
    tow_header_field fields[FIELDS];
    tow_buffer body;
} question;

/* The environment is told in lines; no value has a line end. The end is told as "CODE REASON". */
static int write_body(question *made, const tow_event *event) {
    if (event->type == TOW_SERVICE_CLOSED)
        return tow_buffer_append_format(&made->body, "%d %.*s", event->data[0] * 256 + event->data[1],
            (int)event->length - 2, (const char *)event->data + 2);
    int error = tow_buffer_append(&made->body, event->data, event->length);
    for (size_t i = 0; event->type == TOW_SERVICE_OPEN && i < made->body.length; i++)
        if (made->body.data[i] == '\0')
            made->body.data[i] = '\n';
    return error;
}

static int sign(question *made, const tow_service *service, const tow_event *event) {
    const tow_slice parts[] = {tow_slice_from(made->time), tow_slice_from(name_of(event)),
        tow_slice_from(made->id), tow_slice_from(made->state),
        {made->body.length > 0 ? (const char *)made->body.data : "", made->body.length}};
    if (of(service)->key.length == 0)
        return 0;
    return tow_signature_make(made->signature, &of(service)->key, parts, sizeof(parts) / sizeof(parts[0]));
}

static void add(question *made, size_t *count, const char *name, const char *value) {
    if (value[0] != '\0')
        made->fields[(*count)++] = (tow_header_field){name, value};
}

static int question_make(question *made, const tow_member *member) {
    const tow_event *event = member->first;
    bool is_binary = event->type == TOW_SERVICE_MESSAGE && event->is_binary;
    size_t count = 0;
    snprintf(made->id, sizeof(made->id), "%016" PRIx64, member->id);
    snprintf(made->time, sizeof(made->time), "%lld", (long long)tow_loop_wall_seconds(member->service->loop));
    EVP_EncodeBlock((unsigned char *)made->state, member->state, (int)member->state_length);
    int error = write_body(made, event);
    if (error == 0)
        error = sign(made, member->service, event);
    add(made, &count, "Content-Type", is_binary ? "application/octet-stream" : "text/plain; charset=utf-8");
    add(made, &count, "Towline-Event", name_of(event));
    add(made, &count, "Towline-Connection", made->id);
    add(made, &count, "Towline-Again", event->tries > 0 ? "1" : "");
    add(made, &count, "Towline-State", made->state);
    add(made, &count, "Towline-Time", made->time);
    add(made, &count, "Towline-Signature", made->signature);
    return error;
}

static int start_call(tow_member *member, const question *made) {
    const tow_service *service = member->service;
    int seconds = service->settings.call_seconds;
    return tow_http_call_start(&member->call, of(service)->client,
        &(tow_http_call_options){.url = service->settings.url,
            .method = "POST",
            .headers = made->fields,
            .body = made->body.length > 0 ? (const void *)made->body.data : "",
            .body_length = made->body.length,
            .total_seconds = seconds > 0 ? seconds : CALL_SECONDS,
            .max_body = ANSWER_MAX,
            .on_done = answered,
            .user = member});
}

static void ask(tow_member *member) {
    question made = {0};
    int error = question_make(&made, member);
    if (error == 0)
        error = start_call(member, &made);
    tow_buffer_clear(&made.body);
    if (error != 0)
        retry(member, tow_strerror(error));
}

/* The way. */

static int begin(tow_service *service, char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_program_settings *settings = &service->settings;
    back_end *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    int error = settings->secret == NULL ? 0 : tow_signature_key_read(&made->key, settings->secret);
    if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "the secret in %.150s: %s", settings->secret,
            error == TOW_ERROR_ARGUMENT ? "it is empty, or has more than 1,024 bytes" : tow_strerror(error));
    else {
        error = tow_http_client_new(&made->client, service->loop,
            &(tow_http_client_options){
                .max_host_connections = settings->pool > 0 ? settings->pool : CALLS_AT_A_TIME,
                .max_waiting = TOW_OFF,
                .max_host_waiting = TOW_OFF});
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
    }
    if (error != 0) {
        free(made);
        return error;
    }
    service->served_by = made;
    return 0;
}

static void joined(tow_member *member) {
    member->server = of(member->service);
}

static void event_came(tow_member *member, tow_event *event) {
    if (member->first == event && member->call == NULL && !tow_timer_is_set(&member->timer))
        ask(member);
}

static void flush(tow_service *service) {
    (void)service;
}

static void dropped(tow_member *member) {
    tow_http_call_free(member->call);
    member->call = NULL;
    tow_timer_cancel(member->service->loop, &member->timer);
}

static void left(tow_member *member) {
    (void)member;
}

static void free_back_end(tow_service *service) {
    tow_http_client_free(of(service)->client);
    free(of(service));
}

/* Later. */

typedef struct later {
    tow_letter letter; /* first */
    tow_service *service;
    tow_websocket_id id;
    tow_answer answer; /* into the copies behind it */
    char copies[];
} later;

static void do_later(tow_letter *letters) {
    while (letters != NULL) {
        later *one = (later *)(void *)letters;
        letters = letters->next;
        if (!atomic_load(&one->service->gone) && tow_answer_do(one->service, one->id, &one->answer) != 0)
            tow_service_log_line(one->service, TOW_LOG_WARNING, "what it sent later can't be used");
        free(one);
    }
}

static void drop_later(tow_letter *letter) {
    free(letter);
}

static tow_slice field_of(const tow_request *request, const char *name) {
    const char *value = tow_request_header(request, name);
    if (value == NULL)
        return (tow_slice){0};
    return tow_slice_from(value);
}

static char *copy(char *out, tow_slice from, tow_slice *to) {
    if (from.data != NULL) {
        memcpy(out, from.data, from.length);
        *to = (tow_slice){out, from.length};
    }
    return out + from.length;
}

static later *later_make(tow_service *service, const tow_request *request, const void *body, size_t length) {
    tow_slice type = field_of(request, "Content-Type"), state = field_of(request, "Towline-State"),
              close = field_of(request, "Towline-Close");
    const char *id = tow_request_header(request, "Towline-Connection");
    later *made = malloc(sizeof(*made) + type.length + state.length + close.length + length);
    if (made == NULL)
        return NULL;
    *made = (later){.letter = {.open = do_later, .drop = drop_later, .work = 1},
        .service = service,
        .id = id == NULL ? 0 : strtoull(id, NULL, 16)};
    char *end = copy(made->copies, type, &made->answer.type);
    end = copy(end, state, &made->answer.state);
    end = copy(end, close, &made->answer.close);
    if (length > 0)
        memcpy(end, body, length);
    made->answer.body = (const uint8_t *)end;
    made->answer.length = length;
    return made;
}

static bool is_near(const char *text) {
    int64_t apart = strtoll(text, NULL, 10) - (int64_t)time(NULL);
    return apart > -CLOCKS_APART_SECONDS && apart < CLOCKS_APART_SECONDS;
}

static const char *or_empty(const char *text) {
    return text == NULL ? "" : text;
}

static bool is_signed(
    const tow_service *service, const tow_request *request, const void *body, size_t length) {
    const char *at = or_empty(tow_request_header(request, "Towline-Time"));
    const char *signature = or_empty(tow_request_header(request, "Towline-Signature"));
    const tow_slice parts[] = {tow_slice_from(at), tow_slice_from("later"),
        tow_slice_from(or_empty(tow_request_header(request, "Towline-Connection"))),
        tow_slice_from(or_empty(tow_request_header(request, "Towline-State"))),
        tow_slice_from(or_empty(tow_request_header(request, "Towline-Close"))),
        {length > 0 ? body : "", length}};
    return of(service)->key.length > 0 && is_near(at) &&
           tow_signature_is(signature, &of(service)->key, parts, sizeof(parts) / sizeof(parts[0]));
}

static void body_came(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_service *service = user;
    const tow_request *request = tow_exchange_request(exchange);
    if (!is_signed(service, request, body, length)) {
        tow_exchange_reject(exchange, 403, "this is not signed by the key that is known here, or long ago");
        return;
    }
    later *made = later_make(service, request, body, length);
    if (made == NULL) {
        tow_exchange_reject(exchange, 503, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    tow_loop_post_letter(service->loop, &made->letter);
    tow_exchange_respond(exchange, 202, NULL, NULL, 0);
}

static void request_came(tow_exchange *exchange, const tow_request *request) {
    tow_service *service = tow_request_user(request);
    if (strcmp(tow_request_method(request), "POST") == 0 && of(service)->key.length > 0)
        (void)tow_exchange_read_body(exchange, LATER_MAX, body_came, service);
    else
        tow_exchange_reject(exchange, 426, "this is for WebSocket, and for signed requests of its back end");
}

const tow_service_way tow_service_back_end = {.begin = begin,
    .joined = joined,
    .event = event_came,
    .flush = flush,
    .dropped = dropped,
    .left = left,
    .end = tow_service_over,
    .free = free_back_end,
    .request = request_came,
    .max_posted = 64 << 20};
