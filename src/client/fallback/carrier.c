/* carrier: what the socket asks of a session: see websocket/carrier.h. */
#include "ending.h"
#include "pacing.h"
#include "saying.h"

static tow_fallback_session *of(const tow_websocket *socket) {
    return socket->carried;
}

static int send_message(tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    return tow_fallback_say(of(socket), type == TOW_TEXT ? TOW_PACKET_TEXT : TOW_PACKET_BINARY, data, length);
}

/* Of plain Engine.IO nobody waits for an answer; what is being posted may have arrived. */
static int answer_close(tow_fallback_session *session, uint16_t code) {
    if (session->polling.opened.is_extended && !tow_fallback_is_upgraded(session) &&
        session->upgraded_at == 0)
        return tow_fallback_say_close(session, code, NULL);
    if (!tow_polling_is_posting(&session->polling))
        tow_fallback_end(session, 0);
    return 0;
}

static int send_close(tow_websocket *socket, uint16_t code, const char *reason) {
    tow_fallback_session *session = of(socket);
    if (session->over)
        return 0;
    if (code == TOW_CLOSE_ABNORMAL) {
        tow_packets_clear(&session->out);
        session->posted = 0;
        tow_fallback_end(session, 0);
        return 0;
    }
    session->closing = true;
    session->our_code = code;
    if (session->peer_closed)
        return answer_close(session, code);
    if (tow_fallback_is_upgraded(session)) {
        tow_upgrade_close(&session->upgrade, code, reason);
        return 0;
    }
    tow_fallback_give_upgrade_up(session);
    return tow_fallback_say_close(session, code, reason);
}

static uint64_t buffered(const tow_websocket *socket) {
    const tow_fallback_session *session = of(socket);
    uint64_t sum = session->out.payload + session->posted;
    return session->upgrade.link == NULL
               ? sum
               : sum + (uint64_t)tow_websocket_buffered_amount(session->upgrade.link);
}

static void set_reading(tow_fallback_session *session) {
    tow_websocket *link = session->upgrade.link;
    if (tow_fallback_is_upgraded(session)) {
        (session->paused ? tow_websocket_pause : tow_websocket_resume)(link);
        tow_fallback_watch(session);
    } else if (!session->paused) {
        tow_timer_cancel(session->loop, &session->look);
    } else if (session->polling.opened.is_extended) {
        tow_fallback_show_signs(session);
    }
}

static void set_paused(tow_websocket *socket, bool paused) {
    tow_fallback_session *session = of(socket);
    session->paused = paused;
    if (session->over)
        return;
    set_reading(session);
    if (!paused && session->telling)
        tow_fallback_set_soon(session);
}

static size_t drop(tow_websocket *socket, uint64_t max) {
    tow_fallback_session *session = of(socket);
    uint64_t gone_before = buffered(socket) - session->out.payload;
    return tow_packets_drop(&session->out, max > gone_before ? max - gone_before : 0);
}

const tow_carrier tow_fallback_carrier = {
    .send = send_message, .close = send_close, .buffered = buffered, .set_paused = set_paused, .drop = drop};
