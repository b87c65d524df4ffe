/* towline/websocket.h: the browser's WebSocket interface, the same object at both ends.
 *
 * Names and meanings are those of the WHATWG WebSocket standard (https://websockets.spec.whatwg.org/) unless
 * a comment says otherwise. Every call is for the thread of the socket's loop. An object may be closed, and a
 * client's freed, inside any of its own callbacks; no callback runs inside the call that made the object.
 *
 *     static void greet(tow_websocket *socket) { tow_websocket_send(socket, TOW_TEXT, "hello", 5); }
 *     ...
 *     tow_websocket *socket;
 *     int error = tow_websocket_open(&socket, loop, "ws://localhost:9998/echo",
 *         &(tow_websocket_options){ .on_open = greet, .on_message = print, .on_close = done });
 */
#ifndef TOWLINE_WEBSOCKET_H
#define TOWLINE_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <towline/http.h>
#include <towline/limits.h>
#include <towline/loop.h>
#include <towline/message.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_websocket tow_websocket;
typedef struct tow_response tow_response; /* the head of a server's response */

typedef enum tow_ready_state {
    TOW_CONNECTING = 0, /* the opening handshake is under way */
    TOW_OPEN = 1,
    TOW_CLOSING = 2, /* the closing handshake is under way */
    TOW_CLOSED = 3
} tow_ready_state;

/* How a connection ended. `code` is the peer's status code, 1005 if its Close had none, 1006 if there was no
 * Close. `reason` is UTF-8 of `reason_length` bytes, borrowed until the callback returns. `was_clean`: both
 * Close frames crossed. */
typedef struct tow_close_event {
    uint16_t code;
    bool was_clean;
    const char *reason;
    size_t reason_length;
} tow_close_event;

/* Why a connection failed. Runs before the close event. `text` is one line, borrowed until the callback
 * returns; `error` is a tow_error; `http_status` is the status with which the server, or a proxy, refused,
 * else 0. */
typedef struct tow_error_event {
    int error;
    int http_status;
    const char *text;
} tow_error_event;

typedef void (*tow_on_open)(tow_websocket *socket);
typedef void (*tow_on_message)(tow_websocket *socket, const tow_message *message);
/* Receives messages piece by piece as they come, in memory that does not grow with them; instead of
 * on_message. One message has exactly one `first` and one `last` piece; the last may be empty, and an empty
 * message is one empty piece. A message that fails on the way (bad UTF-8, which is found at its first byte,
 * too large, the connection ends) has no last piece: on_close comes instead. tow_websocket_pause stops inside
 * a message, too. max_message and message_seconds hold for the whole message: TOW_OFF lifts them. */
typedef void (*tow_on_piece)(tow_websocket *socket, const tow_message_piece *piece);
typedef void (*tow_on_error)(tow_websocket *socket, const tow_error_event *event);
typedef void (*tow_on_close)(tow_websocket *socket, const tow_close_event *event);
typedef void (*tow_on_drain)(tow_websocket *socket);
typedef void (*tow_on_ping)(tow_websocket *socket, const void *payload, size_t length);

/* Options of a client's socket. Zero means the default; numbers accept TOW_OFF. Copied by the call. */
typedef struct tow_websocket_options {
    const char *const *protocols;    /* subprotocols to offer, in order of preference; ends with NULL */
    const char *origin;              /* Origin header; default none */
    const tow_header_field *headers; /* further headers; ends with a NULL name */
    void *user;                      /* what tow_websocket_user answers */

    tow_on_open on_open;
    tow_on_message on_message;
    tow_on_piece on_piece; /* instead of on_message (not both): messages come in pieces */
    tow_on_error on_error;
    tow_on_close on_close;
    tow_on_drain on_drain; /* the buffered amount fell below the low-water mark after being above the high */
    tow_on_ping on_ping;   /* a Ping came (its Pong is sent by the library) */
    tow_on_ping on_pong;   /* a Pong came */

    tow_limits limits;   /* of the connection; those of time, but for close_seconds, are off by default */
    int connect_seconds; /* until the opening handshake is done; default 30; then it fails */

    const char
        *proxy; /* URL of a proxy: http://, https://, socks5:// or socks5h://[USER:PASSWORD@]HOST[:PORT];
                   default none: the environment is not looked at */
    const char *unix_path; /* connect to this Unix socket instead of the URL's host and port; default none */

    /* TLS, with the server for wss:// and with the proxy for https://. All are names of PEM files, which the
     * call reads, or texts. Certificates must hold, and be for the host of the URL. */
    const char *tls_roots;   /* authorities, roots or not, that may sign the peer's certificate; default the
                                system's */
    const char *tls_revoked; /* lists (CRL) of what they revoked, one of each that signs; default none */
    const char *tls_certificate; /* our own for a server that asks, and those between it and the root; default
                                    none */
    const char *tls_key;         /* its key, without a passphrase; default: in the file of the certificate */
    bool tls_insecure;           /* take any certificate, also of a proxy: the peer may be anybody */
    const char *tls_roots_pem;   /* a text in PEM, instead of the file tls_roots */
    const char *tls_revoked_pem; /* a text, instead of tls_revoked */
    const char *tls_certificate_pem; /* a text, instead of tls_certificate */
    const char *tls_key_pem;         /* a text, instead of tls_key */

    bool fallback; /* where the opening handshake fails as a proxy makes it fail, go on by HTTP polling,
                      which towline's servers speak at the URL's path and /engine.io/ */
} tow_websocket_options;

/* Opens a connection as a client. The socket is the caller's until tow_websocket_free; callbacks start from
 * the loop's next round. `url` is ws:// or wss://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY], without a
 * fragment; http:// and https:// are taken for ws:// and wss://. User and password, percent-decoded, are sent
 * as Basic authentication (RFC 7617), unless `headers` has an Authorization. `options` may be NULL.
 * Errors: URL, ARGUMENT (a subprotocol that is no token or stands twice, a header or proxy that is not valid,
 * a number out of its range, options that contradict each other: a key without a certificate, a file and a
 * text for the same, a proxy and a Unix socket, tls_insecure and tls_roots or tls_revoked), UNSUPPORTED
 * (another kind of proxy), ADDRESS (a path that is too long), CERTIFICATE (a file does not hold what it
 * should), NO_FILE, PERMISSION (of a file), MEMORY, SYSTEM. What goes wrong later comes to on_error and
 * on_close. */
int tow_websocket_open_sized(tow_websocket **socket, tow_loop *loop, const char *url,
    const tow_websocket_options *options, size_t options_size);
static inline int tow_websocket_open(
    tow_websocket **socket, tow_loop *loop, const char *url, const tow_websocket_options *options) {
    return tow_websocket_open_sized(socket, loop, url, options, sizeof(tow_websocket_options));
}

/* Frees a client's socket; what is open is reset, and no callback runs any more. NULL is allowed.
 * A server's sockets are the library's: they are freed after on_close. */
void tow_websocket_free(tow_websocket *socket);

/* Keeps a server's socket after its on_close, until as many releases: the getters go on answering, and what
 * is sent gets CLOSED. The connection itself is gone and counts no more, and nothing waits for a release: at
 * the latest the socket goes with the server's run (tow_server_run), or with tow_server_free where that is
 * not used. For the thread of the socket's loop. A client's socket lives until tow_websocket_free anyway:
 * there both do nothing. Errors: MEMORY. */
int tow_websocket_retain(tow_websocket *socket);
void tow_websocket_release(tow_websocket *socket);

/* Sends a message. `data` has been copied or is finished with when the call returns; it may be the data of
 * the message that is being delivered. Text must be UTF-8: checked. Returns the buffered amount in bytes, or
 * STATE (a message is being sent in pieces), CONNECTING (send from on_open), CLOSED (counted in the buffered
 * amount, not sent), UTF8, QUEUE_FULL (more than max-queue was waiting: see tow_overflow),
 * ARGUMENT (neither text nor binary, NULL with a length), MEMORY. No callback runs inside this call. RFC
 * 6455, section 6.1. */
int64_t tow_websocket_send(tow_websocket *socket, tow_message_type type, const void *data, size_t length);

/* Sends a piece of a message, as a frame of its own (RFC 6455, section 5.4), so that a message can be sent
 * whose length is not known or whose whole is in no memory. Pings, Pongs and Closes may go between pieces,
 * another message may not: tow_websocket_send and the like answer STATE until the last piece. `data` has been
 * copied or is finished with when the call returns. Text is checked on the way. Pieces are not compressed.
 *
 * Returns the buffered amount in bytes: above high_mark it is time to wait for on_drain. Errors are as in
 * tow_websocket_send, and the message is where it was before; STATE (`first` inside a message, or not first
 * without one) and ARGUMENT (the type is another than the first piece's) besides. A message that can't be
 * finished can only be ended by tow_websocket_close. Where the peer gets whole messages instead of frames,
 * the pieces are gathered, and count when the last is there; more than max_message is MESSAGE_TOO_LARGE, and
 * gives the message up. */
int64_t tow_websocket_send_piece(tow_websocket *socket, const tow_message_piece *piece);

/* Sends a Ping or an unsolicited Pong of at most 125 bytes. While much waits to be sent only the latest Pong
 * is kept. Errors: ARGUMENT (too long), CONNECTING, CLOSED, QUEUE_FULL (as tow_websocket_send), MEMORY (the
 * connection has failed). RFC 6455, sections 5.5.2 and 5.5.3. */
int tow_websocket_ping(tow_websocket *socket, const void *payload, size_t length);
int tow_websocket_pong(tow_websocket *socket, const void *payload, size_t length);

/* Starts the closing handshake, or gives up an opening handshake that is under way. What was sent before
 * still goes out, as long as the peer takes some of it now and then (stall_seconds, close_seconds). `code` 0
 * sends a Close without a status code. Clients may send 1000 and 3000 to 4999, servers 1000 to 1003, 1007 to
 * 1009, 1011 to 1014 and 3000 to 4999; `reason` (may be NULL) is at most 123 bytes of UTF-8. Errors:
 * ARGUMENT. A second call does nothing and returns 0. RFC 6455, section 7.1.2. */
int tow_websocket_close(tow_websocket *socket, uint16_t code, const char *reason);

/* Stops and restarts the delivery of messages. While paused the peer is not read, and its silence does not
 * count. If it ends the connection meanwhile, what it said before waits for tow_websocket_resume, for
 * idle_seconds at most (60 where that is off); then it is given up, and on_error (ENDED) and on_close (1006)
 * come. If it resets the connection, they come at once. */
void tow_websocket_pause(tow_websocket *socket);
void tow_websocket_resume(tow_websocket *socket);

/* Where the connection stands. */
tow_ready_state tow_websocket_ready_state(const tow_websocket *socket);

/* Bytes of application data that were sent and not yet given to the network; framing is not counted, and what
 * waits compressed counts as it is. Does not become less by closing. While more than high_mark waits, framing
 * included, a server's socket does not read; on_drain comes when it is less than low_mark again. */
int64_t tow_websocket_buffered_amount(const tow_websocket *socket);

/* How many messages of this connection were dropped because more than max_queue waited: those that
 * TOW_OVERFLOW_DROP_OLDEST gave up, and those that were posted (towline/server.h) and that
 * TOW_OVERFLOW_REFUSE turned away. What was dropped does not count in the buffered amount. */
uint64_t tow_websocket_dropped(const tow_websocket *socket);

/* The subprotocol in use, the extensions in use as in the header, the URL: "" where there is none. They stay
 * valid as long as the socket. The URL is in its normal form, ws or wss, and without user and password, as it
 * is often written to logs (the standard's url shows them). */
const char *tow_websocket_protocol(const tow_websocket *socket);
const char *tow_websocket_extensions(const tow_websocket *socket);
const char *tow_websocket_url(const tow_websocket *socket);

/* What the server answered to a client's opening handshake: from on_open on if it was accepted, from on_error
 * on if it was refused. NULL before that, where no whole response came (a proxy's is none), and for a
 * server's socket. It stays valid as long as the socket, and so do its texts. */
const tow_response *tow_websocket_response(const tow_websocket *socket);

/* Parts of a response; texts end with a zero. */
int tow_response_status(const tow_response *response);         /* 101 if it was accepted */
const char *tow_response_reason(const tow_response *response); /* behind the status; may be "" */
/* The value of the first header of that name, upper or lower case, or NULL. */
const char *tow_response_header(const tow_response *response, const char *name);
/* All of them as they came, in their order, repeated ones too; ends with a NULL name. */
const tow_header_field *tow_response_headers(const tow_response *response);

/* The address of the peer, as a text of at most `size` bytes with its zero (128 are enough):
 * "192.0.2.1:50001", "[2001:db8::1]:50001", "unix". Of a server's socket it is the client's, which a trusted
 * proxy may have named, without a port if it named none; of a client's that of the server, or of the proxy
 * that is in between. From on_open on, also in on_close and of a socket that is retained. Errors: STATE (not
 * connected yet), ARGUMENT (too little room), SYSTEM. */
int tow_websocket_peer(const tow_websocket *socket, char *text, size_t size);

/* A pointer for the application. */
void *tow_websocket_user(const tow_websocket *socket);
void tow_websocket_set_user(tow_websocket *socket, void *user);

/* The loop that the socket lives on. */
tow_loop *tow_websocket_loop(const tow_websocket *socket);

#ifdef __cplusplus
}
#endif

#endif
