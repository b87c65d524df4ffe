#include "visitor.h"

#include "base/text.h"
#include "server/address_table.h"
#include "server/forwarded.h"
#include "server/proxy_header.h"

#include <string.h>
#include <towline/error.h>

bool tow_visitor_is_proxy(const tow_settings *settings, const tow_address *address) {
    const tow_trusted trusted = {settings->trusted, settings->trusted_count};
    return tow_is_trusted(&trusted, address);
}

void tow_visitor_text(const tow_address *address, char out[TOW_ADDRESS_TEXT_MAX]) {
    if (address->length == 0) {
        tow_text_format(out, TOW_ADDRESS_TEXT_MAX, "unknown");
        return;
    }
    tow_address_text(address, out);
    char *colon = strrchr(out, ':');
    if (!tow_address_is_unix(address) && tow_address_port(address) == 0 && colon != NULL)
        *colon = '\0';
}

static const tow_settings *settings_of(const tow_visitor *visitor) {
    return &tow_connection_worker(visitor->connection)->server->settings;
}

static tow_stream *stream_of(const tow_visitor *visitor) {
    return tow_connection_stream(visitor->connection);
}

const tow_address *tow_visitor_address(tow_visitor *visitor) {
    if (visitor->address.length > 0)
        return &visitor->address;
    if (visitor->peer.length == 0 && tow_stream_peer(stream_of(visitor), &visitor->peer) != 0)
        visitor->peer.length = 0;
    return &visitor->peer;
}

const char *tow_visitor_peer(tow_visitor *visitor) {
    if (visitor->text[0] == '\0')
        tow_visitor_text(tow_visitor_address(visitor), visitor->text);
    return visitor->text;
}

/* Whoever is not trusted speaks for himself, and so does a client of --status. */
static bool expects_header(const tow_visitor *visitor) {
    tow_address peer;
    const tow_settings *settings = settings_of(visitor);
    return settings->proxy_protocol && visitor->connection->kind == TOW_CONNECTION_SERVED &&
           tow_stream_peer(stream_of(visitor), &peer) == 0 && tow_visitor_is_proxy(settings, &peer);
}

int tow_visitor_introduce(tow_visitor *visitor, const uint8_t *bytes, size_t length) {
    tow_proxy_header header;
    if (!expects_header(visitor)) {
        visitor->introduced = true;
        return 0;
    }
    int used = tow_proxy_header_read(&header, bytes, length);
    if (used <= 0)
        return used;
    visitor->introduced = true;
    if (header.has_address)
        visitor->hop = header.address;
    if (header.knows_tls)
        visitor->hop_scheme = header.is_secure ? "https" : "http";
    return used;
}

/* The connection leaves the address that it was counted by; a client that is not known (length 0) has none.
 */
static int count_address(tow_connection *connection, const tow_address *address) {
    tow_address_table *table = tow_connection_worker(connection)->server->addresses;
    uint64_t key = address->length == 0 ? 0 : tow_address_key(address);
    if (table == NULL || (connection->counted && key == connection->address_key))
        return 0;
    int error = key != 0 ? tow_address_table_enter(table, key) : 0;
    if (error != 0)
        return error;
    if (connection->counted)
        tow_address_table_leave(table, connection->address_key);
    connection->address_key = key;
    connection->counted = key != 0;
    return 0;
}

static int read_forwarded(tow_visitor *visitor, const tow_http_head *head) {
    const tow_settings *settings = settings_of(visitor);
    const tow_trusted trusted = {settings->trusted, settings->trusted_count};
    tow_forwarded forwarded;
    int error = tow_forwarded_read(&forwarded, head->fields, head->field_count, &trusted);
    if (error != 0)
        return error;
    if (forwarded.has_address)
        visitor->address = forwarded.address;
    if (forwarded.scheme.data != NULL)
        visitor->scheme = tow_slice_equals_ignoring_case(forwarded.scheme, "https") ? "https" : "http";
    visitor->host = forwarded.host;
    return 0;
}

tow_slice tow_visitor_authority(const tow_visitor *visitor, const tow_http_head *head) {
    return visitor->host.data != NULL ? visitor->host : head->authority;
}

int tow_visitor_identify(tow_visitor *visitor, const tow_http_head *head) {
    const tow_settings *settings = settings_of(visitor);
    tow_address hop = visitor->hop;
    if (tow_stream_is_secure(stream_of(visitor)))
        visitor->scheme = visitor->hop_scheme = "https";
    if (settings->trusted_count == 0 || visitor->connection->kind != TOW_CONNECTION_SERVED)
        return 0;
    visitor->address = hop; /* the last request's client may have been another */
    visitor->scheme = visitor->hop_scheme;
    visitor->host = (tow_slice){0};
    visitor->text[0] = '\0';
    if (hop.length == 0 && tow_stream_peer(stream_of(visitor), &hop) != 0)
        return 0;
    bool is_proxy = tow_visitor_is_proxy(settings, &hop);
    int error = is_proxy ? read_forwarded(visitor, head) : 0;
    if (error != 0 || (!is_proxy && visitor->address.length == 0))
        return error;
    return count_address(visitor->connection, &visitor->address);
}
