/* towline/reconnector.h: a client that connects again when its connection is lost.
 *
 * CLOSED is final for a tow_websocket, so a reconnector opens a new one each time, with the same URL and
 * options. The callbacks in these run for each socket as if it had been opened by hand. Every call is for the
 * thread of the loop; a reconnector may be closed and freed inside any of its own and its sockets' callbacks,
 * and no callback runs inside the call that made it.
 *
 *     static void greet(tow_websocket *socket) { tow_websocket_send(socket, TOW_TEXT, "subscribe", 9); }
 *     ...
 *     tow_reconnector *reconnector;
 *     int error = tow_reconnector_new(&reconnector, loop, "ws://localhost:9998/news",
 *         &(tow_websocket_options){ .on_open = greet, .on_message = print }, NULL);
 */
#ifndef TOWLINE_RECONNECTOR_H
#define TOWLINE_RECONNECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <towline/loop.h>
#include <towline/websocket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_reconnector tow_reconnector;

/* What follows when the server closed cleanly: both Close frames crossed, and we did not ask for it. */
typedef enum tow_after_clean_close {
    /* 1000 (normal), 1005 (no status code), 3000 (unauthorized) and 3003 (forbidden) are the end; after all
     * others, as 1001 (going away), 1011 to 1014 (error, restart, try again later, bad gateway) and an
     * application's own, it connects again. */
    TOW_AFTER_CLEAN_CLOSE_BY_CODE = 0,
    TOW_AFTER_CLEAN_CLOSE_RECONNECT, /* it connects again, whatever the status code */
    TOW_AFTER_CLEAN_CLOSE_END        /* that is the end, whatever the status code */
} tow_after_clean_close;

/* The connection is gone, and the next attempt comes in so many milliseconds. `attempt` counts from 1 the
 * attempts since a connection was last open for stable_seconds. */
typedef void (*tow_on_wait)(tow_reconnector *reconnector, int64_t milliseconds, int attempt);

/* No attempt will follow. `error` is why the last one failed, or 0 if a close is the end: the server's, or
 * one that we asked for. Runs last and once, unless the reconnector is freed before. */
typedef void (*tow_on_give_up)(tow_reconnector *reconnector, int error);

/* Zero means the default; numbers accept TOW_OFF. Copied by the call. */
typedef struct tow_reconnector_options {
    /* Before attempt n it waits a random time between 0 and the smaller of max_milliseconds and
     * first_milliseconds * 2^(n-1): clients that lost the same server do not come back together. */
    int first_milliseconds; /* default 1000; TOW_OFF: no waiting */
    int max_milliseconds;   /* default 30000; TOW_OFF: no bound */
    int max_attempts;       /* in a row; default none, so it goes on for ever */
    int stable_seconds; /* open for so long a connection lets the count begin anew; default 10; TOW_OFF: as
                           soon as it is open */
    tow_after_clean_close after_clean_close; /* default TOW_AFTER_CLEAN_CLOSE_BY_CODE */
    tow_on_wait on_wait;
    tow_on_give_up on_give_up;
} tow_reconnector_options;

/* Opens the first connection as tow_websocket_open does, and others while the one before was lost.
 * `url` and both options are copied with all that they point to, but `user`; both options may be NULL. The
 * reconnector is the caller's until tow_reconnector_free. It keeps the loop alive until it gives up.
 *
 * It gives up, whatever max_attempts says, when trying again would fail again: the server or proxy answered
 * with a status of 200 to 499, except 408 and 429; the opening handshake was answered wrongly
 * (HANDSHAKE_...); the certificate is not valid (CERTIFICATE); what is asked for is not possible (ARGUMENT,
 * URL, UNSUPPORTED, ADDRESS). After 429 and 503 it waits at least as long as Retry-After says, up to an hour
 * (RFC 9110, section 10.2.3).
 *
 * It ends, too, when tow_websocket_close was called on its socket, at the latest in on_close, and however
 * that went. Errors: those of tow_websocket_open; ARGUMENT also for a number out of its range. */
int tow_reconnector_new_sized(tow_reconnector **reconnector, tow_loop *loop, const char *url,
    const tow_websocket_options *socket_options, size_t socket_options_size,
    const tow_reconnector_options *options, size_t options_size);
static inline int tow_reconnector_new(tow_reconnector **reconnector, tow_loop *loop, const char *url,
    const tow_websocket_options *socket_options, const tow_reconnector_options *options) {
    return tow_reconnector_new_sized(reconnector, loop, url, socket_options, sizeof(tow_websocket_options),
        options, sizeof(tow_reconnector_options));
}

/* Frees it and its socket; what is open is reset, and no callback runs any more. NULL is allowed. */
void tow_reconnector_free(tow_reconnector *reconnector);

/* Ends it in good order: closes the socket as tow_websocket_close does or, while there is none, ends the
 * waiting. on_give_up follows, not inside this call, but perhaps in the same round: when on_close returns, if
 * this is called there. Errors: ARGUMENT (code and reason are checked always). */
int tow_reconnector_close(tow_reconnector *reconnector, uint16_t code, const char *reason);

/* The socket in use, in any ready state; NULL while it waits and after it gave up. It is the reconnector's:
 * do not free it, and it can't become a byte stream. It is gone once its on_close has returned. */
tow_websocket *tow_reconnector_socket(const tow_reconnector *reconnector);

/* The `user` of the socket options: each new socket begins with it. */
void *tow_reconnector_user(const tow_reconnector *reconnector);

#ifdef __cplusplus
}
#endif

#endif
