/* session_state: what a session as a client is made of, for the files that work on it in turn: ending,
 * saying, hearing, and session above them. */
#ifndef TOW_CLIENT_FALLBACK_SESSION_STATE_H
#define TOW_CLIENT_FALLBACK_SESSION_STATE_H

#include "session.h"
#include "transport/timer.h"

enum { TOW_FALLBACK_ROOM_MAX = 64 * 1024 /* bytes that are kept for the next packet */ };

struct tow_fallback_session {
    tow_loop *loop;
    tow_fallback_session_settings settings;
    tow_websocket *socket; /* NULL: it has not begun */
    tow_polling polling;
    tow_upgrade upgrade;
    int64_t upgraded_at;
    int64_t watched_at;         /* since when the silence counts */
    tow_packets out;            /* that wait */
    size_t posted;              /* bytes of the messages in the post under way */
    tow_buffer answer;          /* that is being told */
    tow_engineio_body input;    /* of it, what is not told yet */
    tow_buffer room;            /* for a packet that is decoded, or encoded */
    tow_timer soon;             /* in the next round: */
    tow_timer_callback on_soon; /* what was said goes out, what has come is told, or the end */
    tow_timer silence;          /* of the WebSocket */
    tow_timer look;             /* see LOOK_MILLISECONDS; or a sign of life is due */
    int error;                  /* that it ends with */
    bool telling;
    bool paused;      /* nothing is told to the socket */
    bool closing;     /* our Close is said */
    bool posts_close; /* it is in the post under way */
    bool close_taken; /* that was answered */
    bool has_pong;    /* among what waits */
    uint16_t our_code;
    bool peer_closed; /* the server's has come */
    bool over;        /* nothing is said any more, or heard */
};

static inline bool tow_fallback_is_upgraded(const tow_fallback_session *session) {
    return tow_upgrade_is_taken(&session->upgrade);
}

/* The WebSocket is to take all over: no request begins any more. */
static inline bool tow_fallback_is_parked(const tow_fallback_session *session) {
    return session->upgrade.stage == TOW_UPGRADE_PROBED;
}

static inline void tow_fallback_set_soon(tow_fallback_session *session) {
    tow_timer_set(session->loop, &session->soon, 0, session->on_soon);
}

#endif
