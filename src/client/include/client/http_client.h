/* http_client: HTTP/1.1 requests to other servers, for handlers and the hub: questions to a back end, workers
 * by HTTP, webhooks.
 *
 * A client is a pool of connections on one loop, which are kept open and used again. A call is one request
 * and its response. No callback runs inside a call of a function here, and each call has exactly one on_done,
 * which is its last, unless it is freed before. Freeing is allowed at any time, in every callback too.
 *
 * A request waits while no connection may be opened for it; those that wait go in their order. A request that
 * is idempotent (RFC 9110, section 9.2.2), or that says so, is sent once more, on a new connection, when the
 * one that it went out on had been used before and ended with no byte of a response; so is one of which no
 * byte had left. Nothing else is sent twice. Redirects are not followed, no compression is asked for, and
 * there are no cookies.
 *
 * Open connections keep the loop alive, idle ones too. All is for the loop's thread. */
#ifndef TOW_CLIENT_HTTP_CLIENT_H
#define TOW_CLIENT_HTTP_CLIENT_H

#include "base/buffer.h"
#include "connect/proxy.h"
#include "http/head.h"
#include "transport/tls.h"

#include <towline/websocket.h>

typedef struct tow_http_client tow_http_client;
typedef struct tow_http_call tow_http_call;

/* Zero means the default; numbers accept TOW_OFF: no limit. What belongs together as a "host" is what a
 * connection can be shared for: scheme, host, port and Unix socket. */
typedef struct tow_http_client_options {
    int max_connections;      /* open at once, so also requests under way; default 256 */
    int max_host_connections; /* of these to one host; default 16 */
    int max_waiting;          /* requests that wait for a connection; default 1024 */
    int max_host_waiting;     /* of these for one host; default 256 */
    int connect_seconds;      /* until a host is reached and TLS is agreed on; default 10 */
    int idle_seconds;         /* that an unused connection is kept; default 30 */
    /* as in tow_websocket_options: names of PEM files */
    const char *tls_roots;
    const char *tls_revoked;
    const char *tls_certificate;
    const char *tls_key;
    bool tls_insecure;
    /* All requests go through it: to http:// in absolute-form where it speaks HTTP, as from browsers and
     * curl, else by a tunnel. Borrowed as long as the client lives; default none. */
    const tow_proxy *proxy;
    /* What is agreed on with servers, and with the proxy, ready, instead of names of files; retained */
    tow_tls_context *tls;
    tow_tls_context *proxy_tls;
} tow_http_client_options;

/* How a call ended; borrowed until on_done returns. */
typedef struct tow_http_result {
    int error;                 /* 0 with a whole response, whatever its status; else a tow_error */
    const char *text;          /* the error in one line that names the host; "" without one */
    const tow_http_head *head; /* of the response; NULL if it did not come */
    const uint8_t *body;       /* without on_body: what came of it */
    size_t body_length;
} tow_http_result;

/* Zero means the default; numbers accept TOW_OFF: no limit. All is copied. */
typedef struct tow_http_call_options {
    const char *url; /* http:// or https://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY] (user and password as
                        Basic authentication, RFC 7617) */
    const char *unix_path; /* connect to this Unix socket instead; default none */
    const char *method;    /* default GET, or POST with a body */
    /* further fields, Host among them; ends with a NULL name; not those that frame the message */
    const tow_header_field *headers;
    const void *body; /* whole; NULL: none */
    size_t body_length;
    bool may_repeat;   /* the request does no harm twice, although its method is not idempotent */
    bool never_repeat; /* it does, although its method is */
    int total_seconds; /* for everything: the wait, the connection, the response; default 60 */
    bool may_be_slow;  /* total_seconds begin anew with the head, and with each piece of the body */
    int64_t max_head;  /* bytes of the response's head, interim ones included; default 16 KiB */
    int64_t max_body;  /* bytes of its body; default 1 MiB, with on_body no limit */
    /* may be NULL; the head is borrowed */
    void (*on_head)(tow_http_call *call, const tow_http_head *head);
    /* gets the body as it comes, borrowed, instead of keeping it until the end */
    void (*on_body)(tow_http_call *call, const uint8_t *bytes, size_t length);
    void (*on_done)(tow_http_call *call, const tow_http_result *result);
    void *user;
} tow_http_call_options;

/* `options` may be NULL. Errors: ARGUMENT (a number out of range, options that contradict each other),
 * CERTIFICATE, NO_FILE, PERMISSION, MEMORY, SYSTEM. */
int tow_http_client_new(tow_http_client **client, tow_loop *loop, const tow_http_client_options *options);

/* Ends everything. Its calls get no callback any more, and are still to be freed. NULL is allowed. */
void tow_http_client_free(tow_http_client *client);

/* Makes a request. The call is the caller's until tow_http_call_free, also behind on_done. Errors: URL,
 * ARGUMENT (no on_done, a method that is none, a field that is not valid or not the caller's to set), LIMIT
 * (too many wait), CERTIFICATE (the system's roots can't be read), MEMORY, SYSTEM. What goes wrong later
 * comes to on_done: the errors of connecting and of TLS, PROXY, TIMED_OUT, ENDED and RESET (before the
 * response was whole), HTTP_SYNTAX, HTTP_TOO_LARGE, MEMORY. */
int tow_http_call_start(tow_http_call **call, tow_http_client *client, const tow_http_call_options *options);

/* Frees it, and gives it up if it is under way: no callback comes any more. NULL is allowed. */
void tow_http_call_free(tow_http_call *call);

void *tow_http_call_user(const tow_http_call *call);

/* The request as it was sent, and the response's head as it came, with the empty line behind each: inside
 * on_done. Before that the request alone, else they are empty. */
tow_slice tow_http_call_request(const tow_http_call *call);
tow_slice tow_http_call_response(const tow_http_call *call);

/* Inside on_done, without on_body: the body is the caller's, and not the call's any more. */
void tow_http_call_take_body(tow_http_call *call, tow_buffer *body);

/* Inside on_head: the address that has answered, as tow_websocket_peer tells it. Errors: STATE, ARGUMENT (too
 * little room), SYSTEM. */
int tow_http_call_peer(const tow_http_call *call, char *text, size_t size);

/* What is there now, and what has happened; tests look at it. */
typedef struct tow_http_client_counters {
    size_t connections; /* open, or being opened */
    size_t idle;        /* of these */
    size_t waiting;     /* calls without a connection */
    size_t hosts;       /* that any of these belong to */
    uint64_t opened;    /* connections */
    uint64_t reused;    /* calls on connections that had served one before */
    uint64_t repeated;  /* calls that were sent a second time */
} tow_http_client_counters;
tow_http_client_counters tow_http_client_count(const tow_http_client *client);

#endif
