#include "dispatch.h"

#include "answer.h"
#include "base/text.h"
#include "handshake.h"
#include "protocol/opening.h"
#include "report.h"
#include "visitor.h"

#include <towline/error.h>

static tow_worker *worker_of(tow_exchange *exchange) {
    return tow_connection_worker(exchange->connection);
}

static void note_request(tow_exchange *exchange, const tow_http_head *head) {
    exchange->method[0] = exchange->path[0] = '\0';
    if (!tow_report_wants(&tow_conversation_server(exchange)->settings, TOW_LOG_NOTICE))
        return;
    tow_text_format(
        exchange->method, sizeof(exchange->method), "%.*s", (int)head->method.length, head->method.data);
    tow_text_format(exchange->path, sizeof(exchange->path), "%.*s", (int)head->path.length, head->path.data);
}

static void begin(tow_exchange *exchange, const tow_http_head *head) {
    exchange->fields.length = 0;
    exchange->answered = false;
    exchange->wants_body = false;
    exchange->is_head = tow_slice_equals(head->method, "HEAD");
    exchange->is_old = tow_slice_equals(head->version, "HTTP/1.0");
    exchange->keeps_alive = head->keep_alive && worker_of(exchange)->drain == TOW_SERVING;
    exchange->expects_continue = head->expect_continue;
    exchange->has_body = head->body != TOW_BODY_NONE;
    exchange->dropped = 0;
    exchange->route = NULL;
    tow_body_reader_init(&exchange->reader, head);
    exchange->limit = NULL;
    note_request(exchange, head);
    tow_count(&worker_of(exchange)->counters.requests);
}

static const tow_host_rule *host_rule_of(tow_exchange *exchange) {
    const tow_server *server = tow_conversation_server(exchange);
    bool status = exchange->connection->kind == TOW_CONNECTION_STATUS;
    return status ? &server->status_host_rule : &server->host_rule;
}

/* What the rule judges: names are public ones, which a proxy may know better. Without names it is for
 * browsers on this machine, whose own word counts: whoever comes from here may be a trusted proxy, and a
 * page's. */
static tow_slice judged_host(tow_exchange *exchange, const tow_http_head *head) {
    bool has_names = host_rule_of(exchange)->names != NULL;
    return has_names ? tow_visitor_authority(exchange, head) : head->authority;
}

/* A page elsewhere may have made its own name mean our address. */
static bool host_is_allowed(tow_exchange *exchange, const tow_http_head *head) {
    return exchange->connection->local ||
           tow_host_is_allowed(host_rule_of(exchange), judged_host(exchange, head));
}

/* The advice is for the name that would be judged then. */
static void refuse_host(tow_exchange *exchange, const tow_http_head *head) {
    char host[160];
    char name[160];
    char advice[400];
    tow_slice judged = judged_host(exchange, head);
    tow_slice advised = tow_visitor_authority(exchange, head);
    tow_text_format(host, sizeof(host), "%.*s", (int)judged.length, judged.data);
    tow_text_format(name, sizeof(name), "%.*s", (int)advised.length, advised.data);
    tow_text_format(advice, sizeof(advice), "Host \"%s\": --host %s would allow it", host, name);
    tow_answer_limit(exchange, &worker_of(exchange)->counters.host_refused);
    tow_answer_refuse(exchange, 421, "this host is not served here", advice);
}

static void refuse_path(tow_exchange *exchange) {
    tow_count(&worker_of(exchange)->counters.not_found);
    tow_answer_refuse(exchange, 404, "nothing is served at this path", NULL);
}

/* A request that is no opening handshake, on a route that knows nothing else. */
static void refuse_plain(tow_exchange *exchange, const tow_http_head *head) {
    if (exchange->is_head || tow_slice_equals(head->method, "GET")) {
        tow_answer_refuse(exchange, 426, "this path speaks WebSocket only", NULL);
    } else if (tow_answer_field(exchange, "Allow", "GET") == 0) {
        tow_answer_refuse(exchange, 405, "this path speaks WebSocket only, and that begins with GET", NULL);
    } else {
        tow_conversation_reset(exchange);
    }
}

void tow_dispatch_end_work(tow_exchange *exchange) {
    const tow_exchange_work work = exchange->work;
    exchange->work = (tow_exchange_work){0};
    if (work.free != NULL)
        work.free(work.user);
}

/* A handler that neither answered nor goes on has left the peer without an answer. */
static void after_handler(tow_exchange *exchange) {
    bool goes_on = exchange->wants_body || exchange->work.step != NULL;
    exchange->in_handler = false;
    if (!exchange->answered && !goes_on && exchange->state != TOW_OVER)
        tow_answer_refuse(exchange, 500, "the handler gave no answer", NULL);
}

void tow_dispatch_work(tow_exchange *exchange) {
    exchange->in_handler = true;
    if (!exchange->work.step(exchange, exchange->work.user))
        exchange->work.step = NULL;
    after_handler(exchange);
}

static void call_handler(tow_exchange *exchange, const tow_request *request) {
    exchange->in_handler = true;
    exchange->route->handler.on_request(exchange, request);
    after_handler(exchange);
    if (!exchange->wants_body)
        return;
    bool announced = exchange->reader.kind == TOW_BODY_LENGTH;
    if (announced && exchange->reader.remaining > exchange->body_limit)
        tow_dispatch_body_too_large(exchange);
}

void tow_dispatch_body_too_large(tow_exchange *exchange) {
    exchange->wants_body = false;
    tow_answer_limit(exchange, &worker_of(exchange)->counters.bodies_too_large);
    tow_answer_refuse(exchange, 413, "the body is too large", NULL);
}

void tow_dispatch_body(tow_exchange *exchange) {
    exchange->wants_body = false;
    exchange->has_body = false;
    exchange->in_handler = true;
    const void *body = exchange->body.length > 0 ? (const void *)exchange->body.data : "";
    exchange->on_body(exchange, exchange->body_user, body, exchange->body.length);
    after_handler(exchange);
    tow_buffer_clear(&exchange->body);
}

static const tow_route *find_route(tow_exchange *exchange, const tow_http_head *head) {
    const tow_server *server = tow_conversation_server(exchange);
    bool status = exchange->connection->kind == TOW_CONNECTION_STATUS;
    return tow_routes_find(status ? &server->status_routes : &server->routes, head->path);
}

static void refuse_visitor(tow_exchange *exchange, int error) {
    tow_server_counters *counters = &worker_of(exchange)->counters;
    if (error == TOW_ERROR_HTTP_SYNTAX) {
        tow_count(&counters->bad_requests);
        tow_answer_refuse(exchange, 400, "what the proxy says of the client is not valid", NULL);
        return;
    }
    if (error == TOW_ERROR_LIMIT)
        tow_answer_limit(exchange, &counters->over_address);
    else
        tow_count(&counters->memory_failures);
    if (tow_answer_field(exchange, "Retry-After", "5") != 0)
        tow_conversation_reset(exchange);
    else
        tow_answer_refuse(exchange, 503, "too many connections", NULL);
}

/* Whether this came in plain where TLS is spoken (--tls-redirect); not from a proxy whose client speaks TLS
 * with it. */
static bool is_to_be_redirected(const tow_exchange *exchange) {
    const char *scheme = exchange->visitor.scheme;
    return tow_connection_wants_tls(exchange->connection) && (scheme == NULL || strcmp(scheme, "https") != 0);
}

/* The same host and port over TLS; RFC 9110, section 15.4.9: by the same method. */
static void redirect(tow_exchange *exchange, const tow_http_head *head) {
    tow_buffer location = {0};
    tow_slice authority = tow_visitor_authority(exchange, head);
    if (authority.length == 0 || head->path.data[0] != '/') {
        tow_answer_refuse(
            exchange, 400, "this is a port for https, and there is no Host to send you to", NULL);
        return;
    }
    int error = tow_buffer_append_format(&location, "https://%.*s%.*s%s%.*s", (int)authority.length,
        authority.data, (int)head->path.length, head->path.data, head->query.length > 0 ? "?" : "",
        (int)head->query.length, head->query.data);
    if (error == 0)
        error = tow_answer_field(exchange, "Location", (const char *)location.data);
    tow_buffer_clear(&location);
    if (error != 0)
        tow_conversation_reset(exchange);
    else
        tow_answer_refuse(exchange, 308,
            tow_opening_is_requested(head->fields, head->field_count) ? "this port speaks wss"
                                                                      : "this port speaks https",
            NULL);
}

static void serve(tow_exchange *exchange, tow_request *request, uint8_t *rest, size_t rest_length) {
    const tow_http_head *head = request->head;
    int error = tow_visitor_identify(exchange, head);
    if (error != 0) {
        refuse_visitor(exchange, error);
        return;
    }
    if (!host_is_allowed(exchange, head)) {
        refuse_host(exchange, head);
        return;
    }
    if (is_to_be_redirected(exchange)) {
        redirect(exchange, head);
        return;
    }
    const tow_route *route = find_route(exchange, head);
    exchange->route = route;
    request->route = route;
    bool websocket = route != NULL && tow_route_is_websocket(route);
    if (websocket && tow_opening_is_requested(head->fields, head->field_count))
        tow_handshake_answer(exchange, request, rest, rest_length);
    else if (route != NULL && route->handler.on_request != NULL)
        call_handler(exchange, request);
    else if (websocket)
        refuse_plain(exchange, head);
    else
        refuse_path(exchange);
}

void tow_dispatch(
    tow_exchange *exchange, const tow_http_head *head, size_t head_length, uint8_t *bytes, size_t length) {
    begin(exchange, head);
    tow_request request;
    if (tow_request_init(&request, exchange, head, bytes, head_length) != 0) {
        tow_count(&worker_of(exchange)->counters.memory_failures);
        tow_answer_refuse(exchange, 503, "out of memory", NULL);
        return;
    }
    exchange->request = &request;
    serve(exchange, &request, bytes + head_length, length - head_length);
    exchange->request = NULL;
    tow_request_clear(&request);
}
