/* session_ping: Pings of `towline connect`, and how long the Pongs took. */
#include "session.h"

#include <stdio.h>
#include <string.h>
#include <towline/error.h>

static tow_session *session_of(const tow_websocket *socket) {
    return tow_websocket_user(socket);
}

static double milliseconds(int64_t nanoseconds) {
    return (double)nanoseconds / 1e6;
}

void tow_session_ping(tow_session *session, const void *payload, size_t length) {
    char number[24];
    if (tow_session_is_cut(session)) {
        tow_view_notice(&session->view, "not connected: no Ping was sent");
        return;
    }
    session->ping_number++;
    if (length == 0) {
        length = (size_t)snprintf(number, sizeof(number), "%llu", (unsigned long long)session->ping_number);
        payload = number;
    }
    memcpy(session->ping_payload, payload, length);
    session->ping_length = length;
    session->ping_at = tow_loop_now(session->loop);
    int error = tow_websocket_ping(session->socket, payload, length);
    if (error != 0 && error != TOW_ERROR_CLOSED)
        tow_view_error(&session->view, "ping: %s", tow_strerror(error));
}

static void on_ping_timer(tow_timer *timer) {
    tow_session *session = (tow_session *)((char *)timer - offsetof(tow_session, ping_timer));
    tow_session_ping(session, NULL, 0);
    tow_session_ping_regularly(session);
}

void tow_session_ping_regularly(tow_session *session) {
    int64_t interval = session->settings->ping;
    if (interval > 0)
        tow_timer_set(
            session->loop, &session->ping_timer, tow_loop_now(session->loop) + interval, on_ping_timer);
}

void tow_session_on_ping(tow_websocket *socket, const void *payload, size_t length) {
    tow_session *session = session_of(socket);
    if (session->settings->verbose)
        tow_view_notice(
            &session->view, "ping from the peer: \"%.*s\", answered", (int)length, (const char *)payload);
}

void tow_session_on_pong(tow_websocket *socket, const void *payload, size_t length) {
    tow_session *session = session_of(socket);
    if (!session->settings->verbose && !session->interactive)
        return;
    if (session->ping_length == length && memcmp(session->ping_payload, payload, length) == 0)
        tow_view_notice(&session->view, "pong \"%.*s\" after %.2f ms", (int)length, (const char *)payload,
            milliseconds(tow_loop_now(session->loop) - session->ping_at));
    else
        tow_view_notice(&session->view, "pong \"%.*s\"", (int)length, (const char *)payload);
}
