#include "hearing.h"

#include "ending.h"
#include "saying.h"

#include <towline/error.h>

/* Our own Close, at least, when it is said. */
static bool posts_something(const tow_fallback_session *session) {
    return tow_polling_is_posting(&session->polling) || !tow_packets_are_empty(&session->out);
}

void tow_fallback_hear_close(
    tow_fallback_session *session, uint16_t code, const char *reason, size_t length) {
    if (session->over || session->peer_closed)
        return;
    bool was_closing = session->closing;
    session->peer_closed = true;
    if (!tow_fallback_is_upgraded(session))
        tow_upgrade_stop(&session->upgrade);
    tow_carried_close(session->socket, code, reason, length);
    if (was_closing && !posts_something(session))
        tow_fallback_end(session, 0);
}

static void hear_close_packet(tow_fallback_session *session, const tow_packet *packet) {
    tow_engineio_close close;
    if (tow_engineio_read_close(&close, packet, session->polling.opened.is_extended))
        tow_fallback_hear_close(session, close.code, close.reason.data, close.reason.length);
    else
        tow_fallback_break(session, TOW_ERROR_CLOSE_CODE);
}

static void hear_ping(tow_fallback_session *session) {
    if (tow_fallback_say_pong(session) != 0)
        tow_fallback_break(session, TOW_ERROR_MEMORY);
}

void tow_fallback_hear(tow_fallback_session *session, const tow_packet *packet) {
    switch (packet->type) {
    case TOW_PACKET_TEXT:
    case TOW_PACKET_BINARY:
        tow_carried_packet(session->socket, packet);
        break;
    case TOW_ENGINEIO_CLOSE:
        hear_close_packet(session, packet);
        break;
    case TOW_ENGINEIO_PING:
        hear_ping(session);
        break;
    default: /* a noop; what else a server has no reason to say */
        break;
    }
}

void tow_fallback_hear_bytes(tow_fallback_session *session, const uint8_t *bytes, size_t length) {
    tow_packet packet;
    tow_buffer room = session->room;
    session->room = (tow_buffer){0}; /* while it is lent, what is said is encoded elsewhere */
    int error = tow_engineio_read(&packet, bytes, length, &room);
    if (error == 0)
        tow_fallback_hear(session, &packet);
    else
        tow_fallback_break(session, error == TOW_ERROR_MEMORY ? error : TOW_ERROR_PACKET);
    tow_buffer_empty(&room, TOW_FALLBACK_ROOM_MAX);
    if (session->room.data != NULL)
        tow_buffer_clear(&room);
    else
        session->room = room;
}
