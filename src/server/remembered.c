#include "remembered.h"

#include "base/text.h"
#include "exchange_state.h"
#include "report.h"
#include "request.h"

#include <string.h>

#define MICROSECOND INT64_C(1000)
#define MICROSECONDS_MAX ((UINT64_C(1) << 48) - 1)

/* What lies in the tally. */
typedef struct note {
    tow_request *request; /* a copy, or NULL */
    char texts[];         /* the client's address, and behind its zero the path */
} note;

static const note *note_of(const tow_connection *connection) {
    return connection->noted ? (const note *)(const void *)connection->socket.tally->note : NULL;
}

static bool wants_line(const tow_connection *connection) {
    return tow_report_wants(&tow_connection_worker(connection)->server->settings, TOW_LOG_INFO);
}

static uint64_t microseconds(const tow_connection *connection) {
    int64_t now = tow_loop_now(tow_connection_worker(connection)->loop);
    return (uint64_t)(now / MICROSECOND) & MICROSECONDS_MAX;
}

int64_t tow_remembered_age(const tow_connection *connection) {
    return (int64_t)((microseconds(connection) - connection->opened) & MICROSECONDS_MAX) / 1000;
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

/* The request's texts are those of the note from now on. */
static void keep_request(note *made, tow_connection *connection, const tow_request *request) {
    if (tow_request_copy(&made->request, request) != 0)
        return;
    made->request->visitor = NULL;
    made->request->connection = connection;
    made->request->peer = made->texts;
    made->request->scheme = tow_request_scheme(request);
}

static void make_note(tow_connection *connection, const char *peer, const char *path, bool keeps) {
    size_t peer_size = strlen(peer) + 1;
    size_t path_size = strlen(path) + 1;
    tow_tally *tally = tow_websocket_tally_new(&connection->socket, sizeof(note) + peer_size + path_size);
    if (tally == NULL)
        return;
    note *made = (note *)(void *)tally->note;
    memcpy(made->texts, peer, peer_size);
    memcpy(made->texts + peer_size, path, path_size);
    made->request = NULL;
    if (keeps)
        keep_request(made, connection, tow_connection_worker(connection)->opening->request);
    connection->noted = true;
}

void tow_remember_opening(tow_connection *connection) {
    tow_exchange *exchange = tow_connection_worker(connection)->opening;
    const tow_address *address = tow_visitor_address(&exchange->visitor);
    const char *peer = tow_visitor_peer(&exchange->visitor);
    const tow_route *route = tow_route_of(&connection->socket);
    char packed[TOW_ADDRESS_TEXT_MAX];
    connection->address_key = tow_address_key(address);
    connection->opened = microseconds(connection) & MICROSECONDS_MAX;
    connection->port = tow_address_port(address);
    packed_peer(connection, packed);
    bool keeps = route->handler.keep_request;
    bool has_path = route->is_prefix && wants_line(connection);
    if (keeps || has_path || strcmp(packed, peer) != 0)
        make_note(connection, peer, has_path ? exchange->log.path : route->path, keeps);
}

void tow_forget_request(tow_connection *connection) {
    if (!connection->noted)
        return;
    note *made = (note *)(void *)connection->socket.tally->note;
    tow_request_free(made->request);
    made->request = NULL;
}

/* Without memory for a note the address is what the slot has of it, and the path the prefix. */
const char *tow_remembered_peer(const tow_connection *connection, char room[TOW_ADDRESS_TEXT_MAX]) {
    const note *found = note_of(connection);
    if (found != NULL)
        return found->texts;
    packed_peer(connection, room);
    return room;
}

const char *tow_remembered_path(const tow_connection *connection) {
    const note *found = note_of(connection);
    if (found != NULL)
        return found->texts + strlen(found->texts) + 1;
    return tow_route_of(&connection->socket)->path;
}

const tow_request *tow_remembered_request(const tow_connection *connection) {
    const note *found = note_of(connection);
    return found == NULL ? NULL : found->request;
}
