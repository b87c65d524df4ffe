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

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_request tow_request;   /* a request's head, borrowed by the callback that gets it */
typedef struct tow_exchange tow_exchange; /* one HTTP request and its answer */

/* Parts of a request. Texts end with a zero and live as long as the request is lent. */
const char *tow_request_method(const tow_request *request);
const char *tow_request_target(const tow_request *request); /* path and query as sent */
const char *tow_request_path(const tow_request *request);   /* without the query, as sent */
const char *tow_request_query(const tow_request *request);  /* "" if none */
const char *tow_request_header(
    const tow_request *request, const char *name); /* first of that name, or NULL */
/* "127.0.0.1:50001", "unix"; the client's address if a trusted proxy names it, without a port if it says none
 */
const char *tow_request_peer(const tow_request *request);
void *tow_request_user(const tow_request *request); /* the handler's user */

/* Answers a request whole, once, in on_request, or later if the exchange was kept. `status` is 200 to 999;
 * `type`, which may be NULL, is the Content-Type. `body` is copied. Errors: STATE (answered already, or not
 * in on_request and not kept), CLOSED (the client has left: on_gone follows), ARGUMENT, MEMORY. */
int tow_exchange_respond(
    tow_exchange *exchange, int status, const char *type, const void *body, size_t length);

/* -- Later. A handler that can't answer yet keeps the exchange, and answers from any callback of its worker.
 * --
 *
 *     static void answer(tow_exchange *exchange, const tow_request *request) {
 *         tow_exchange_keep(exchange, &(tow_exchange_events){.on_gone = forget, .user = job});
 *         ask_somebody(job, exchange);
 *     }
 *     ... in some later callback, unless forget() was called ...
 *     tow_exchange_respond(exchange, 200, "application/json", text, length);
 *
 * The exchange lives until it is answered, or on_gone has returned. One request of a connection is with a
 * handler at a time; those that the client sent behind it are not read before the answer is out. */

/* What may happen to an exchange that was kept. Each may be NULL. */
typedef struct tow_exchange_events {
    /* the client has left, the server drains and has waited for drain_seconds, or answer_seconds are over:
     * there is no answer any more */
    void (*on_gone)(tow_exchange *exchange, void *user);
    /* the client has ended its side, and asks nothing more: most have left then, though some wait for the
     * answer, which can still be given */
    void (*on_end)(tow_exchange *exchange, void *user);
    void *user; /* what they get */
} tow_exchange_events;

/* Keeps an exchange that is not answered yet, in on_request or in what is called for its body. `events`,
 * which is copied, may be NULL. Errors: STATE (not there, or answered already), ARGUMENT. */
int tow_exchange_keep_sized(tow_exchange *exchange, const tow_exchange_events *events, size_t events_size);
static inline int tow_exchange_keep(tow_exchange *exchange, const tow_exchange_events *events) {
    return tow_exchange_keep_sized(exchange, events, sizeof(tow_exchange_events));
}

/* The request of an exchange: what on_request got, or, later, a copy that lives as long as the exchange does.
 */
const tow_request *tow_exchange_request(const tow_exchange *exchange);

#ifdef __cplusplus
}
#endif

#endif
