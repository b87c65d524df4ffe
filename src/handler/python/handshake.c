#include "handshake.h"

#include "base/text.h"
#include "server/entrance.h"
#include "server/exchange_raw.h"
#include "transport/address.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

static void bytes_came(tow_exchange *exchange, void *user, const void *bytes, size_t length) {
    tow_python_connection *connection = user;
    const uint8_t *at = bytes;
    while (length > 0) {
        size_t part = length < TOW_PYTHON_PART_MAX ? length : TOW_PYTHON_PART_MAX;
        tow_python_link_send(&connection->link, TOW_PYTHON_BYTES, NULL, 0, at, part);
        at += part;
        length -= part;
    }
}

/* What the handler asks for is bounded by what is sent to it at once: see link.h. */
void tow_python_hear_read(tow_python_connection *connection, const tow_python_said *said) {
    if (tow_python_refuse_bytes(connection))
        return;
    if (connection->exchange == NULL || said->length != 4 ||
        tow_exchange_read_bytes(connection->exchange, tow_python_number(said->bytes, 4), bytes_came,
            connection) == TOW_ERROR_STATE)
        tow_python_fail_host(connection);
}

static int accept_with(
    tow_python_connection *connection, const tow_python_said *said, size_t protocol_length) {
    tow_exchange *exchange = connection->exchange;
    const char *name = (const char *)said->bytes + 3;
    char *protocol = strndup(name, protocol_length);
    if (protocol == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_exchange_add_lines(exchange, name + protocol_length, said->length - 3 - protocol_length);
    if (error == 0 && said->bytes[0] & TOW_PYTHON_ACCEPT_UNCOMPRESSED)
        error = tow_exchange_decline_compression(exchange);
    if (error == 0)
        error = tow_exchange_accept(exchange, &(tow_acceptance){.protocol = protocol, .user = connection});
    free(protocol);
    return error;
}

void tow_python_hear_accept(tow_python_connection *connection, const tow_python_said *said) {
    size_t length = said->length < 3 ? 0 : tow_python_number(said->bytes + 1, 2);
    if (connection->exchange == NULL || said->length < 3 + length) {
        tow_python_fail_host(connection);
        return;
    }
    int error = accept_with(connection, said, length);
    if (error == TOW_ERROR_ARGUMENT || error == TOW_ERROR_STATE)
        tow_python_fail_host(connection);
    else if (error == TOW_ERROR_MEMORY)
        tow_python_fail(connection, 503, tow_strerror(error));
}

void tow_python_hear_refuse(tow_python_connection *connection, const tow_python_said *said) {
    char text[TOW_HANDLER_TEXT_MAX];
    if (connection->exchange == NULL || said->length < 2) {
        tow_python_fail_host(connection);
        return;
    }
    tow_text_format(text, sizeof(text), "%.*s", (int)said->length - 2, (const char *)said->bytes + 2);
    tow_python_fail(connection, (int)tow_python_number(said->bytes, 2), text);
}

static int add_text(tow_buffer *out, const char *text, size_t length) {
    uint8_t size[4];
    tow_python_put(size, length, sizeof(size));
    int error = tow_buffer_append(out, size, sizeof(size));
    return error != 0 ? error : tow_buffer_append(out, text, length);
}

/* What a session over another carrier begins with is no opening handshake, which handlers look for. */
static int write_opening_fields(tow_buffer *out, const tow_exchange *exchange, const tow_request *request) {
    const tow_entrance *entrance = tow_exchange_entrance(exchange);
    if (entrance == NULL || tow_exchange_is_opening(exchange))
        return 0;
    const char *offers = entrance->offers != NULL ? entrance->offers(entrance, request) : NULL;
    int error = tow_buffer_append_text(out,
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
    return error != 0 || offers == NULL
               ? error
               : tow_buffer_append_format(out, "Sec-WebSocket-Protocol: %s\r\n", offers);
}

static bool is_of_connection(const char *name) {
    return strcasecmp(name, "Connection") == 0 || strcasecmp(name, "Upgrade") == 0;
}

static int write_head(tow_buffer *out, const tow_exchange *exchange, const tow_request *request) {
    bool is_carried = tow_exchange_entrance(exchange) != NULL && !tow_exchange_is_opening(exchange);
    const tow_header_field *fields = tow_request_headers(request);
    if (fields == NULL)
        return TOW_ERROR_MEMORY;
    const char *query = tow_request_query(request);
    int error = tow_exchange_entrance(exchange) == NULL
                    ? tow_buffer_append_format(
                          out, "%s %s HTTP/1.1\r\n", tow_request_method(request), tow_request_target(request))
                    : tow_buffer_append_format(out, "GET %s%s%s HTTP/1.1\r\n", tow_request_path(request),
                          query[0] != '\0' ? "?" : "", query);
    for (; error == 0 && fields->name != NULL; fields++)
        if (!is_carried || !is_of_connection(fields->name))
            error = tow_buffer_append_format(out, "%s: %s\r\n", fields->name, fields->value);
    return error != 0 ? error : write_opening_fields(out, exchange, request);
}

int tow_python_write_opening(
    tow_buffer *out, const tow_python_connection *connection, const tow_request *request) {
    uint8_t begin[9];
    char local[TOW_ADDRESS_TEXT_MAX] = "";
    tow_buffer head = {0};
    const char *peer = tow_request_peer(request);
    (void)tow_exchange_local(connection->exchange, local, sizeof(local)); /* else it is not known */
    tow_python_put(begin, connection->version->number, 8);
    begin[8] = strcmp(tow_request_scheme(request), "https") == 0;
    int error = tow_buffer_append(out, begin, sizeof(begin));
    if (error == 0)
        error = add_text(out, peer, strlen(peer));
    if (error == 0)
        error = add_text(out, local, strlen(local));
    if (error == 0)
        error = write_head(&head, connection->exchange, request);
    if (error == 0)
        error = add_text(out, (const char *)head.data, head.length);
    tow_buffer_clear(&head);
    return error;
}
