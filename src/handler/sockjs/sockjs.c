#include "handler/sockjs.h"

#include "../session/origin.h"
#include "giving.h"
#include "hearing.h"
#include "place.h"
#include "session.h"
#include "transport/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#define TEXT_TYPE "text/plain; charset=UTF-8"

/* By the target: the path is the route's own. */
static tow_sockjs_place place_of(const tow_request *request) {
    const char *target = tow_request_target(request);
    return tow_sockjs_place_of((tow_slice){target, strcspn(target, "?")});
}

static bool find(const tow_entrance *entrance, tow_slice path, unsigned attempt, tow_slice *base) {
    (void)entrance;
    if (attempt > 1)
        return false;
    tow_sockjs_place place = attempt == 0 ? tow_sockjs_place_below(path) : tow_sockjs_place_direct(path);
    *base = place.what != TOW_SOCKJS_NOTHING ? place.base : tow_slice_from("");
    return true;
}

static bool is_alias(const tow_entrance *entrance, tow_slice path) {
    (void)entrance;
    return tow_sockjs_place_of(path).what == TOW_SOCKJS_RAW;
}

/* The name of a request's session, as a text. False: it is too long. */
static bool name_of(const tow_request *request, char name[TOW_SOCKJS_NAME_MAX + 1]) {
    tow_sockjs_place place = place_of(request);
    if (place.name.length > TOW_SOCKJS_NAME_MAX)
        return false;
    memcpy(name, place.name.data, place.name.length);
    name[place.name.length] = '\0';
    return true;
}

static bool is_post(const tow_request *request) {
    return strcmp(tow_request_method(request), "POST") == 0;
}

static bool receives(tow_sockjs_what what) {
    return what == TOW_SOCKJS_XHR || what == TOW_SOCKJS_STREAM;
}

static bool begins(tow_entrance *entrance, const tow_request *request) {
    tow_sockjs *sockjs = (tow_sockjs *)(void *)entrance;
    char name[TOW_SOCKJS_NAME_MAX + 1];
    tow_sockjs_what what = place_of(request).what;
    if (what == TOW_SOCKJS_WEBSOCKET)
        return true;
    return receives(what) && is_post(request) && name_of(request, name) &&
           tow_sockjs_names_find(&sockjs->names, name) == 0;
}

/* Answers that belong to no session. */

static void respond(tow_exchange *exchange, int status, const char *type, const char *body) {
    if (tow_exchange_respond(exchange, status, type, body, strlen(body)) != 0)
        tow_exchange_reset(exchange);
}

static void answer_info(tow_exchange *exchange) {
    char text[120];
    uint32_t entropy;
    tow_loop_random(tow_exchange_loop(exchange), &entropy, sizeof(entropy));
    snprintf(text, sizeof(text),
        "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":%" PRIu32 "}",
        entropy);
    respond(exchange, 200, "application/json; charset=UTF-8", text);
}

static void refuse_session(tow_exchange *exchange, int error) {
    if (error == TOW_ERROR_UNSUPPORTED)
        (void)tow_exchange_reject(exchange, 403, "this path speaks WebSocket only");
    else
        (void)tow_exchange_reject(
            exchange, 503, error == TOW_ERROR_LIMIT ? "too many sessions" : tow_strerror(error));
}

/* Requests of sessions, on their worker. */

static void serve(tow_session_visit *visit) {
    tow_sockjs_session *session = tow_sockjs_find(visit->context, visit->id);
    if (session == NULL)
        (void)tow_session_visit_answer_with(
            visit, &(tow_session_visit_answer){.status = 404, .type = TEXT_TYPE});
    else if (visit->kind == TOW_SOCKJS_SEND)
        tow_sockjs_post(session, visit);
    else
        tow_sockjs_receive(session, visit, visit->kind == TOW_SOCKJS_STREAM);
}

static void begin_visit(tow_sockjs *sockjs, tow_exchange *exchange, tow_websocket_id id, tow_sockjs_what what,
    const void *body, size_t length) {
    tow_session_visit *visit = tow_session_visit_new();
    if (visit == NULL || (length > 0 && tow_buffer_append(&visit->body, body, length) != 0)) {
        tow_session_visit_release(visit);
        (void)tow_exchange_reject(exchange, 503, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    visit->server = sockjs->server;
    visit->context = sockjs;
    visit->serve = serve;
    visit->id = id;
    visit->kind = (int)what;
    if (!tow_session_visit_begin(visit, exchange, tow_websocket_id_worker(id)))
        (void)tow_exchange_reject(exchange, 503, "the session's worker is too busy, or ends");
}

static void body_came(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_sockjs *sockjs = user;
    char name[TOW_SOCKJS_NAME_MAX + 1];
    tow_websocket_id id =
        name_of(tow_exchange_request(exchange), name) ? tow_sockjs_names_find(&sockjs->names, name) : 0;
    if (id == 0)
        respond(exchange, 404, TEXT_TYPE, "");
    else
        begin_visit(sockjs, exchange, id, TOW_SOCKJS_SEND, body, length);
}

enum { BODY_MAX = 1 << 30 /* bytes that a client sends at once, where its messages have no limit */ };

static size_t body_max(const tow_exchange *exchange) {
    int64_t max = tow_exchange_route_limits(exchange)->max_message;
    return max == TOW_OFF || max > BODY_MAX ? BODY_MAX : (size_t)max;
}

/* A session that has ended since the request was let in as one of its own is not begun anew. */
static void receive(tow_sockjs *sockjs, tow_exchange *exchange, const char *name, tow_sockjs_what what) {
    tow_websocket_id id = tow_sockjs_names_find(&sockjs->names, name);
    tow_sockjs_session *session = NULL;
    if (id == 0 && !tow_exchange_begins(exchange)) {
        respond(exchange, 404, TEXT_TYPE, "");
        return;
    }
    int error = id != 0 ? 0 : tow_sockjs_session_new(&session, sockjs, exchange, name);
    if (error != 0)
        refuse_session(exchange, error);
    else
        begin_visit(sockjs, exchange, id != 0 ? id : tow_websocket_identify(session->socket), what, NULL, 0);
}

/* WebSocket. */

static void opened(tow_websocket *wire) {
    tow_sockjs *sockjs = tow_websocket_user(wire);
    tow_sockjs_session *session = NULL;
    int error = tow_sockjs_session_new(&session, sockjs, tow_websocket_opening(wire), NULL);
    bool is_open = error == 0 && !session->over;
    tow_websocket_set_user(wire, is_open ? session : NULL);
    if (is_open)
        tow_sockjs_take_wire(session, wire, tow_exchange_route_limits(tow_websocket_opening(wire)));
    else
        tow_websocket_close(wire, error == TOW_ERROR_LIMIT ? 1013 : 1011, NULL);
}

/* NULL: it is over. */
static tow_sockjs_session *session_of(tow_websocket *wire) {
    return tow_websocket_user(wire);
}

static void message_came(tow_websocket *wire, const tow_message *message) {
    tow_sockjs_session *session = session_of(wire);
    if (session != NULL)
        tow_sockjs_hear(session, message->data, message->length);
}

static void drained(tow_websocket *wire) {
    tow_sockjs_session *session = session_of(wire);
    if (session != NULL)
        tow_carried_drain(session->socket);
}

static void closed(tow_websocket *wire, const tow_close_event *event) {
    tow_sockjs_session *session = session_of(wire);
    if (session != NULL)
        tow_sockjs_wire_closed(session, event);
}

/* Requests. */

static void serve_session(
    tow_sockjs *sockjs, tow_exchange *exchange, const tow_request *request, tow_sockjs_what what) {
    char name[TOW_SOCKJS_NAME_MAX + 1];
    if (!name_of(request, name))
        respond(exchange, 404, TEXT_TYPE, "");
    else if (what == TOW_SOCKJS_SEND)
        (void)tow_exchange_read_body(exchange, body_max(exchange), body_came, sockjs);
    else
        receive(sockjs, exchange, name, what);
}

static void on_request(tow_exchange *exchange, const tow_request *request) {
    tow_sockjs *sockjs = (tow_sockjs *)(void *)tow_exchange_entrance(exchange);
    tow_sockjs_what what = place_of(request).what;
    bool is_get = strcmp(tow_request_method(request), "GET") == 0;
    if (strcmp(tow_request_method(request), "OPTIONS") == 0)
        tow_session_answer_preflight(exchange, request, "OPTIONS, GET, POST");
    else if (what == TOW_SOCKJS_WEBSOCKET && tow_exchange_is_opening(exchange))
        if (tow_exchange_may_be_carried(exchange))
            tow_exchange_enter(exchange);
        else
            refuse_session(exchange, TOW_ERROR_UNSUPPORTED);
    else if (what == TOW_SOCKJS_WEBSOCKET)
        respond(exchange, 400, TEXT_TYPE, "Can \"Upgrade\" only to \"WebSocket\".");
    else if (what == TOW_SOCKJS_GREETING && is_get)
        respond(exchange, 200, TEXT_TYPE, "Welcome to SockJS!\n");
    else if (what == TOW_SOCKJS_INFO && is_get && !tow_exchange_may_be_carried(exchange))
        refuse_session(exchange, TOW_ERROR_UNSUPPORTED);
    else if (what == TOW_SOCKJS_INFO && is_get)
        answer_info(exchange);
    else if (what >= TOW_SOCKJS_XHR && is_post(request))
        serve_session(sockjs, exchange, request, what);
    else
        respond(exchange, 405, TEXT_TYPE, "");
}

/* Making one. */

void tow_sockjs_free(tow_sockjs *sockjs) {
    if (sockjs == NULL)
        return;
    tow_sockjs_names_clear(&sockjs->names);
    free(sockjs->half_made);
    free(sockjs);
}

/* Errors: MEMORY. */
static int count_half_made(tow_sockjs *sockjs, const tow_sockjs_settings *settings) {
    size_t count = tow_server_workers(sockjs->server);
    int64_t max = settings != NULL ? settings->max_half_made : 0;
    sockjs->max_half_made = max != 0 ? max : TOW_HALF_MADE_DEFAULT;
    sockjs->half_made = calloc(count, sizeof(*sockjs->half_made));
    for (size_t i = 0; sockjs->half_made != NULL && i < count; i++)
        tow_half_made_init(&sockjs->half_made[i]);
    return sockjs->half_made != NULL ? 0 : TOW_ERROR_MEMORY;
}

int tow_sockjs_new(tow_sockjs **out, tow_server *server, const tow_sockjs_settings *settings) {
    tow_sockjs *sockjs = calloc(1, sizeof(*sockjs));
    if (sockjs == NULL)
        return TOW_ERROR_MEMORY;
    sockjs->entrance = (tow_entrance){.find = find,
        .is_alias = is_alias,
        .begins = begins,
        .address = tow_session_allow_origin,
        .on_request = on_request};
    sockjs->server = server;
    TOW_SERVER_METRICS(server, &sockjs->metrics, TOW_SOCKJS_METRICS);
    /* The session minds what waits. */
    const tow_handler sockets = {.user = sockjs,
        .limits.max_queue = TOW_OFF,
        .on_open = opened,
        .on_message = message_came,
        .on_drain = drained,
        .on_close = closed};
    int error = tow_sockjs_names_init(&sockjs->names);
    if (error == 0)
        error = count_half_made(sockjs, settings);
    if (error == 0)
        error = tow_entrance_make(&sockjs->entrance, server, &sockets);
    if (error != 0) {
        tow_sockjs_free(sockjs);
        return error;
    }
    tow_server_add_entrance(server, &sockjs->entrance);
    *out = sockjs;
    return 0;
}
