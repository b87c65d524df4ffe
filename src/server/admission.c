#include "admission.h"

#include "base/text.h"
#include "entrances.h"
#include "protocol/opening.h"
#include "server/exchange.h"
#include "server/origin.h"

#include <string.h>
#include <towline/error.h>

static void refuse_visitor(tow_exchange *exchange, int error) {
    tow_server_counters *counters = &tow_exchange_worker(exchange)->counters;
    if (error == TOW_ERROR_HTTP_SYNTAX) {
        tow_count(&counters->bad_requests);
        tow_exchange_refuse(exchange, 400, "what the proxy says of the client is not valid", NULL);
        return;
    }
    if (error == TOW_ERROR_LIMIT)
        tow_access_log_limit(&exchange->log, &counters->over_address);
    else
        tow_count(&counters->memory_failures);
    tow_exchange_refuse_with(exchange, 503, "too many connections", "Retry-After", "5");
}

static const tow_host_rule *host_rule_of(tow_exchange *exchange) {
    const tow_rules *rules = tow_exchange_worker(exchange)->rules;
    if (exchange->visitor.connection->kind == TOW_CONNECTION_STATUS)
        return &rules->status_host_rule;
    bool own = exchange->route != NULL && exchange->route->host_rule.names != NULL;
    return own ? &exchange->route->host_rule : &rules->host_rule;
}

/* What the rule judges: names are public ones, which a proxy may know better. Without names it is for
 * browsers on this machine, whose own word counts: whoever comes from here may be a trusted proxy, and a
 * page's. */
static tow_slice judged_host(tow_exchange *exchange, const tow_http_head *head) {
    bool has_names = host_rule_of(exchange)->names != NULL;
    return has_names ? tow_visitor_authority(&exchange->visitor, head) : head->authority;
}

/* A page elsewhere may have made its own name mean our address. */
static bool host_is_allowed(tow_exchange *exchange, const tow_http_head *head) {
    return exchange->visitor.connection->local ||
           tow_host_is_allowed(host_rule_of(exchange), judged_host(exchange, head));
}

/* The advice is for the name that would be judged then, on any port. */
static void refuse_host(tow_exchange *exchange, const tow_http_head *head) {
    char host[160];
    char name[160];
    char advice[400];
    tow_slice judged = judged_host(exchange, head);
    tow_slice advised = tow_visitor_authority(&exchange->visitor, head);
    int port;
    (void)tow_authority_split(advised, &advised, &port);
    tow_text_format(host, sizeof(host), "%.*s", (int)judged.length, judged.data);
    tow_text_format(name, sizeof(name), "%.*s", (int)advised.length, advised.data);
    if (exchange->route != NULL && host_rule_of(exchange) == &exchange->route->host_rule)
        tow_text_format(advice, sizeof(advice), "Host \"%s\": not among the route's hosts", host);
    else
        tow_text_format(
            advice, sizeof(advice), "Host \"%s\": --host %s (hosts in C) would allow it", host, name);
    tow_access_log_limit(&exchange->log, &tow_exchange_counters(exchange)->host_refused);
    tow_exchange_refuse(exchange, 421, "this host is not served here", advice);
}

/* Whether this came in plain where TLS is spoken (--tls-redirect); not from a proxy whose client speaks TLS
 * with it. */
static bool is_to_be_redirected(const tow_exchange *exchange) {
    const char *scheme = exchange->visitor.scheme;
    return tow_connection_wants_tls(exchange->visitor.connection) &&
           (scheme == NULL || strcmp(scheme, "https") != 0);
}

/* The same host and port over TLS; RFC 9110, section 15.4.9: by the same method. */
static void redirect(tow_exchange *exchange, const tow_http_head *head) {
    tow_buffer location = {0};
    tow_slice authority = tow_visitor_authority(&exchange->visitor, head);
    if (authority.length == 0 || head->path.data[0] != '/') {
        tow_exchange_refuse(
            exchange, 400, "this is a port for https, and there is no Host to send you to", NULL);
        return;
    }
    const char *text = tow_opening_is_requested(head->fields, head->field_count) ? "this port speaks wss"
                                                                                 : "this port speaks https";
    int error = tow_buffer_append_format(&location, "https://%.*s%.*s%s%.*s", (int)authority.length,
        authority.data, (int)head->path.length, head->path.data, head->query.length > 0 ? "?" : "",
        (int)head->query.length, head->query.data);
    if (error != 0)
        tow_exchange_break_off(exchange);
    else
        tow_exchange_refuse_with(exchange, 308, text, "Location", (const char *)location.data);
    tow_buffer_clear(&location);
}

bool tow_admission_refuses(tow_exchange *exchange) {
    const tow_http_head *head = exchange->request->head;
    int error = tow_visitor_identify(&exchange->visitor, head);
    if (error != 0)
        refuse_visitor(exchange, error);
    else if (!host_is_allowed(exchange, head))
        refuse_host(exchange, head);
    else if (is_to_be_redirected(exchange))
        redirect(exchange, head);
    else
        return false;
    return true;
}

/* Where the route lets in not just any. */
static tow_origin_verdict judge_by_lists(tow_exchange *exchange, tow_slice *origin) {
    const tow_http_head *head = exchange->request->head;
    const tow_handler *handler = &exchange->route->handler;
    const char *const *allowed = handler->allow_origins;
    size_t found;
    if (!tow_field_only(head->fields, head->field_count, "Origin", origin, &found))
        return found == 0 ? TOW_ORIGIN_ALLOWED : TOW_ORIGIN_MALFORMED; /* only browsers must send one */
    if (allowed == NULL)
        allowed = (const char *const *)tow_exchange_worker(exchange)->rules->allow_origins;
    return tow_origin_judge(
        allowed, *origin, tow_visitor_authority(&exchange->visitor, head), exchange->visitor.scheme);
}

static tow_origin_verdict judge_origin(tow_exchange *exchange, tow_slice *origin) {
    tow_origin_verdict verdict = judge_by_lists(exchange, origin);
    bool any = exchange->route->handler.any_origin && verdict != TOW_ORIGIN_MALFORMED;
    return any ? TOW_ORIGIN_ALLOWED : verdict;
}

bool tow_exchange_is_foreign(tow_exchange *exchange) {
    tow_slice origin = {0};
    return judge_by_lists(exchange, &origin) != TOW_ORIGIN_ALLOWED;
}

bool tow_exchange_refuse_origin(tow_exchange *exchange) {
    tow_slice origin = {0};
    tow_origin_verdict verdict = judge_origin(exchange, &origin);
    if (verdict == TOW_ORIGIN_ALLOWED)
        return false;
    tow_access_log_limit(&exchange->log, &tow_exchange_counters(exchange)->origin_refused);
    if (verdict == TOW_ORIGIN_MALFORMED) {
        tow_exchange_refuse(exchange, 403, "Origin is not an origin", NULL);
        return true;
    }
    char name[160];
    char advice[400];
    tow_text_format(name, sizeof(name), "%.*s", (int)origin.length, origin.data);
    if (exchange->route->handler.allow_origins != NULL)
        tow_text_format(advice, sizeof(advice),
            "origin %s is not the server's: not among the route's allow_origins", name);
    else
        tow_text_format(advice, sizeof(advice),
            "origin %s is not the server's: --allow-origin %s (allow_origins in C) would allow it", name,
            name);
    tow_exchange_refuse(exchange, 403, "this origin is not allowed here", advice);
    return true;
}

static bool refuse_draining(tow_exchange *exchange) {
    if (tow_exchange_worker(exchange)->drain == TOW_SERVING)
        return false;
    tow_exchange_refuse_with(exchange, 503, "the server is going away", "Retry-After", "5");
    return true;
}

/* The handler's word. True: it was refused, or is decided on later. */
static bool ask_handler(tow_exchange *exchange) {
    const tow_handler *handler = &exchange->route->handler;
    if (handler->on_admit == NULL)
        return false;
    exchange->admission = TOW_ADMISSION_ASKED;
    exchange->is_last = exchange->opens; /* what comes behind may be frames */
    exchange->in_handler = true;
    handler->on_admit(exchange, exchange->request);
    exchange->in_handler = false;
    if (exchange->over)
        return true;
    if (exchange->admission == TOW_ADMISSION_GIVEN) {
        exchange->admission = TOW_ADMISSION_NONE;
        return false;
    }
    if (!exchange->answered && !exchange->kept)
        tow_exchange_refuse(exchange, 500, "the handler gave no answer", NULL);
    else if (exchange->kept && tow_exchange_copy_request(exchange) != 0)
        tow_exchange_refuse_for_memory(exchange);
    return true;
}

bool tow_admission_refuses_opening(tow_exchange *exchange) {
    exchange->opens = true;
    return refuse_draining(exchange) || tow_exchange_refuse_origin(exchange) || ask_handler(exchange);
}

static void address(tow_exchange *exchange) {
    if (exchange->entrance->address == NULL)
        return;
    exchange->in_handler = true;
    exchange->entrance->address(exchange, exchange->request);
    exchange->in_handler = false;
}

bool tow_admission_refuses_entrance(tow_exchange *exchange, bool begins) {
    if (tow_exchange_refuse_origin(exchange) || (begins && refuse_draining(exchange)))
        return true;
    address(exchange);
    return begins && ask_handler(exchange);
}

/* RFC 9110, section 9.2.1: those that change nothing. What they answer a browser keeps from other pages. */
static bool is_safe(tow_slice method) {
    return tow_slice_equals(method, "GET") || tow_slice_equals(method, "HEAD") ||
           tow_slice_equals(method, "OPTIONS");
}

bool tow_admission_refuses_request(tow_exchange *exchange) {
    return (!is_safe(exchange->request->head->method) && tow_exchange_refuse_origin(exchange)) ||
           ask_handler(exchange);
}

bool tow_admission_goes_on(tow_exchange *exchange) {
    exchange->admission = TOW_ADMISSION_NONE;
    if (!exchange->opens || tow_exchange_worker(exchange)->drain == TOW_SERVING)
        return true;
    tow_exchange_tell_gone(exchange);
    return !refuse_draining(exchange);
}

/* What handlers call. */

/* Finds a subprotocol among those that an opening handshake offers. Errors: ARGUMENT. */
static int find_offered(const tow_exchange *exchange, const char *name, tow_slice *chosen) {
    const tow_http_head *head = exchange->request->head;
    tow_opening_request opening;
    if (!exchange->opens || tow_opening_request_check(
                                &opening, head->method, head->version, head->fields, head->field_count) != 0)
        return TOW_ERROR_ARGUMENT;
    for (size_t i = 0; i < opening.protocol_count; i++) {
        if (tow_slice_equals(opening.protocols[i], name)) {
            *chosen = opening.protocols[i];
            return 0;
        }
    }
    return TOW_ERROR_ARGUMENT;
}

/* The same; NULL leaves it to be chosen, and "" is none. */
static int choose_protocol(const tow_exchange *exchange, const char *name, tow_slice *chosen) {
    bool opens = exchange->opens || exchange->entrance != NULL;
    if (name == NULL)
        return 0;
    if (!opens)
        return TOW_ERROR_ARGUMENT;
    if (name[0] == '\0') {
        *chosen = tow_slice_from("");
        return 0;
    }
    if (exchange->entrance == NULL)
        return find_offered(exchange, name, chosen);
    return tow_entrance_offers(exchange, name, chosen) ? 0 : TOW_ERROR_ARGUMENT;
}

int tow_exchange_accept_sized(
    tow_exchange *exchange, const tow_acceptance *acceptance, size_t acceptance_size) {
    tow_acceptance known = {0};
    tow_slice protocol = {0};
    if (exchange == NULL)
        return TOW_ERROR_ARGUMENT;
    if (acceptance != NULL)
        memcpy(&known, acceptance, acceptance_size < sizeof(known) ? acceptance_size : sizeof(known));
    int error = tow_exchange_check_turn(exchange);
    if (error == 0 && exchange->admission != TOW_ADMISSION_ASKED)
        error = TOW_ERROR_STATE;
    if (error == 0)
        error = choose_protocol(exchange, known.protocol, &protocol);
    if (error != 0)
        return error;
    exchange->admission = TOW_ADMISSION_GIVEN;
    exchange->raw_wanted = 0;
    exchange->protocol = protocol;
    if (known.user != NULL)
        exchange->request->user = known.user;
    tow_exchange_go_on(exchange);
    return 0;
}

/* The next one has the word outside of on_admit, as if in it. */
static void ask_next(
    tow_exchange *exchange, void (*on_admit)(tow_exchange *exchange, const tow_request *request)) {
    exchange->kept = false;
    exchange->events = (tow_exchange_events){0};
    exchange->in_handler = true;
    on_admit(exchange, exchange->request);
    exchange->in_handler = false;
    if (exchange->over)
        return;
    if (exchange->admission == TOW_ADMISSION_GIVEN)
        exchange->kept = true;
    else if (!exchange->answered && !exchange->kept)
        tow_exchange_refuse(exchange, 500, "the handler gave no answer", NULL);
    tow_exchange_go_on(exchange);
}

void tow_exchange_admit_by(tow_exchange *exchange,
    void (*on_admit)(tow_exchange *exchange, const tow_request *request), void *user) {
    if (exchange->over)
        return;
    exchange->request->user = user;
    if (exchange->in_handler)
        on_admit(exchange, exchange->request);
    else
        ask_next(exchange, on_admit);
}
