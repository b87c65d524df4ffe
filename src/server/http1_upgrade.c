#include "http1_upgrade.h"

#include "protocol/opening.h"
#include "report.h"

#include <string.h>
#include <towline/error.h>

static uint8_t *put(uint8_t *out, const char *text, size_t length) {
    if (length > 0)
        memcpy(out, text, length);
    return out + length;
}

#define TEXT_AND_LENGTH(text) (text), sizeof(text) - 1

static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
static const char protocol_name[] = "\r\nSec-WebSocket-Protocol: ";
static const char extensions_name[] = "\r\nSec-WebSocket-Extensions: ";

static size_t switching_length(const tow_upgrade *upgrade, const tow_buffer *fields) {
    size_t length = sizeof(switching) - 1 + TOW_ACCEPT_LENGTH + 4;
    size_t protocol_length = upgrade->protocol.length;
    size_t extensions_length = strlen(upgrade->extensions);
    length += protocol_length > 0 ? sizeof(protocol_name) - 1 + protocol_length : 0;
    length += extensions_length > 0 ? sizeof(extensions_name) - 1 + extensions_length : 0;
    return length + fields->length;
}

/* RFC 6455, section 4.2.2, written straight into the cork. Errors: ARGUMENT (more than that takes), CLOSED.
 */
static int write_switching(tow_stream *stream, const tow_upgrade *upgrade, const tow_buffer *fields) {
    const tow_slice protocol = upgrade->protocol;
    size_t extensions_length = strlen(upgrade->extensions);
    size_t length = switching_length(upgrade, fields);
    if (length > TOW_CORK_MAX)
        return TOW_ERROR_ARGUMENT;
    uint8_t *out = tow_stream_cork(stream, length, 0);
    if (out == NULL)
        return TOW_ERROR_CLOSED;
    out = put(out, TEXT_AND_LENGTH(switching));
    out = put(out, upgrade->accept, TOW_ACCEPT_LENGTH);
    if (protocol.length > 0) {
        out = put(out, TEXT_AND_LENGTH(protocol_name));
        out = put(out, protocol.data, protocol.length);
    }
    if (extensions_length > 0) {
        out = put(out, TEXT_AND_LENGTH(extensions_name));
        out = put(out, upgrade->extensions, extensions_length);
    }
    out = put(out, TEXT_AND_LENGTH("\r\n"));
    out = put(out, (const char *)fields->data, fields->length);
    put(out, TEXT_AND_LENGTH("\r\n"));
    return 0;
}

int tow_http1_upgrade(tow_exchange *exchange, const tow_upgrade *upgrade) {
    tow_http1 *http1 = (tow_http1 *)exchange;
    tow_worker *worker = tow_exchange_worker(exchange);
    tow_websocket *socket = &exchange->visitor.connection->socket;
    const tow_stream_events *events = socket->stream.events;
    int error = write_switching(&socket->stream, upgrade, &exchange->fields);
    if (error == TOW_ERROR_CLOSED)
        tow_http1_reset(http1);
    if (error != 0)
        return error;
    tow_count(&worker->counters.upgrades);
    tow_access_log_line(&exchange->log, TOW_LOG_INFO, 101, NULL);
    if (http1->paused)
        tow_stream_resume(&socket->stream);
    const tow_route *route = tow_upgrade_route(exchange);
    socket->user = exchange->entrance != NULL ? route->handler.user : exchange->request->user;
    worker->opening = exchange;
    worker->opens = exchange->visitor.connection;
    error = tow_websocket_start(socket, worker->context, &route->behaviour, upgrade->protocol,
        &upgrade->compression, http1->rest.bytes, http1->rest.length);
    worker->opening = NULL;
    if (error != 0) {
        socket->stream.events = events;
        tow_exchange_fail(exchange);
        return error;
    }
    if (exchange->entrance != NULL)
        (void)tow_route_retain(route);
    else
        exchange->route = NULL; /* the socket holds it */
    http1->upgraded = true;
    http1->state = TOW_HTTP1_OVER;
    exchange->over = true;
    return 0;
}
