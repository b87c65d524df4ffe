#include "connection.h"

#include "base/text.h"
#include "link.h"
#include "protocol/close.h"
#include "server/exchange_raw.h"
#include "websocket/websocket.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    INTERNAL_ERROR = 1011,
    REASON_MAX = 123,
    ASSEMBLED_MAX = 256 * 1024, /* a longer message leaves in fragments, as it comes */
    HALF_CLOSE_SECONDS = 60     /* for a peer that does not answer the handler's Close */
};

typedef struct tow_python_connection python_connection;

struct tow_python_connection {
    tow_python_link link; /* first */
    tow_python_version *version;
    tow_exchange *exchange;  /* the handshake is under way; NULL: decided, or gone */
    tow_websocket *socket;   /* open or closing */
    tow_behaviour behaviour; /* the socket's meanwhile */
    const tow_behaviour *original;
    tow_buffer assembly; /* of a message that the handler sends */
    tow_timer timer;     /* after the handler's Close */
    tow_loop *loop;
    python_connection *next, **previous;
    bool link_closed;
    bool held;      /* the socket is paused: the host does not take what comes */
    bool assembles; /* of a message more is to come, and nothing was sent */
    bool in_pieces; /* or the first part was */
    bool answers_pings;
};

static python_connection *of(tow_python_link *link) {
    return (python_connection *)(void *)link;
}

static python_connection *of_timer(tow_timer *timer) {
    return (python_connection *)(void *)((char *)timer - offsetof(python_connection, timer));
}

static python_connection *of_socket(const tow_websocket *socket) {
    return tow_websocket_user(socket);
}

/* The end. */

static void forget(python_connection *connection) {
    tow_python *python = connection->version->python;
    pthread_mutex_lock(&python->mutex);
    *connection->previous = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    pthread_mutex_unlock(&python->mutex);
}

static void connection_free(python_connection *connection) {
    tow_python_link_clear(&connection->link);
    tow_buffer_clear(&connection->assembly);
    free(connection);
}

static void free_if_over(python_connection *connection) {
    if (!connection->link_closed || connection->socket != NULL || connection->exchange != NULL)
        return;
    forget(connection);
    tow_python_version_release(connection->version);
    connection_free(connection);
}

void tow_python_connections_free(tow_python *python) {
    for (python_connection *connection = python->connections, *next; connection != NULL; connection = next) {
        next = connection->next;
        connection_free(connection);
    }
}

static void link_closed(tow_python_link *link) {
    of(link)->link_closed = true;
    free_if_over(of(link));
}

/* What the host has said makes no sense, or it can't go on: for this connection that is the end of it. */
static void fail(python_connection *connection, int status, const char *text) {
    if (connection->exchange != NULL && tow_exchange_reject(connection->exchange, status, text) == 0)
        connection->exchange = NULL;
    if (connection->socket != NULL)
        tow_websocket_close(connection->socket, INTERNAL_ERROR, text);
    tow_python_link_drop(&connection->link);
}

static void host_ended(tow_python_link *link) {
    fail(of(link), 500, "the handler has ended");
}

static void host_is_strange(python_connection *connection) {
    tow_python_say(connection->version->python, TOW_LOG_ERROR, "%s: what its process says makes no sense",
        connection->version->file);
    fail(connection, 500, "the handler's process is broken");
}

/* The peer is gone, or will be: this is the last that the host hears. */
static void tell_closed(
    python_connection *connection, bool clean, uint16_t code, uint16_t ours, const char *reason) {
    uint8_t head[5] = {clean};
    tow_python_put(head + 1, code, 2);
    tow_python_put(head + 3, ours, 2);
    tow_python_link_send(&connection->link, TOW_PYTHON_CLOSED, head, sizeof(head), reason, strlen(reason));
    tow_python_link_finish(&connection->link);
}

/* The peer to the host. */

static void hold(python_connection *connection) {
    connection->held = true;
    tow_websocket_pause(connection->socket);
}

static void tell(python_connection *connection, uint8_t operation, const void *head, size_t head_length,
    const void *bytes, size_t length) {
    if (!tow_python_link_send(&connection->link, operation, head, head_length, bytes, length))
        hold(connection);
}

static void piece_came(tow_websocket *socket, const tow_message_piece *piece) {
    python_connection *connection = of_socket(socket);
    const uint8_t *bytes = piece->data;
    int kind = TOW_PYTHON_DATA | (piece->type == TOW_BINARY ? TOW_PYTHON_BINARY : 0);
    size_t at = 0;
    do {
        size_t left = piece->length - at;
        size_t part = left < TOW_PYTHON_PART_MAX ? left : TOW_PYTHON_PART_MAX;
        int first = at == 0 && piece->first ? TOW_PYTHON_FIRST : 0;
        int last = part == left && piece->last ? TOW_PYTHON_LAST : 0;
        tell(connection, (uint8_t)(kind | first | last), NULL, 0, part > 0 ? bytes + at : NULL, part);
        at += part;
    } while (at < piece->length);
}

static void ping_came(tow_websocket *socket, const void *payload, size_t length) {
    if (of_socket(socket)->answers_pings)
        tell(of_socket(socket), TOW_PYTHON_PING, NULL, 0, payload, length);
}

static void pong_came(tow_websocket *socket, const void *payload, size_t length) {
    tell(of_socket(socket), TOW_PYTHON_PONG, NULL, 0, payload, length);
}

static void peer_closed(tow_websocket *socket, const tow_close_event *event) {
    uint8_t code[2];
    tow_python_put(code, event->code, sizeof(code));
    tell(of_socket(socket), TOW_PYTHON_CLOSE, code, sizeof(code), event->reason, event->reason_length);
}

static void drained(tow_websocket *socket) {
    tow_python_link_resume(&of_socket(socket)->link);
}

static void host_takes_more(tow_python_link *link) {
    python_connection *connection = of(link);
    if (!connection->held || connection->socket == NULL)
        return;
    connection->held = false;
    tow_websocket_resume(connection->socket);
}

/* Of what the peer has sent against the rules the host is told by the code of our Close. */
static void closed(tow_websocket *socket, const tow_close_event *event) {
    python_connection *connection = of_socket(socket);
    tow_websocket_ending ending = tow_websocket_how_it_ended(socket);
    bool broke_rules = ending.cause == TOW_CAUSE_PROTOCOL_ERROR || ending.cause == TOW_CAUSE_INVALID_PAYLOAD;
    tow_timer_cancel(connection->loop, &connection->timer);
    socket->behaviour = connection->original;
    connection->socket = NULL;
    tell_closed(connection, event->was_clean, event->code, broke_rules ? ending.code : 0,
        event->was_clean ? event->reason : ending.reason);
    free_if_over(connection);
}

/* The host to the peer. */

static void message_send(python_connection *connection, int flags, const void *bytes, size_t length) {
    tow_websocket *socket = connection->socket;
    tow_message_type type = flags & TOW_PYTHON_BINARY ? TOW_BINARY : TOW_TEXT;
    const tow_message_piece piece = {.type = type,
        .data = bytes,
        .length = length,
        .first = flags & TOW_PYTHON_FIRST,
        .last = flags & TOW_PYTHON_LAST};
    bool whole = piece.first && piece.last && !(flags & TOW_PYTHON_PLAIN);
    int64_t sent =
        whole ? tow_websocket_send(socket, type, bytes, length) : tow_websocket_send_piece(socket, &piece);
    connection->in_pieces = !piece.last;
    if (sent < 0 && sent != TOW_ERROR_CLOSED)
        host_is_strange(connection);
    else if (socket->above_high)
        tow_python_link_pause(&connection->link);
}

/* A message that comes in parts is gathered, unless it is long, or the handler makes fragments of it. */
static void message_part(python_connection *connection, int flags, const tow_python_said *said) {
    bool first = flags & TOW_PYTHON_FIRST;
    bool gathers = !(flags & TOW_PYTHON_PLAIN) && !connection->in_pieces &&
                   connection->assembly.length + said->length <= ASSEMBLED_MAX;
    tow_buffer *assembly = &connection->assembly;
    if (gathers || assembly->length > 0) {
        if (tow_buffer_append(assembly, said->bytes, said->length) != 0) {
            fail(connection, 500, "out of memory");
            return;
        }
        connection->assembles = gathers && !(flags & TOW_PYTHON_LAST);
        if (connection->assembles)
            return;
        flags |= TOW_PYTHON_FIRST;
        message_send(connection, flags, assembly->data, assembly->length);
        tow_buffer_clear(assembly);
        return;
    }
    message_send(connection, first ? flags : flags & ~TOW_PYTHON_FIRST, said->bytes, said->length);
}

static void hear_data(python_connection *connection, const tow_python_said *said) {
    const int whole = TOW_PYTHON_FIRST | TOW_PYTHON_LAST;
    int flags = said->operation & ~TOW_PYTHON_DATA;
    bool goes_on = connection->assembles || connection->in_pieces;
    if (connection->socket == NULL || ((flags & TOW_PYTHON_FIRST) != 0) == goes_on) {
        host_is_strange(connection);
        return;
    }
    if ((flags & whole) == whole)
        message_send(connection, flags, said->bytes, said->length);
    else
        message_part(connection, flags, said);
}

static void no_answer(tow_timer *timer) {
    tow_websocket_close_because(of_timer(timer)->socket, TOW_CAUSE_APPLICATION, 0, NULL);
}

static void hear_close(python_connection *connection, const tow_python_said *said) {
    char reason[REASON_MAX + 1];
    if (connection->socket == NULL || said->length < 3 || said->length - 3 > REASON_MAX) {
        host_is_strange(connection);
        return;
    }
    uint16_t code = (uint16_t)tow_python_number(said->bytes + 1, 2);
    memcpy(reason, said->bytes + 3, said->length - 3);
    reason[said->length - 3] = '\0';
    if (code != 0 && !tow_close_code_is_legal(code)) {
        host_is_strange(connection);
        return;
    }
    if (said->bytes[0] != 0) {
        tow_websocket_close_because(connection->socket, TOW_CAUSE_APPLICATION, code, reason);
        return;
    }
    tow_websocket_shutdown_with(connection->socket, code, reason);
    if (connection->socket->stage != TOW_STAGE_WE_ENDED)
        return;
    tow_timer_set(connection->loop, &connection->timer,
        tow_loop_now(connection->loop) + HALF_CLOSE_SECONDS * TOW_SECOND, no_answer);
}

/* What the handler has not closed ends without a Close; a Close that is not answered yet gets its time. */
static void hear_end(python_connection *connection) {
    tow_websocket *socket = connection->socket;
    if (connection->exchange != NULL && tow_exchange_hang_up(connection->exchange) == 0)
        connection->exchange = NULL;
    if (socket != NULL && tow_websocket_ready_state(socket) == TOW_OPEN)
        tow_websocket_hang_up(socket);
    else if (socket != NULL)
        tow_websocket_close_because(socket, TOW_CAUSE_APPLICATION, 0, NULL);
    tow_python_link_finish(&connection->link);
}

static void hear_write(python_connection *connection, const tow_python_said *said) {
    tow_exchange *exchange = connection->exchange;
    if (connection->socket != NULL) {
        if (tow_websocket_send_bytes(connection->socket, said->bytes, said->length) == 0 &&
            connection->socket->above_high)
            tow_python_link_pause(&connection->link);
    } else if (exchange != NULL && tow_exchange_write_bytes(exchange, said->bytes, said->length) == 0 &&
               tow_exchange_buffered_amount(exchange) > TOW_PYTHON_PART_MAX) {
        tow_python_link_pause(&connection->link);
    }
}

static void hear_control(python_connection *connection, const tow_python_said *said) {
    if (said->length != 1) {
        host_is_strange(connection);
        return;
    }
    connection->answers_pings = connection->behaviour.no_pongs = said->bytes[0] != 0;
}

static void send_control(python_connection *connection, const tow_python_said *said) {
    int error = TOW_ERROR_ARGUMENT;
    if (connection->socket != NULL)
        error = said->operation == TOW_PYTHON_PING
                    ? tow_websocket_ping(connection->socket, said->bytes, said->length)
                    : tow_websocket_pong(connection->socket, said->bytes, said->length);
    if (error == TOW_ERROR_ARGUMENT)
        host_is_strange(connection);
}

/* The handshake. */

static void bytes_came(tow_exchange *exchange, void *user, const void *bytes, size_t length) {
    python_connection *connection = user;
    const uint8_t *at = bytes;
    while (length > 0) {
        size_t part = length < TOW_PYTHON_PART_MAX ? length : TOW_PYTHON_PART_MAX;
        tow_python_link_send(&connection->link, TOW_PYTHON_BYTES, NULL, 0, at, part);
        at += part;
        length -= part;
    }
}

/* What the handler asks for is bounded by what is sent to it at once: see link.h. */
static void hear_read(python_connection *connection, const tow_python_said *said) {
    if (connection->exchange == NULL || said->length != 4 ||
        tow_exchange_read_bytes(connection->exchange, tow_python_number(said->bytes, 4), bytes_came,
            connection) == TOW_ERROR_STATE)
        host_is_strange(connection);
}

static int accept_with(python_connection *connection, const tow_python_said *said, size_t protocol_length) {
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

static void hear_accept(python_connection *connection, const tow_python_said *said) {
    size_t length = said->length < 3 ? 0 : tow_python_number(said->bytes + 1, 2);
    if (connection->exchange == NULL || said->length < 3 + length) {
        host_is_strange(connection);
        return;
    }
    int error = accept_with(connection, said, length);
    if (error == TOW_ERROR_ARGUMENT || error == TOW_ERROR_STATE)
        host_is_strange(connection);
    else if (error == TOW_ERROR_MEMORY)
        fail(connection, 503, tow_strerror(error));
}

static void hear_refuse(python_connection *connection, const tow_python_said *said) {
    char text[TOW_HANDLER_TEXT_MAX];
    if (connection->exchange == NULL || said->length < 2) {
        host_is_strange(connection);
        return;
    }
    tow_text_format(text, sizeof(text), "%.*s", (int)said->length - 2, (const char *)said->bytes + 2);
    fail(connection, (int)tow_python_number(said->bytes, 2), text);
}

static void gone(tow_exchange *exchange, void *user) {
    python_connection *connection = user;
    connection->exchange = NULL;
    tell_closed(connection, false, TOW_CLOSE_ABNORMAL, 0, "the client has left");
    free_if_over(connection);
}

static void exchange_drained(tow_exchange *exchange, void *user) {
    tow_python_link_resume(&((python_connection *)user)->link);
}

static void host_said(tow_python_link *link, const tow_python_said *said) {
    python_connection *connection = of(link);
    if (said->operation >= TOW_PYTHON_DATA) {
        hear_data(connection, said);
        return;
    }
    switch (said->operation) {
    case TOW_PYTHON_ACCEPT:
        hear_accept(connection, said);
        break;
    case TOW_PYTHON_REFUSE:
        hear_refuse(connection, said);
        break;
    case TOW_PYTHON_CLOSE:
        hear_close(connection, said);
        break;
    case TOW_PYTHON_END:
        hear_end(connection);
        break;
    case TOW_PYTHON_PING:
    case TOW_PYTHON_PONG:
        send_control(connection, said);
        break;
    case TOW_PYTHON_WRITE:
        hear_write(connection, said);
        break;
    case TOW_PYTHON_READ:
        hear_read(connection, said);
        break;
    case TOW_PYTHON_CONTROL:
        hear_control(connection, said);
        break;
    default:
        host_is_strange(connection);
    }
}

/* The beginning. */

static int add_text(tow_buffer *out, const char *text, size_t length) {
    uint8_t size[4];
    tow_python_put(size, length, sizeof(size));
    int error = tow_buffer_append(out, size, sizeof(size));
    return error != 0 ? error : tow_buffer_append(out, text, length);
}

static int write_head(tow_buffer *out, const tow_request *request) {
    const tow_header_field *fields = tow_request_headers(request);
    if (fields == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_buffer_append_format(
        out, "%s %s HTTP/1.1\r\n", tow_request_method(request), tow_request_target(request));
    for (; error == 0 && fields->name != NULL; fields++)
        error = tow_buffer_append_format(out, "%s: %s\r\n", fields->name, fields->value);
    return error;
}

static int write_opening(tow_buffer *out, const python_connection *connection, const tow_request *request) {
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
        error = write_head(&head, request);
    if (error == 0)
        error = add_text(out, (const char *)head.data, head.length);
    tow_buffer_clear(&head);
    return error;
}

static void enter(python_connection *connection) {
    tow_python *python = connection->version->python;
    tow_python_version_retain(connection->version);
    pthread_mutex_lock(&python->mutex);
    connection->next = python->connections;
    connection->previous = &python->connections;
    if (connection->next != NULL)
        connection->next->previous = &connection->next;
    python->connections = connection;
    pthread_mutex_unlock(&python->mutex);
}

static int connection_open(python_connection *connection, const tow_request *request) {
    static const tow_python_link_events events = {
        .on_said = host_said, .on_room = host_takes_more, .on_end = host_ended, .on_closed = link_closed};
    tow_buffer opening = {0};
    int error = write_opening(&opening, connection, request);
    if (error == 0)
        error = tow_python_link_open(
            &connection->link, connection->loop, &connection->version->python->address, &events);
    if (error == 0) {
        enter(connection);
        tow_python_link_send(&connection->link, TOW_PYTHON_OPEN, opening.data, opening.length, NULL, 0);
    }
    tow_buffer_clear(&opening);
    return error;
}

static void admit(tow_exchange *exchange, const tow_request *request) {
    tow_python_version *version = tow_request_user(request);
    bool broken = atomic_load_explicit(&version->python->broken, memory_order_relaxed);
    python_connection *connection = broken ? NULL : calloc(1, sizeof(*connection));
    if (connection == NULL) {
        tow_exchange_reject(
            exchange, 503, broken ? "the process of the Python handlers does not run" : "out of memory");
        return;
    }
    connection->version = version;
    connection->exchange = exchange;
    connection->loop = tow_exchange_loop(exchange);
    int error = connection_open(connection, request);
    if (error != 0) {
        connection_free(connection);
        tow_exchange_reject(exchange, 503, tow_strerror(error));
        return;
    }
    const tow_exchange_events events = {.on_gone = gone, .on_drain = exchange_drained, .user = connection};
    tow_exchange_keep(exchange, &events);
}

static void opened(tow_websocket *socket) {
    python_connection *connection = of_socket(socket);
    const char *extensions = tow_websocket_extensions(socket);
    connection->exchange = NULL;
    connection->socket = socket;
    connection->original = socket->behaviour;
    bool no_pongs = connection->behaviour.no_pongs;
    connection->behaviour = *socket->behaviour;
    connection->behaviour.on_peer_close = peer_closed;
    connection->behaviour.no_pongs = no_pongs;
    socket->behaviour = &connection->behaviour;
    if (connection->link.ended)
        tow_websocket_close(socket, INTERNAL_ERROR, "the handler has ended");
    tell(connection, TOW_PYTHON_OPENED, NULL, 0, extensions, strlen(extensions));
    tow_python_link_resume(&connection->link);
}

static void handler_gone(void *user) {
    tow_python_version_release(user);
}

tow_handler tow_python_handler(tow_python_version *version) {
    return (tow_handler){.user = version,
        .on_admit = admit,
        .on_open = opened,
        .on_piece = piece_came,
        .on_close = closed,
        .on_drain = drained,
        .on_ping = ping_came,
        .on_pong = pong_came,
        .on_free = handler_gone,
        .any_origin = true,
        .limits = {.max_queue = TOW_OFF, .overflow = TOW_OVERFLOW_REFUSE}};
}
