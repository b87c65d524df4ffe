#include "handshake.h"

#include "answer.h"
#include "base/text.h"
#include "protocol/opening.h"
#include "report.h"
#include "server/origin.h"
#include "visitor.h"

#include <stdlib.h>
#include <towline/error.h>

static tow_server_counters *counters(tow_exchange *exchange) {
    return &tow_connection_worker(exchange->connection)->counters;
}

/* RFC 6455, section 4.2.2, and 4.4 for the version. */
static void refuse_form(tow_exchange *exchange, int error) {
    tow_count(&counters(exchange)->handshakes_refused);
    bool method =
        error == TOW_ERROR_HANDSHAKE_METHOD && !tow_slice_equals(exchange->request->head->method, "GET");
    if (method && tow_answer_field(exchange, "Allow", "GET") != 0)
        tow_conversation_reset(exchange);
    else if (method)
        tow_answer_refuse(exchange, 405, tow_strerror(error), NULL);
    else
        tow_answer_refuse(
            exchange, error == TOW_ERROR_HANDSHAKE_VERSION ? 426 : 400, tow_strerror(error), NULL);
}

static tow_origin_verdict judge_origin(tow_exchange *exchange, tow_slice *origin) {
    const tow_http_head *head = exchange->request->head;
    const tow_settings *settings = &tow_conversation_server(exchange)->settings;
    size_t found;
    if (!tow_field_only(head->fields, head->field_count, "Origin", origin, &found))
        return found == 0 ? TOW_ORIGIN_ALLOWED : TOW_ORIGIN_MALFORMED; /* only browsers must send one */
    tow_origin_verdict verdict = tow_origin_judge((const char *const *)settings->allow_origins, *origin,
        tow_visitor_authority(exchange, head), exchange->visitor.scheme);
    bool any = exchange->route->handler.any_origin && verdict != TOW_ORIGIN_MALFORMED;
    return any ? TOW_ORIGIN_ALLOWED : verdict;
}

static bool refuse_origin(tow_exchange *exchange) {
    tow_slice origin = {0};
    tow_origin_verdict verdict = judge_origin(exchange, &origin);
    if (verdict == TOW_ORIGIN_ALLOWED)
        return false;
    tow_answer_limit(exchange, &counters(exchange)->origin_refused);
    if (verdict == TOW_ORIGIN_MALFORMED) {
        tow_answer_refuse(exchange, 403, "Origin is not an origin", NULL);
        return true;
    }
    char name[160];
    char advice[400];
    tow_text_format(name, sizeof(name), "%.*s", (int)origin.length, origin.data);
    tow_text_format(advice, sizeof(advice), "origin %s is not the server's: --allow-origin %s would allow it",
        name, name);
    tow_answer_refuse(exchange, 403, "this origin is not allowed here", advice);
    return true;
}

static bool refuse_draining(tow_exchange *exchange) {
    if (tow_connection_worker(exchange->connection)->drain == TOW_SERVING)
        return false;
    if (tow_answer_field(exchange, "Retry-After", "5") != 0)
        tow_conversation_reset(exchange);
    else
        tow_answer_refuse(exchange, 503, "the server is going away", NULL);
    return true;
}

static bool refuse_by_handler(tow_exchange *exchange, const tow_request *request) {
    const tow_handler *handler = &exchange->route->handler;
    const char *text = NULL;
    int status = handler->on_admit == NULL ? 0 : handler->on_admit(request, &text);
    if (status == 0)
        return false;
    if (status < 400 || status > 599)
        status = 500; /* what else the handler may have meant, it is no leave to go on */
    tow_count(&counters(exchange)->handshakes_refused);
    tow_answer_refuse(exchange, status, text != NULL ? text : "refused", NULL);
    return true;
}

/* The subprotocols as texts for on_select: pointers and copies in one piece of memory. */
static const char **offers_copy(const tow_opening_request *opening) {
    size_t bytes = (opening->protocol_count + 1) * sizeof(char *);
    for (size_t i = 0; i < opening->protocol_count; i++)
        bytes += opening->protocols[i].length + 1;
    const char **offers = calloc(1, bytes);
    if (offers == NULL)
        return NULL;
    char *text = (char *)(offers + opening->protocol_count + 1);
    for (size_t i = 0; i < opening->protocol_count; i++) {
        offers[i] = text;
        memcpy(text, opening->protocols[i].data, opening->protocols[i].length);
        text += opening->protocols[i].length + 1;
    }
    return offers;
}

static int select_by_handler(tow_exchange *exchange, const tow_opening_request *opening, tow_slice *chosen) {
    const char **offers = offers_copy(opening);
    if (offers == NULL)
        return TOW_ERROR_MEMORY;
    int index = exchange->route->handler.on_select(exchange->request, offers, opening->protocol_count);
    if (index >= 0 && (size_t)index < opening->protocol_count)
        *chosen = opening->protocols[index];
    free(offers);
    return 0;
}

/* RFC 6455, section 4.2.2: one of those offered, or none. */
static int select_protocol(tow_exchange *exchange, const tow_opening_request *opening, tow_slice *chosen) {
    const tow_handler *handler = &exchange->route->handler;
    if (opening->protocol_count == 0)
        return 0;
    if (handler->on_select != NULL)
        return select_by_handler(exchange, opening, chosen);
    for (size_t i = 0; handler->protocols != NULL && handler->protocols[i] != NULL; i++) {
        for (size_t j = 0; j < opening->protocol_count; j++) {
            if (tow_slice_equals(opening->protocols[j], handler->protocols[i])) {
                *chosen = opening->protocols[j];
                return 0;
            }
        }
    }
    return 0;
}

static void agree_on_compression(
    tow_exchange *exchange, tow_compression_agreement *agreement, char text[TOW_COMPRESSION_TEXT_MAX]) {
    const tow_http_head *head = exchange->request->head;
    tow_compression wanted = exchange->route->behaviour.limits.compression;
    tow_compression_settings settings = {
        .enabled = wanted != TOW_COMPRESSION_OFF,
        .server_takeover = wanted == TOW_COMPRESSION_TAKEOVER,
        .client_takeover = wanted == TOW_COMPRESSION_TAKEOVER,
    };
    tow_compression_accept(&settings, head->fields, head->field_count, agreement, text);
}

static uint8_t *put(uint8_t *out, const char *text, size_t length) {
    memcpy(out, text, length);
    return out + length;
}

#define TEXT_AND_LENGTH(text) (text), sizeof(text) - 1

static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
static const char protocol_name[] = "\r\nSec-WebSocket-Protocol: ";
static const char extensions_name[] = "\r\nSec-WebSocket-Extensions: ";

/* RFC 6455, section 4.2.2, written straight into the cork. False when the stream has failed. */
static bool write_switching(
    tow_stream *stream, const char *accept, tow_slice protocol, const char *extensions) {
    size_t extensions_length = strlen(extensions);
    size_t length = sizeof(switching) - 1 + TOW_ACCEPT_LENGTH + 4;
    length += protocol.length > 0 ? sizeof(protocol_name) - 1 + protocol.length : 0;
    length += extensions_length > 0 ? sizeof(extensions_name) - 1 + extensions_length : 0;
    uint8_t *out = tow_stream_cork(stream, length, 0);
    if (out == NULL)
        return false;
    out = put(out, TEXT_AND_LENGTH(switching));
    out = put(out, accept, TOW_ACCEPT_LENGTH);
    if (protocol.length > 0) {
        out = put(out, TEXT_AND_LENGTH(protocol_name));
        out = put(out, protocol.data, protocol.length);
    }
    if (extensions_length > 0) {
        out = put(out, TEXT_AND_LENGTH(extensions_name));
        out = put(out, extensions, extensions_length);
    }
    put(out, TEXT_AND_LENGTH("\r\n\r\n"));
    return true;
}

struct agreed {
    tow_slice protocol;
    tow_compression_agreement compression;
    char extensions[TOW_COMPRESSION_TEXT_MAX];
};

/* From here on the stream is the socket's. */
static void become_websocket(tow_exchange *exchange, const char *accept, const struct agreed *agreed,
    uint8_t *rest, size_t rest_length) {
    tow_connection *connection = exchange->connection;
    tow_websocket *socket = &connection->socket;
    if (!write_switching(&socket->stream, accept, agreed->protocol, agreed->extensions)) {
        tow_conversation_reset(exchange);
        return;
    }
    tow_count(&counters(exchange)->upgrades);
    tow_answer_report(exchange, TOW_LOG_INFO, 101, NULL);
    if (exchange->paused)
        tow_stream_resume(&socket->stream);
    socket->user = exchange->route->handler.user;
    tow_connection_worker(connection)->opening = exchange;
    int error = tow_websocket_start(socket, tow_connection_worker(connection)->context,
        &exchange->route->behaviour, agreed->protocol, &agreed->compression, rest, rest_length);
    tow_connection_worker(connection)->opening = NULL;
    if (error != 0) {
        tow_count(&counters(exchange)->memory_failures);
        socket->stream.events = &tow_conversation_events;
        tow_conversation_reset(exchange);
        return;
    }
    exchange->upgraded = true;
    exchange->state = TOW_OVER;
}

void tow_handshake_answer(tow_exchange *exchange, tow_request *request, uint8_t *rest, size_t rest_length) {
    const tow_http_head *head = request->head;
    tow_opening_request opening;
    int error =
        tow_opening_request_check(&opening, head->method, head->version, head->fields, head->field_count);
    if (error == 0 && exchange->has_body)
        error = TOW_ERROR_HTTP_SYNTAX; /* its bytes could be taken for frames */
    if (error != 0) {
        refuse_form(exchange, error);
        return;
    }
    if (refuse_origin(exchange) || refuse_draining(exchange) || refuse_by_handler(exchange, request))
        return;
    struct agreed agreed = {0};
    if (select_protocol(exchange, &opening, &agreed.protocol) != 0) {
        tow_count(&counters(exchange)->memory_failures);
        tow_answer_refuse(exchange, 503, "out of memory", NULL);
        return;
    }
    agree_on_compression(exchange, &agreed.compression, agreed.extensions);
    become_websocket(exchange, opening.accept, &agreed, rest, rest_length);
}
