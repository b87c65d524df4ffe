#include "connection.h"

#include "handshake.h"
#include "protocol/close.h"
#include "server/exchange_raw.h"
#include "version.h"
#include "websocket/websocket.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    REASON_MAX = 123,
    ASSEMBLED_MAX = 256 * 1024, /* a longer message leaves in fragments, as it comes */
    HALF_CLOSE_SECONDS = 60     /* for a peer that does not answer the handler's Close */
};

static tow_python_connection *of(tow_python_link *link) {
    return (tow_python_connection *)(void *)link;
}

static tow_python_connection *of_timer(tow_timer *timer) {
    return (tow_python_connection *)(void *)((char *)timer - offsetof(tow_python_connection, timer));
}

static tow_python_connection *of_socket(const tow_websocket *socket) {
    return tow_websocket_user(socket);
}

static void link_closed(tow_python_link *link) {
    of(link)->link_closed = true;
    tow_python_free_if_over(of(link));
}

static void host_ended(tow_python_link *link) {
    tow_python_fail(of(link), 500, "the handler has ended");
}

/* The peer to the host. */

static void hold(tow_python_connection *connection) {
    connection->held = true;
    tow_websocket_pause(connection->socket);
}

static void tell(tow_python_connection *connection, uint8_t operation, const void *head, size_t head_length,
    const void *bytes, size_t length) {
    if (!tow_python_link_send(&connection->link, operation, head, head_length, bytes, length))
        hold(connection);
}

static void piece_came(tow_websocket *socket, const tow_message_piece *piece) {
    tow_python_connection *connection = of_socket(socket);
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
    tow_python_connection *connection = of(link);
    if (!connection->held || connection->socket == NULL)
        return;
    connection->held = false;
    tow_websocket_resume(connection->socket);
}

/* Of what the peer has sent against the rules the host is told by the code of our Close. */
static void closed(tow_websocket *socket, const tow_close_event *event) {
    tow_python_connection *connection = of_socket(socket);
    tow_websocket_ending ending = tow_websocket_how_it_ended(socket);
    bool broke_rules = ending.cause == TOW_CAUSE_PROTOCOL_ERROR || ending.cause == TOW_CAUSE_INVALID_PAYLOAD;
    tow_timer_cancel(connection->loop, &connection->timer);
    socket->behaviour = connection->original;
    connection->socket = NULL;
    tow_python_tell_closed(connection, event->was_clean, event->code, broke_rules ? ending.code : 0,
        event->was_clean ? event->reason : ending.reason);
    tow_python_free_if_over(connection);
}

/* The host to the peer. */

static void message_send(tow_python_connection *connection, int flags, const void *bytes, size_t length) {
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
        tow_python_fail_host(connection);
    else if (socket->above_high)
        tow_python_link_pause(&connection->link);
}

/* A message that comes in parts is gathered, unless it is long, or the handler makes fragments of it. */
static void message_part(tow_python_connection *connection, int flags, const tow_python_said *said) {
    bool first = flags & TOW_PYTHON_FIRST;
    bool gathers = !(flags & TOW_PYTHON_PLAIN) && !connection->in_pieces &&
                   connection->assembly.length + said->length <= ASSEMBLED_MAX;
    tow_buffer *assembly = &connection->assembly;
    if (gathers || assembly->length > 0) {
        if (tow_buffer_append(assembly, said->bytes, said->length) != 0) {
            tow_python_fail(connection, 500, "out of memory");
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

static void hear_data(tow_python_connection *connection, const tow_python_said *said) {
    const int whole = TOW_PYTHON_FIRST | TOW_PYTHON_LAST;
    int flags = said->operation & ~TOW_PYTHON_DATA;
    bool goes_on = connection->assembles || connection->in_pieces;
    if (connection->socket == NULL || ((flags & TOW_PYTHON_FIRST) != 0) == goes_on) {
        tow_python_fail_host(connection);
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

static void hear_close(tow_python_connection *connection, const tow_python_said *said) {
    char reason[REASON_MAX + 1];
    if (connection->socket == NULL || said->length < 3 || said->length - 3 > REASON_MAX) {
        tow_python_fail_host(connection);
        return;
    }
    uint16_t code = (uint16_t)tow_python_number(said->bytes + 1, 2);
    memcpy(reason, said->bytes + 3, said->length - 3);
    reason[said->length - 3] = '\0';
    if (code != 0 && !tow_close_code_is_legal(code)) {
        tow_python_fail_host(connection);
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
static void hear_end(tow_python_connection *connection) {
    tow_websocket *socket = connection->socket;
    if (connection->exchange != NULL && tow_exchange_hang_up(connection->exchange) == 0)
        connection->exchange = NULL;
    if (socket != NULL && tow_websocket_ready_state(socket) == TOW_OPEN)
        tow_websocket_hang_up(socket);
    else if (socket != NULL)
        tow_websocket_close_because(socket, TOW_CAUSE_APPLICATION, 0, NULL);
    tow_python_link_finish(&connection->link);
}

static void hear_write(tow_python_connection *connection, const tow_python_said *said) {
    tow_exchange *exchange = connection->exchange;
    if (tow_python_refuse_bytes(connection))
        return;
    if (connection->socket != NULL) {
        if (tow_websocket_send_bytes(connection->socket, said->bytes, said->length) == 0 &&
            connection->socket->above_high)
            tow_python_link_pause(&connection->link);
    } else if (exchange != NULL && tow_exchange_write_bytes(exchange, said->bytes, said->length) == 0 &&
               tow_exchange_buffered_amount(exchange) > TOW_PYTHON_PART_MAX) {
        tow_python_link_pause(&connection->link);
    }
}

static void hear_control(tow_python_connection *connection, const tow_python_said *said) {
    if (said->length != 1) {
        tow_python_fail_host(connection);
        return;
    }
    connection->answers_pings = connection->behaviour.no_pongs = said->bytes[0] != 0;
}

static void send_control(tow_python_connection *connection, const tow_python_said *said) {
    int error = TOW_ERROR_ARGUMENT;
    if (connection->socket != NULL)
        error = said->operation == TOW_PYTHON_PING
                    ? tow_websocket_ping(connection->socket, said->bytes, said->length)
                    : tow_websocket_pong(connection->socket, said->bytes, said->length);
    if (error == TOW_ERROR_ARGUMENT)
        tow_python_fail_host(connection);
}

static void gone(tow_exchange *exchange, void *user) {
    tow_python_connection *connection = user;
    connection->exchange = NULL;
    tow_python_tell_closed(connection, false, TOW_CLOSE_ABNORMAL, 0, "the client has left");
    tow_python_free_if_over(connection);
}

static void exchange_drained(tow_exchange *exchange, void *user) {
    tow_python_link_resume(&((tow_python_connection *)user)->link);
}

static void host_said(tow_python_link *link, const tow_python_said *said) {
    tow_python_connection *connection = of(link);
    if (said->operation >= TOW_PYTHON_DATA) {
        hear_data(connection, said);
        return;
    }
    switch (said->operation) {
    case TOW_PYTHON_ACCEPT:
        tow_python_hear_accept(connection, said);
        break;
    case TOW_PYTHON_REFUSE:
        tow_python_hear_refuse(connection, said);
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
        tow_python_hear_read(connection, said);
        break;
    case TOW_PYTHON_CONTROL:
        hear_control(connection, said);
        break;
    default:
        tow_python_fail_host(connection);
    }
}

static int connection_open(tow_python_connection *connection, const tow_request *request) {
    static const tow_python_link_events events = {
        .on_said = host_said, .on_room = host_takes_more, .on_end = host_ended, .on_closed = link_closed};
    tow_buffer opening = {0};
    int error = tow_python_write_opening(&opening, connection, request);
    if (error == 0)
        error = tow_python_link_open(
            &connection->link, connection->loop, &connection->version->python->address, &events);
    if (error == 0) {
        tow_python_enter(connection);
        tow_python_link_send(&connection->link, TOW_PYTHON_OPEN, opening.data, opening.length, NULL, 0);
    }
    tow_buffer_clear(&opening);
    return error;
}

/* NULL: *why says why there is none. */
static tow_python_connection *connection_new(tow_python_version *version, const char **why) {
    tow_python *python = version->python;
    *why = "the process of the Python handlers does not run";
    if (atomic_load_explicit(&python->broken, memory_order_relaxed) || !tow_python_count(python, why))
        return NULL;
    tow_python_connection *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        *why = "out of memory";
        tow_python_uncount(python);
        return NULL;
    }
    made->version = version;
    return made;
}

static void admit(tow_exchange *exchange, const tow_request *request) {
    tow_python_version *version = tow_request_user(request);
    const char *why;
    tow_python_connection *connection = connection_new(version, &why);
    if (connection == NULL) {
        tow_exchange_reject(exchange, 503, why);
        return;
    }
    connection->exchange = exchange;
    connection->loop = tow_exchange_loop(exchange);
    int error = connection_open(connection, request);
    if (error != 0) {
        tow_python_connection_free(connection);
        tow_exchange_reject(exchange, 503, tow_strerror(error));
        return;
    }
    const tow_exchange_events events = {.on_gone = gone, .on_drain = exchange_drained, .user = connection};
    tow_exchange_keep(exchange, &events);
}

static void opened(tow_websocket *socket) {
    tow_python_connection *connection = of_socket(socket);
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
        tow_websocket_close(socket, TOW_CLOSE_INTERNAL_ERROR, "the handler has ended");
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
