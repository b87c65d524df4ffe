/* towline/blocking.h: a client whose calls wait, for scripts and tests.
 *
 * Open, send, receive, close: each waits for its end at most as many milliseconds as it is told; TOW_OFF
 * waits as long as it takes, 0 does what can be done at once. It owns a loop and makes no thread (but see
 * no_name_thread in towline/loop.h): between calls nothing happens, so that not even a Ping is answered then.
 * A blocking client belongs to one thread at a time.
 *
 *     tow_blocking *blocking;
 *     tow_message message;
 *     int error = tow_blocking_open(&blocking, "ws://localhost:9998/echo", NULL, 5000);
 *     if (error == 0)
 *         error = tow_blocking_send(blocking, TOW_TEXT, "hello", 5, 5000);
 *     if (error == 0)
 *         error = tow_blocking_receive(blocking, &message, 5000);
 *     if (error == 0)
 *         printf("%.*s\n", (int)message.length, (char *)message.data);
 *     if (error == 0)
 *         error = tow_blocking_close(blocking, 1000, NULL, 5000);
 *     tow_blocking_free(blocking);
 */
#ifndef TOWLINE_BLOCKING_H
#define TOWLINE_BLOCKING_H

#include <stddef.h>
#include <stdint.h>
#include <towline/message.h>
#include <towline/websocket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_blocking tow_blocking;

/* Opens a connection and waits until it is open. `options` may be NULL; its callbacks and `user` are not
 * looked at.
 *
 * Once a connection was begun *blocking is set, also when this call then fails: tow_blocking_error_text tells
 * why, and the caller frees it. Else, and only then, *blocking is NULL.
 * Errors: those of tow_loop_new and tow_websocket_open; TIMED_OUT (it is still connecting: later calls go on
 * with it); what made the connection fail, REFUSED or HTTP_STATUS for example, or TIMED_OUT when the options'
 * connect_seconds are over: tow_blocking_error answers it then. */
int tow_blocking_open_sized(tow_blocking **blocking, const char *url, const tow_websocket_options *options,
    int timeout_milliseconds, size_t options_size);
static inline int tow_blocking_open(tow_blocking **blocking, const char *url,
    const tow_websocket_options *options, int timeout_milliseconds) {
    return tow_blocking_open_sized(
        blocking, url, options, timeout_milliseconds, sizeof(tow_websocket_options));
}

/* Closes without a closing handshake what is still open, and frees everything. NULL is allowed. */
void tow_blocking_free(tow_blocking *blocking);

/* Sends a message and waits until the network has taken it. `data` may be that of the last message received;
 * it is finished with when the call returns.
 * Errors: TIMED_OUT (the message was accepted and is sent by later calls: do not send it again), CONNECTING
 * and QUEUE_FULL (the time was over before it was accepted: it is not sent), CLOSED and ENDED (as in
 * tow_blocking_receive; when the connection ended meanwhile, the message may have arrived or not), UTF8,
 * ARGUMENT, MEMORY. */
int tow_blocking_send(
    tow_blocking *blocking, tow_message_type type, const void *data, size_t length, int timeout_milliseconds);

/* Waits for the next message. Its data is valid until the next tow_blocking_receive or tow_blocking_free. One
 * message that comes during other calls is kept; while it waits the peer is not read.
 * Errors: TIMED_OUT (nothing is lost), CLOSED (both Close frames crossed), ENDED (the connection ended
 * otherwise: tow_blocking_error tells why). Messages that came before are given first. */
int tow_blocking_receive(tow_blocking *blocking, tow_message *message, int timeout_milliseconds);

/* Starts the closing handshake as tow_websocket_close does, and waits until the connection is closed. May be
 * called again after TIMED_OUT.
 * Errors: ARGUMENT, TIMED_OUT, ENDED (closed, but not cleanly). */
int tow_blocking_close(tow_blocking *blocking, uint16_t code, const char *reason, int timeout_milliseconds);

/* Why the connection failed: a tow_error, and the same in words; 0 and "" while it has not. */
int tow_blocking_error(const tow_blocking *blocking);
const char *tow_blocking_error_text(const tow_blocking *blocking);

/* How the connection ended, valid as long as the client; NULL until it has. */
const tow_close_event *tow_blocking_close_event(const tow_blocking *blocking);

/* The socket below, for what has no blocking call: ready state, subprotocol, pings. It stays the client's: do
 * not free it, do not step its loop, and leave its `user` alone; it can't become a byte stream. */
tow_websocket *tow_blocking_socket(tow_blocking *blocking);

#ifdef __cplusplus
}
#endif

#endif
