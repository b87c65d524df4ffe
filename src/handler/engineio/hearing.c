#include "hearing.h"

#include "life.h"

#include <towline/error.h>

enum { ROOM_MAX = 64 * 1024 /* bytes that are kept for the next packet */ };

static void hear_pong(tow_engineio_session *session) {
    tow_carried_heard(session->socket);
    if (!session->pinged)
        return;
    session->pinged = session->asks_for_life = false;
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_PONG);
    tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_PING, session->engineio->settings.ping_milliseconds);
}

static void hear_close_packet(tow_engineio_session *session, const tow_packet *packet) {
    tow_engineio_close close;
    if (tow_engineio_read_close(&close, packet, session->extended))
        tow_engineio_hear_close(session, close.code, close.reason.data, close.reason.length);
    else
        tow_engineio_break(session, TOW_CAUSE_PROTOCOL_ERROR, TOW_ERROR_CLOSE_CODE);
}

void tow_engineio_hear(tow_engineio_session *session, const tow_packet *packet) {
    switch (packet->type) {
    case TOW_PACKET_TEXT:
    case TOW_PACKET_BINARY:
        tow_carried_packet(session->socket, packet);
        break;
    case TOW_ENGINEIO_CLOSE:
        hear_close_packet(session, packet);
        break;
    case TOW_ENGINEIO_PONG:
        hear_pong(session);
        break;
    case TOW_ENGINEIO_PING: /* is the server's */
        tow_engineio_violated(session);
        break;
    default: /* a noop, an upgrade that was done */
        break;
    }
}

void tow_engineio_hear_bytes(tow_engineio_session *session, const void *bytes, size_t length) {
    tow_packet packet;
    int error = tow_engineio_read(&packet, bytes, length, &session->room);
    if (error == 0)
        tow_engineio_hear(session, &packet);
    else if (error == TOW_ERROR_MEMORY)
        tow_engineio_break(session, TOW_CAUSE_MEMORY, error);
    else
        tow_engineio_violated(session);
    tow_buffer_empty(&session->room, ROOM_MAX);
}
