/* towline/http.h: HTTP requests that a route of a server gets, and its answers.
 *
 *     static void answer(tow_exchange *exchange, const tow_request *request) {
 *         tow_exchange_respond(exchange, 200, "text/plain", "hello\n", 6);
 *     }
 *     tow_server_route(server, "/hello", &(tow_handler){.on_request = answer});
 *
 * All of it is for the thread of the worker that owns the connection.
 */
#ifndef TOWLINE_HTTP_H
#define TOWLINE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <towline/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_request tow_request;   /* a request's head, borrowed by the callback that gets it */
typedef struct tow_exchange tow_exchange; /* one HTTP request and its answer */

/* A name and its value: of a header field, a parameter, a cookie. Of those that are to be sent neither part
 * has CR, LF or NUL. */
typedef struct tow_header_field {
    const char *name;
    const char *value;
} tow_header_field;

/* Parts of a request. Texts and lists live as long as the request is lent; texts end with a zero. */
const char *tow_request_method(const tow_request *request);
const char *tow_request_target(const tow_request *request); /* path and query as sent */
const char *tow_request_path(const tow_request *request);   /* without the query, as sent */
const char *tow_request_query(const tow_request *request);  /* "" if none */
const char *tow_request_header(
    const tow_request *request, const char *name); /* first of that name, or NULL */
/* "127.0.0.1:50001", "unix"; the client's address if a trusted proxy names it, without a port if it says none
 */
const char *tow_request_peer(const tow_request *request);
/* "https" if the client speaks TLS with this server, or with the trusted proxy that says so; else "http". */
const char *tow_request_scheme(const tow_request *request);
void *tow_request_user(const tow_request *request); /* the handler's user */

/* All header fields as they came, in their order, repeated ones too; ends with a NULL name. NULL without
 * memory. */
const tow_header_field *tow_request_headers(const tow_request *request);

/* The query's parameters (NAME=VALUE, between ampersands), decoded: a plus is a space, %XX a byte, of any
 * encoding; %00 stays as it is. The first of that name, or NULL; or all of them as above. */
const char *tow_request_parameter(const tow_request *request, const char *name);
const tow_header_field *tow_request_parameters(const tow_request *request);

/* Cookies (RFC 6265), of all Cookie fields, as they were sent: quotes are part of a value. The same. */
const char *tow_request_cookie(const tow_request *request, const char *name);
const tow_header_field *tow_request_cookies(const tow_request *request);

/* The client's certificate, where the server asks for one (tls_client_ca) and the client speaks TLS with this
 * server; else NULL. The subject is for people: of more than 127 bytes the end is left out. The fingerprint
 * tells certificates apart: SHA-256, as pairs of hexadecimal digits with colons between them. */
const char *tow_request_certificate_subject(const tow_request *request);
const char *tow_request_certificate_fingerprint(const tow_request *request);

/* Answers a request whole, once, in on_request, or later if the exchange was kept. `status` is 200 to 999;
 * `type`, which may be NULL, is the Content-Type. `body` is copied; an answer to HEAD, 204 and 304 have none,
 * whatever is given. Errors: STATE (answered already, not in on_request and not kept, or a whole body was
 * asked for and has not come), CLOSED (the client has left: on_gone follows), ARGUMENT, MEMORY. */
int tow_exchange_respond(
    tow_exchange *exchange, int status, const char *type, const void *body, size_t length);

/* A field for the answer that follows, behind those that were added before; a name may be repeated. The
 * server writes Connection, Content-Length, Date, Keep-Alive, Transfer-Encoding and Upgrade itself, and
 * Sec-WebSocket-Accept, -Extensions and -Protocol. A Content-Type goes before the `type` that the answer is
 * given. Where the server answers by itself (503 when answer_seconds are over, say) these fields do not go
 * along. Errors: ARGUMENT (one of these, a name that is no token, a control character such as CR or LF in the
 * value), STATE, CLOSED, MEMORY. */
int tow_exchange_field(tow_exchange *exchange, const char *name, const char *value);

/* Answers with `length` bytes of an open file from `offset` on, read as the client takes them. The descriptor
 * is the exchange's from the call on, also when it fails. A file that becomes too short resets the client.
 * Errors: as tow_exchange_respond. */
int tow_exchange_send_file(
    tow_exchange *exchange, int status, const char *type, int fd, int64_t offset, int64_t length);

/* Breaks the exchange off: the client is reset, and gets no further answer. on_gone follows if it was kept.
 */
void tow_exchange_reset(tow_exchange *exchange);

/* -- An answer in pieces: begun, written, ended, each when there is something to say. --
 *
 *     const tow_exchange_events events = {.on_gone = forget, .on_drain = go_on, .user = feed};
 *     tow_exchange_begin(exchange, 200, "text/event-stream", TOW_LENGTH_UNKNOWN);
 *     tow_exchange_keep(exchange, &events);
 *     ... later, again and again ...
 *     tow_exchange_write(exchange, "data: tick\n\n", 12);
 *
 * What the client does not take at once waits: tow_exchange_buffered_amount. With more than high_mark waiting
 * one had better wait for on_drain; with more than max_queue a write is refused. A client that takes nothing
 * for stall_seconds is reset (all in tow_limits). */

#define TOW_LENGTH_UNKNOWN (-1)

/* Begins such an answer, and keeps the exchange if that was not done. `length` is that of the body. One that
 * is not known goes out chunked, or, to a client of HTTP/1.0, until the connection's end. Errors: as
 * tow_exchange_respond. */
int tow_exchange_begin(tow_exchange *exchange, int status, const char *type, int64_t length);

/* Appends a piece, which is copied. Errors: STATE (not begun, or ended), CLOSED, QUEUE_FULL (more than
 * max_queue waits), ARGUMENT (more than was announced), MEMORY; nothing of it is sent then. */
int tow_exchange_write(tow_exchange *exchange, const void *data, size_t length);

/* Ends it: the exchange is not to be used any more. Errors: STATE (not begun, or less was written than was
 * announced), CLOSED, MEMORY; it goes on then. */
int tow_exchange_end(tow_exchange *exchange);

/* Bytes of the answer, with its head, that the network has not been given yet. */
size_t tow_exchange_buffered_amount(const tow_exchange *exchange);

/* -- The request's body. It is for the handler to ask for it; what nobody wants is read over.
 *
 * A body may never come whole: the client leaves, is too slow (408), or sends what is none (400). Nothing
 * more is called then, but on_gone of an exchange that was kept: who has something to free for the body
 * keeps the exchange first. -- */

/* Wants it whole: `on_body` gets all of it, and answers, or keeps the exchange. A body of more than `limit`
 * bytes gets 413, one that takes too long 408 (message_seconds and message_rate in tow_limits), and one that
 * comes while too many are under way 503 (max_unfinished in tow_server_options). In on_request or, if the
 * exchange was kept, later. Errors: STATE (asked for already, or answered), CLOSED, ARGUMENT. */
int tow_exchange_read_body(tow_exchange *exchange, size_t limit,
    void (*on_body)(tow_exchange *exchange, void *user, const void *body, size_t length), void *user);

/* Wants it as it comes, of any length: `on_piece` gets what a read has brought, in memory that is borrowed
 * until it returns, and at the end once more, with length 0 and `is_last`. It may answer before that: the
 * rest is read over. Errors: as tow_exchange_read_body. */
int tow_exchange_read_pieces(tow_exchange *exchange,
    void (*on_piece)(tow_exchange *exchange, void *user, const void *data, size_t length, bool is_last),
    void *user);

/* No more pieces until tow_exchange_resume; the client then has to wait with what it sends. The exchange had
 * better be kept: else nobody says that there is none any more to be resumed. */
void tow_exchange_pause(tow_exchange *exchange);
void tow_exchange_resume(tow_exchange *exchange);

/* -- Later: a handler that can't answer yet keeps the exchange, and answers in any callback of its worker. --
 *
 *     static void answer(tow_exchange *exchange, const tow_request *request) {
 *         tow_exchange_keep(exchange, &(tow_exchange_events){.on_gone = forget, .user = job});
 *         ask_somebody(job, exchange);
 *     }
 *     ... in some later callback, unless forget() was called ...
 *     tow_exchange_respond(exchange, 200, "application/json", text, length);
 *
 * The exchange lives until it is answered whole, or on_gone has returned. One request of a connection is with
 * a handler at a time; those that the client sent behind it are not read before the answer is out. */

/* What may happen to an exchange that was kept. Each may be NULL. */
typedef struct tow_exchange_events {
    /* no answer reaches the client any more: it has left or takes nothing, the server has drained for
     * drain_seconds, or answer_seconds are over */
    void (*on_gone)(tow_exchange *exchange, void *user);
    /* the client has ended its side: most have left then, though some wait for the answer, and for those to
     * what they have asked behind it, which can all still be given */
    void (*on_end)(tow_exchange *exchange, void *user);
    void *user; /* what they get */
    /* of an answer in pieces more than high_mark had been waiting, and now less than low_mark is */
    void (*on_drain)(tow_exchange *exchange, void *user);
    /* the server drains (tow_server_stop), or does so already: what would go on for long had better be
     * answered or ended now, as on_gone comes after drain_seconds. Once */
    void (*on_stop)(tow_exchange *exchange, void *user);
} tow_exchange_events;

/* Keeps an exchange, in on_request or in what is called for its body, or gives one that was kept other
 * events. `events`, which is copied, may be NULL. Errors: STATE (not there, or answered whole), ARGUMENT. */
int tow_exchange_keep_sized(tow_exchange *exchange, const tow_exchange_events *events, size_t events_size);
static inline int tow_exchange_keep(tow_exchange *exchange, const tow_exchange_events *events) {
    return tow_exchange_keep_sized(exchange, events, sizeof(tow_exchange_events));
}

/* The request of an exchange: what on_request got, or, later, a copy that lives as long as the exchange does.
 * NULL in an on_gone for which there is none: no memory for the copy, or reset in on_request. */
const tow_request *tow_exchange_request(const tow_exchange *exchange);

/* The loop of the worker that it belongs to, for timers and whatever else is to be waited for. */
tow_loop *tow_exchange_loop(const tow_exchange *exchange);

#ifdef __cplusplus
}
#endif

#endif
