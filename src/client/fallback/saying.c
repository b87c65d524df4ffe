#include "saying.h"

#include "ending.h"

#include <assert.h>
#include <string.h>
#include <towline/error.h>

enum { POST_BYTES = 1024 * 1024 /* of packets in a post, if the server takes that; one more may come */ };

static bool fits(const tow_fallback_session *session, const tow_buffer *body, const tow_packet *packet) {
    uint64_t most = POST_BYTES;
    if (session->polling.opened.max_payload < POST_BYTES)
        most = (uint64_t)session->polling.opened.max_payload;
    uint64_t size = ((uint64_t)packet->length + 2) / 3 * 4 + 2; /* in base64, with a separator */
    return body->length == 0 || (body->length < most && size <= most - body->length);
}

/* Whole packets, as many as fit, a Close being the last. Errors: MEMORY. */
static int gather(tow_fallback_session *session, tow_buffer *body) {
    assert(session->posted == 0);
    int error = 0;
    while (error == 0 && !session->posts_close && !tow_packets_are_empty(&session->out)) {
        tow_packet packet = tow_packets_first(&session->out);
        if (!fits(session, body, &packet))
            break;
        session->posts_close = packet.type == TOW_ENGINEIO_CLOSE;
        session->has_pong &= packet.type != TOW_ENGINEIO_PONG;
        session->posted += tow_packet_is_message(&packet) ? packet.length : 0;
        error = tow_engineio_append(body, &packet, session->polling.opened.is_extended);
        tow_packets_take(&session->out);
    }
    return error;
}

void tow_fallback_post(tow_fallback_session *session) {
    tow_buffer body = {0};
    bool is_free = !tow_fallback_is_upgraded(session) && !tow_fallback_is_parked(session) &&
                   !tow_polling_is_posting(&session->polling);
    if (!is_free || tow_packets_are_empty(&session->out))
        return;
    int error = gather(session, &body);
    if (error == 0) {
        tow_polling_post(&session->polling, &body);
        return;
    }
    tow_buffer_clear(&body);
    tow_fallback_break(session, error);
}

static int say_by_link(tow_fallback_session *session, const tow_packet *packet) {
    if (packet->type == TOW_PACKET_BINARY)
        return tow_upgrade_send(&session->upgrade, TOW_BINARY, packet->data, packet->length);
    tow_buffer *text = &session->room;
    int error = tow_engineio_append_alone(text, packet);
    if (error == 0)
        error = tow_upgrade_send(&session->upgrade, TOW_TEXT, text->data, text->length);
    tow_buffer_empty(text, TOW_FALLBACK_ROOM_MAX);
    return error == TOW_ERROR_CLOSED ? 0 : error; /* its end is told soon */
}

int tow_fallback_say(tow_fallback_session *session, char type, const void *data, size_t length) {
    const tow_packet packet = {.type = type, .data = data, .length = length};
    if (session->over)
        return 0;
    if (tow_fallback_is_upgraded(session))
        return say_by_link(session, &packet);
    int error = tow_packets_put(&session->out, type, data, length);
    if (error == 0 && !tow_polling_is_posting(&session->polling))
        tow_fallback_set_soon(session);
    return error;
}

/* One is enough for all Pings before it; and a server that takes nothing gets none. */
static bool needs_pong(const tow_fallback_session *session) {
    return tow_fallback_is_upgraded(session) ? !tow_websocket_is_above_high(session->upgrade.link)
                                             : !session->has_pong;
}

int tow_fallback_say_pong(tow_fallback_session *session) {
    if (!needs_pong(session))
        return 0;
    int error = tow_fallback_say(session, TOW_ENGINEIO_PONG, NULL, 0);
    session->has_pong = error == 0 && !tow_fallback_is_upgraded(session);
    return error;
}

int tow_fallback_say_close(tow_fallback_session *session, uint16_t code, const char *reason) {
    char text[TOW_ENGINEIO_CLOSE_MAX + 1];
    tow_engineio_write_close(text, session->polling.opened.is_extended ? code : 0, reason);
    return tow_fallback_say(session, TOW_ENGINEIO_CLOSE, text, strlen(text));
}

void tow_fallback_flush(tow_fallback_session *session) {
    while (!session->over && !tow_packets_are_empty(&session->out)) {
        tow_packet packet = tow_packets_first(&session->out);
        assert(packet.type != TOW_ENGINEIO_CLOSE);
        int error = say_by_link(session, &packet);
        if (error != 0) {
            tow_fallback_break(session, error);
            return;
        }
        tow_packets_take(&session->out);
    }
    session->has_pong = false;
}
