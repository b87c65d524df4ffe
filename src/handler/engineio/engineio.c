#include "handler/engineio.h"

#include "../session/origin.h"
#include "life.h"
#include "parcel.h"
#include "polling.h"
#include "refusal.h"
#include "wire.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { NUMBER_DIGITS_MAX = 18 };

static const char suffix[] = "/engine.io/";

static const tow_engineio *of(const tow_entrance *entrance) {
    return (const tow_engineio *)(const void *)entrance;
}

static bool ends_with(tow_slice path, const char *end, size_t length) {
    return path.length >= length && memcmp(path.data + path.length - length, end, length) == 0;
}

/* "/a/engine.io/" is that of "/a", or else of "/a/". */
static bool find_below(tow_slice path, unsigned attempt, tow_slice *base) {
    const size_t length = sizeof(suffix) - 1;
    if (attempt > 1 || !ends_with(path, suffix, length))
        return false;
    *base = (tow_slice){path.data, path.length - length + attempt};
    return true;
}

static bool find_alone(const tow_engineio *engineio, tow_slice path, unsigned attempt, tow_slice *base) {
    if (attempt > 1 || !tow_slice_equals(path, engineio->path))
        return false;
    *base = (tow_slice){path.data, path.length - 1 + attempt};
    return true;
}

static bool find(const tow_entrance *entrance, tow_slice path, unsigned attempt, tow_slice *base) {
    const tow_engineio *engineio = of(entrance);
    return engineio->path != NULL ? find_alone(engineio, path, attempt, base)
                                  : find_below(path, attempt, base);
}

/* What a request says. */

static bool parameter_is(const tow_request *request, const char *name, const char *value) {
    const char *found = tow_request_parameter(request, name);
    return found != NULL && strcmp(found, value) == 0;
}

static bool begins(tow_entrance *entrance, const tow_request *request) {
    (void)entrance;
    return tow_request_parameter(request, "sid") == NULL && (strcmp(tow_request_method(request), "GET") == 0);
}

static const char *offers(const tow_entrance *entrance, const tow_request *request) {
    (void)entrance;
    return tow_engineio_is_extended(request) ? tow_request_parameter(request, "protocols") : NULL;
}

/* Decimal digits. */
static bool read_number(const char *text, uint64_t *number) {
    size_t length = text != NULL ? strspn(text, "0123456789") : 0;
    if (length == 0 || length > NUMBER_DIGITS_MAX || text[length] != '\0')
        return false;
    *number = strtoull(text, NULL, 10);
    return true;
}

/* -1, or the code of an error. */
static int check(const tow_exchange *exchange, const tow_request *request) {
    const char *transport = tow_request_parameter(request, "transport");
    bool is_opening = tow_exchange_is_opening(exchange);
    bool polls = transport != NULL && strcmp(transport, "polling") == 0;
    bool websocket = transport != NULL && strcmp(transport, "websocket") == 0;
    bool has_session = tow_request_parameter(request, "sid") != NULL;
    if (!polls && !websocket)
        return 0;
    if (!has_session && strcmp(tow_request_method(request), "GET") != 0)
        return 2;
    if (polls == is_opening)
        return 3;
    return parameter_is(request, "EIO", "4") ? -1 : 5;
}

/* Beginning by polling. */

static void begin(tow_engineio *engineio, tow_exchange *exchange) {
    tow_engineio_session *session;
    tow_buffer packet = {0};
    int error = tow_engineio_session_new(&session, engineio, exchange);
    if (error == 0)
        error = tow_engineio_open_packet(session, &packet, true);
    if (error != 0)
        tow_engineio_refuse_session(exchange, error);
    else
        tow_engineio_respond(exchange, &(tow_session_visit_answer){.status = 200,
                                           .type = "text/plain; charset=UTF-8",
                                           .body = packet.data,
                                           .length = packet.length});
    tow_buffer_clear(&packet);
}

/* Polls and posts, on the session's worker. */

typedef enum visit_kind { VISIT_POLL, VISIT_POST, VISIT_BINARY /* what is no text */ } visit_kind;

static void serve(tow_session_visit *visit) {
    tow_engineio *engineio = visit->context;
    tow_engineio_session *session = tow_engineio_find(engineio, visit->id, (const uint8_t *)visit->name);
    int code = session == NULL ? 1 : session->link != NULL ? 3 : -1;
    if (code >= 0) {
        tow_session_visit_answer answer = tow_engineio_refusal(code);
        (void)tow_session_visit_answer_with(visit, &answer);
        return;
    }
    tow_engineio_session_met(session);
    if (visit->kind == VISIT_POLL)
        tow_engineio_poll(session, visit);
    else if (visit->kind == VISIT_POST)
        tow_engineio_post(session, visit);
    else
        tow_engineio_refuse_post(session, visit);
}

static tow_session_visit *visit_new(tow_engineio *engineio, const tow_request *request, visit_kind kind) {
    tow_session_visit *visit = tow_session_visit_new();
    if (visit == NULL)
        return NULL;
    visit->server = engineio->server;
    visit->context = engineio;
    visit->serve = serve;
    visit->kind = (int)kind;
    visit->has_number =
        read_number(tow_request_parameter(request, kind == VISIT_POLL ? "ack" : "n"), &visit->number);
    return visit;
}

static void begin_visit(tow_session_visit *visit, tow_exchange *exchange) {
    size_t away = tow_websocket_id_worker(visit->id);
    if (!tow_session_visit_begin(visit, exchange, away))
        (void)tow_exchange_reject(exchange, 503, "the session's worker is too busy, or ends");
}

static void body_came(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_engineio *engineio = user;
    const tow_request *request = tow_exchange_request(exchange);
    tow_session_visit *visit = visit_new(engineio, request, VISIT_POST);
    const char *sid = tow_request_parameter(request, "sid");
    bool is_ready = visit != NULL && tow_engineio_read_sid(sid, &visit->id, (uint8_t *)visit->name) &&
                    (length == 0 || tow_buffer_append(&visit->body, body, length) == 0);
    if (is_ready) {
        begin_visit(visit, exchange);
        return;
    }
    tow_session_visit_release(visit);
    (void)tow_exchange_reject(exchange, 503, tow_strerror(TOW_ERROR_MEMORY));
}

/* A body that says it is no text breaks the session. */
static bool is_binary(const tow_request *request) {
    const char *type = tow_request_header(request, "Content-Type");
    return type != NULL && strncmp(type, "application/octet-stream", 24) == 0;
}

static void visit(tow_engineio *engineio, tow_exchange *exchange, const tow_request *request) {
    const char *method = tow_request_method(request);
    bool posts = strcmp(method, "POST") == 0;
    bool polls = strcmp(method, "GET") == 0;
    tow_websocket_id id;
    uint8_t secret[TOW_ENGINEIO_SECRET];
    if (!tow_engineio_read_sid(tow_request_parameter(request, "sid"), &id, secret) ||
        tow_websocket_id_worker(id) >= engineio->part_count) {
        tow_engineio_refuse(exchange, 1);
        return;
    }
    if (posts && !is_binary(request)) {
        (void)tow_exchange_read_body(exchange, (size_t)engineio->settings.max_payload, body_came, engineio);
        return;
    }
    if (!polls && !posts) {
        tow_engineio_refuse(exchange, 3);
        return;
    }
    tow_session_visit *made = visit_new(engineio, request, polls ? VISIT_POLL : VISIT_BINARY);
    if (made == NULL) {
        (void)tow_exchange_reject(exchange, 503, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    made->id = id;
    memcpy(made->name, secret, sizeof(secret));
    begin_visit(made, exchange);
}

static void on_request(tow_exchange *exchange, const tow_request *request) {
    tow_engineio *engineio = (tow_engineio *)(void *)tow_exchange_entrance(exchange);
    if (strcmp(tow_request_method(request), "OPTIONS") == 0) {
        tow_session_answer_preflight(exchange, request, "GET,HEAD,PUT,PATCH,POST,DELETE");
        return;
    }
    int code = check(exchange, request);
    if (code >= 0 && tow_exchange_is_opening(exchange))
        tow_engineio_refuse_opening(exchange, code);
    else if (code >= 0)
        tow_engineio_refuse(exchange, code);
    else if (tow_exchange_is_opening(exchange))
        tow_engineio_wire_enter(engineio, exchange, request);
    else if (tow_request_parameter(request, "sid") == NULL)
        begin(engineio, exchange);
    else
        visit(engineio, exchange, request);
}

/* Making one. */

static void resolve(tow_engineio_settings *settings) {
    if (settings->ping_milliseconds == 0)
        settings->ping_milliseconds = TOW_ENGINEIO_PING_DEFAULT;
    if (settings->pong_milliseconds == 0)
        settings->pong_milliseconds = TOW_ENGINEIO_PONG_DEFAULT;
    if (settings->upgrade_milliseconds == 0)
        settings->upgrade_milliseconds = 10000;
    if (settings->max_payload == 0)
        settings->max_payload = TOW_ENGINEIO_PAYLOAD_DEFAULT;
    if (settings->max_half_made == 0)
        settings->max_half_made = TOW_HALF_MADE_DEFAULT;
}

void tow_engineio_free(tow_engineio *engineio) {
    if (engineio == NULL)
        return;
    tow_entrance_drop(&engineio->entrance);
    for (size_t i = 0; engineio->parts != NULL && i < engineio->part_count; i++)
        tow_buffer_clear(&engineio->parts[i].scratch);
    free(engineio->parts);
    free(engineio->path);
    free(engineio);
}

static const tow_parcel_ends ends = {.to_session = tow_parcel_to_session, .to_wire = tow_parcel_to_wire};

int tow_engineio_make(
    tow_engineio **out, tow_server *server, const tow_engineio_settings *settings, const char *path) {
    tow_engineio *engineio = calloc(1, sizeof(*engineio));
    if (engineio == NULL)
        return TOW_ERROR_MEMORY;
    engineio->entrance = (tow_entrance){.find = find,
        .begins = begins,
        .offers = offers,
        .address = tow_session_allow_origin,
        .on_request = on_request};
    engineio->settings = *settings;
    engineio->ends = &ends;
    engineio->server = server;
    TOW_SERVER_METRICS(server, &engineio->metrics, TOW_ENGINEIO_METRICS);
    resolve(&engineio->settings);
    engineio->path = path != NULL ? strdup(path) : NULL;
    engineio->part_count = tow_server_workers(server);
    engineio->parts = calloc(engineio->part_count, sizeof(*engineio->parts));
    for (size_t i = 0; engineio->parts != NULL && i < engineio->part_count; i++)
        tow_half_made_init(&engineio->parts[i].half_made);
    bool is_made = engineio->parts != NULL && (path == NULL || engineio->path != NULL);
    int error = is_made ? 0 : TOW_ERROR_MEMORY;
    const tow_handler sockets = tow_engineio_wire_handler(engineio);
    if (error == 0)
        error = tow_entrance_make(&engineio->entrance, server, &sockets);
    if (error != 0)
        tow_engineio_free(engineio);
    else
        *out = engineio;
    return error;
}

void tow_engineio_enter(tow_engineio *engineio) {
    tow_server_add_entrance(engineio->server, &engineio->entrance);
}

int tow_engineio_new(
    tow_engineio **out, tow_server *server, const tow_engineio_settings *settings, const char *path) {
    int error = tow_engineio_make(out, server, settings, path);
    if (error == 0)
        tow_engineio_enter(*out);
    return error;
}
