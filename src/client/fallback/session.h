/* session: one session of Engine.IO as a client: a carrier (websocket/carrier.h) whose messages go by polls
 * and posts, or by the WebSocket that has taken them over. It owns what waits for the server, its times, and
 * how it ends. */
#ifndef TOW_CLIENT_FALLBACK_SESSION_H
#define TOW_CLIENT_FALLBACK_SESSION_H

#include "polling.h"
#include "protocol/engineio.h"
#include "upgrade.h"
#include "websocket/carrier.h"

typedef struct tow_fallback_session tow_fallback_session;

/* How a session did not begin. */
typedef struct tow_not_begun {
    int error;
    int http_status;           /* with which it was refused, or 0 */
    const char *text;          /* why, in one line */
    bool is_foreign;           /* what answered speaks no Engine.IO */
    const tow_http_head *head; /* of the answer, or NULL */
} tow_not_begun;

typedef struct tow_fallback_session_events {
    /* Heads of the request that is to begin it, and of the answer, as they went. */
    void (*on_head)(void *user, bool sent, tow_slice head);
    /* It has begun, and takes a socket, or is freed. */
    void (*on_begun)(void *user, const tow_opened *opened, const tow_http_head *head);
    /* It has not; it is to be freed. */
    void (*on_not_begun)(void *user, const tow_not_begun *why);
    /* Its WebSocket was cut soon: something on the way suffers none for long. */
    void (*on_cut)(void *user);
} tow_fallback_session_events;

typedef struct tow_fallback_session_settings {
    const tow_target *target;             /* all is borrowed, as long as the session lives */
    const tow_websocket_options *options; /* whose limits are resolved */
    const tow_http_client_options *http;  /* during the call alone */
    tow_upgrade_open open;                /* for an upgrade; NULL: there is to be none */
    const tow_fallback_session_events *events;
    void *user;
} tow_fallback_session_settings;

extern const tow_carrier tow_fallback_carrier;

/* Asks for one. Errors: as tow_http_client_new and tow_http_call_start. */
int tow_fallback_session_new(
    tow_fallback_session **session, tow_loop *loop, const tow_fallback_session_settings *settings);

/* In on_begun, around tow_websocket_start: the session is this socket's, which has this carrier; it goes on
 * when the socket is open, and ends with it. */
void tow_fallback_session_carry(tow_fallback_session *session, tow_websocket *socket);
void tow_fallback_session_go_on(tow_fallback_session *session);

/* The address that has answered; "" if it is not known. */
const char *tow_fallback_session_peer(const tow_fallback_session *session);

/* Of one that has no open socket. NULL is allowed. */
void tow_fallback_session_free(tow_fallback_session *session);

#endif
