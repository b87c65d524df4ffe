#include "ending.h"

#include "base/text.h"
#include "exchange_state.h"
#include "protocol/close.h"
#include "report.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { QUOTED_SIZE = 2 * TOW_CLOSE_REASON_MAX + 3 /* quotes and the end */ };

#define MICROSECOND INT64_C(1000)
#define MICROSECONDS_MAX ((UINT64_C(1) << 48) - 1)

static const tow_settings *settings_of(const tow_connection *connection) {
    return &tow_connection_worker(connection)->server->settings;
}

static uint64_t microseconds(const tow_connection *connection) {
    int64_t now = tow_loop_now(tow_connection_worker(connection)->loop);
    return (uint64_t)(now / MICROSECOND) & MICROSECONDS_MAX;
}

static const tow_route *route_of(const tow_connection *connection) {
    return tow_route_of(&connection->socket);
}

/* The client's address as the slot tells it. */
static void packed_peer(const tow_connection *connection, char out[TOW_ADDRESS_TEXT_MAX]) {
    tow_address address;
    if (connection->address_key == 0) {
        tow_text_format(out, TOW_ADDRESS_TEXT_MAX, "%s", connection->local ? "unix" : "unknown");
        return;
    }
    tow_address_of_key(connection->address_key, &address);
    tow_address_set_port(&address, (uint16_t)connection->port);
    tow_visitor_text(&address, out);
}

/* The note is the client's address, and behind its zero the path. */
static void make_note(tow_connection *connection, const char *peer, const char *path) {
    size_t peer_size = strlen(peer) + 1;
    size_t path_size = strlen(path) + 1;
    tow_tally *tally = tow_websocket_tally_new(&connection->socket, peer_size + path_size);
    if (tally == NULL)
        return;
    memcpy(tally->note, peer, peer_size);
    memcpy(tally->note + peer_size, path, path_size);
    connection->noted = true;
}

void tow_ending_note(tow_connection *connection) {
    tow_exchange *exchange = tow_connection_worker(connection)->opening;
    const tow_address *address = tow_visitor_address(&exchange->visitor);
    connection->address_key = tow_address_key(address);
    if (!tow_report_wants(settings_of(connection), TOW_LOG_INFO))
        return;
    const char *peer = tow_visitor_peer(&exchange->visitor);
    char packed[TOW_ADDRESS_TEXT_MAX];
    connection->opened = microseconds(connection) & MICROSECONDS_MAX;
    connection->port = tow_address_port(address);
    packed_peer(connection, packed);
    if (strcmp(packed, peer) != 0 || route_of(connection)->is_prefix)
        make_note(connection, peer, exchange->log.path);
}

const char *tow_ending_ender(tow_cause cause) {
    switch (tow_cause_ender(cause)) {
    case TOW_ENDED_BY_PEER:
        return "client";
    case TOW_ENDED_BY_NETWORK:
        return "network";
    case TOW_ENDED_BY_US:
    case TOW_ENDED_BY_LIMIT:
        break;
    }
    return "server";
}

/* What the line says. */
typedef struct ending {
    char packed[TOW_ADDRESS_TEXT_MAX];
    const char *peer;
    const char *path;
    tow_websocket_ending how;
    const tow_tally *carried;
    int64_t milliseconds;
} ending;

/* Without memory for a note the address is what the slot has of it, and the path the prefix. */
static void gather(ending *self, const tow_connection *connection) {
    static const tow_tally nothing;
    const tow_tally *tally = connection->socket.tally;
    self->how = tow_websocket_how_it_ended(&connection->socket);
    self->carried = tally != NULL ? tally : &nothing;
    self->milliseconds = (int64_t)((microseconds(connection) - connection->opened) & MICROSECONDS_MAX) / 1000;
    packed_peer(connection, self->packed);
    const char *note = tally != NULL && connection->noted ? tally->note : NULL;
    self->peer = note != NULL ? note : self->packed;
    self->path = note != NULL ? note + strlen(note) + 1 : route_of(connection)->path;
}

static void add_fields(tow_report_fields *fields, const ending *self) {
    const char *cause = tow_cause_name(self->how.cause);
    bool by_limit = tow_cause_ender(self->how.cause) == TOW_ENDED_BY_LIMIT;
    tow_report_add_text(fields, "message", "closed");
    tow_report_add_text(fields, "peer", self->peer);
    tow_report_add_text(fields, "path", self->path);
    tow_report_add_number(fields, "code", self->how.code);
    tow_report_add_text(fields, "reason", self->how.reason[0] != '\0' ? self->how.reason : NULL);
    tow_report_add_text(fields, "by", tow_ending_ender(self->how.cause));
    tow_report_add_text(fields, "why", cause);
    tow_report_add_text(fields, "limit", by_limit ? cause : NULL);
    tow_report_add_number(fields, "messages_in", (int64_t)self->carried->messages_in);
    tow_report_add_number(fields, "bytes_in", (int64_t)self->carried->bytes_in);
    tow_report_add_number(fields, "messages_out", (int64_t)self->carried->messages_out);
    tow_report_add_number(fields, "bytes_out", (int64_t)self->carried->bytes_out);
    tow_report_add_number(fields, "milliseconds", self->milliseconds);
}

/* In quotes, which no quote of its own must seem to end. */
static void quote(char out[QUOTED_SIZE], const char *reason) {
    assert(strlen(reason) <= TOW_CLOSE_REASON_MAX);
    *out++ = '"';
    for (; *reason != '\0'; reason++) {
        if (*reason == '"' || *reason == '\\')
            *out++ = '\\';
        *out++ = *reason;
    }
    *out++ = '"';
    *out = '\0';
}

void tow_ending_report(const tow_connection *connection) {
    const tow_settings *settings = settings_of(connection);
    if (!tow_report_wants(settings, TOW_LOG_INFO))
        return;
    ending self;
    tow_report_fields fields = {0};
    gather(&self, connection);
    add_fields(&fields, &self);
    bool has_reason = self.how.reason[0] != '\0';
    char quoted[QUOTED_SIZE];
    quote(quoted, self.how.reason);
    tow_report_with(settings, TOW_LOG_INFO, &fields,
        "%s %s closed %u%s%s by the %s (%s), messages in %" PRIu64 " (%" PRIu64 " bytes), out %" PRIu64
        " (%" PRIu64 " bytes), after %" PRId64 ".%03d s",
        self.peer, self.path, self.how.code, has_reason ? " " : "", has_reason ? quoted : "",
        tow_ending_ender(self.how.cause), tow_cause_name(self.how.cause), self.carried->messages_in,
        self.carried->bytes_in, self.carried->messages_out, self.carried->bytes_out, self.milliseconds / 1000,
        (int)(self.milliseconds % 1000));
}
