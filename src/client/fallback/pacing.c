#include "pacing.h"

#include "ending.h"
#include "transport/loop.h"

#include <assert.h>
#include <towline/error.h>

enum {
    LOOK_MILLISECONDS = 100, /* at what was handed to the WebSocket, while the socket waits for that */
    SIGNS = 3                /* of life, in the time that the server waits for one */
};

static void set_after(
    tow_fallback_session *session, tow_timer *timer, int64_t milliseconds, tow_timer_callback callback) {
    tow_timer_set(
        session->loop, timer, tow_loop_now(session->loop) + milliseconds * TOW_MILLISECOND, callback);
}

void tow_fallback_poll(tow_fallback_session *session) {
    bool is_wanted = !session->over && !session->telling && !session->peer_closed;
    if (is_wanted && !tow_fallback_is_upgraded(session) && !tow_fallback_is_parked(session))
        tow_polling_ask(&session->polling);
}

void tow_fallback_give_upgrade_up(tow_fallback_session *session) {
    tow_upgrade_stop(&session->upgrade);
    tow_fallback_poll(session);
}

static void is_silent(tow_timer *timer) {
    tow_fallback_session *session =
        (tow_fallback_session *)(void *)((char *)timer - offsetof(tow_fallback_session, silence));
    assert(tow_fallback_is_upgraded(session));
    if (tow_websocket_lives(session->upgrade.link, session->watched_at)) { /* a long message is on its way */
        tow_carried_heard(session->socket);
        tow_fallback_watch(session);
        return;
    }
    tow_fallback_lose(session, TOW_ERROR_TIMED_OUT, "the server has sent nothing, not even its Pings");
}

/* A WebSocket that is not read brings no Pings. */
void tow_fallback_watch(tow_fallback_session *session) {
    session->watched_at = tow_loop_now(session->loop);
    if (session->paused || session->over)
        tow_timer_cancel(session->loop, &session->silence);
    else
        set_after(session, &session->silence,
            session->polling.opened.ping_milliseconds + session->polling.opened.pong_milliseconds, is_silent);
}

/* While nobody takes what there is, no poll is made; but the server must not think that there is nobody. */
static void show_life(tow_timer *timer) {
    tow_fallback_session *session =
        (tow_fallback_session *)(void *)((char *)timer - offsetof(tow_fallback_session, look));
    if (session->telling)
        tow_polling_show_life(&session->polling);
    tow_fallback_show_signs(session);
}

void tow_fallback_show_signs(tow_fallback_session *session) {
    set_after(session, &session->look, session->polling.opened.linger_milliseconds / SIGNS, show_life);
}

static void look_again(tow_timer *timer) {
    tow_fallback_look_at_marks(
        (tow_fallback_session *)(void *)((char *)timer - offsetof(tow_fallback_session, look)));
}

void tow_fallback_look_at_marks(tow_fallback_session *session) {
    tow_carried_drain(session->socket);
    if (!session->over && tow_fallback_is_upgraded(session) && tow_websocket_is_above_high(session->socket))
        set_after(session, &session->look, LOOK_MILLISECONDS, look_again);
}
