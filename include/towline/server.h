/* towline/server.h: a WebSocket and HTTP server.
 *
 *     tow_server *server;
 *     if (tow_server_new(&server, &(tow_server_options){ .listen = "localhost:9998" }) != 0) return 1;
 *     tow_server_route(server, "/echo", &(tow_handler){ .on_message = echo });
 *     return tow_server_run(server) != 0;
 *
 * A server is made on one thread before tow_server_run; routes may be added, replaced and removed at any
 * time, from any thread. Callbacks run on the worker that owns the connection. The library makes no thread
 * unless `workers` asks for more than one (but see no_name_thread in towline/loop.h).
 *
 * A signal handler may call tow_server_stop, and nothing else of this header. For fork(2) holds what
 * towline/loop.h says of loops, from tow_server_listen on.
 */
#ifndef TOWLINE_SERVER_H
#define TOWLINE_SERVER_H

#include <towline/http.h>
#include <towline/log.h>
#include <towline/shared.h>
#include <towline/websocket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_server tow_server;

/* What a path serves. Callbacks left NULL do nothing; it takes opening handshakes if it has on_open,
 * on_message or on_piece. */
typedef struct tow_handler {
    void *user;                   /* what tow_websocket_user answers at first, and tow_request_user */
    const char *const *protocols; /* known subprotocols in order of preference, ends with NULL */
    /* chooses the subprotocol: an index into `offered`, or -1 for none; without it the first of `protocols`
     * that was offered is taken */
    int (*on_select)(const tow_request *request, const char *const *offered, size_t count);
    tow_on_open on_open; /* tow_websocket_request answers the request until it returns; or see keep_request */
    tow_on_message on_message;
    tow_on_piece on_piece; /* instead of on_message (not both): messages come in pieces */
    tow_on_error on_error;
    tow_on_close on_close;
    tow_on_drain on_drain;
    tow_on_ping on_ping;
    tow_on_ping on_pong;
    /* answers plain HTTP requests, and opening handshakes when there is no `on_message`, `on_piece` and
     * `on_open`; without it they get 426 or 404 */
    void (*on_request)(tow_exchange *exchange, const tow_request *request);
    bool any_origin; /* accept any Origin on this route */
    /* instead of the server's, as they are written there: an empty list allows the same origin only. Judged
     * are opening handshakes, and of other requests those that may change something: whose method is not GET,
     * HEAD or OPTIONS (RFC 9110, section 9.2.1) */
    const char *const *allow_origins;
    const char *const *hosts; /* instead of the server's, as they are written there */
    /* of this route; zero means what the server has */
    tow_limits limits;
    /* decides on a request that nothing else stands against, an opening handshake or one for on_request: lets
     * it in by tow_exchange_accept, or answers it, which refuses it (tow_exchange_reject, or
     * tow_exchange_respond with fields and a body), at once or later (tow_exchange_keep). With none of these
     * the answer is 500 */
    void (*on_admit)(tow_exchange *exchange, const tow_request *request);
    /* comes once, when the route was replaced or removed and nothing uses it any more, or when its server is
     * freed: `user` is not used again. Connections and requests keep the route that they began with; a
     * connection of HTTP has the one of its last request until the next comes, and a socket that is retained
     * the one that it had. Runs on whichever thread was the last to use it */
    void (*on_free)(void *user);
    /* for the answer to a request that on_request or on_admit keeps, or whose body it has paused; anew when
     * the client has sent (more of) a body that was wanted; default none; more: 503 */
    int answer_seconds;
    /* tow_websocket_request answers a copy of the request until on_close returns, which takes memory for each
     * connection; else in on_open only. Without memory for it there is none */
    bool keep_request;
    void *free_user; /* what on_free gets instead of `user`: for who routes a handler that somebody else has
                        made */
    /* go with each answer of this route, the 101 and refusals too; ends with a NULL name. They take the place
     * of those that tow_exchange_field adds by the same names, but for Set-Cookie */
    const tow_header_field *fields;
    uint16_t drain_code; /* of the Close that its sockets get from tow_server_stop; default 1001 */
    /* sockets are over WebSocket itself only, as what is sent is bytes, or each side ends for itself: no
     * other carrier (Engine.IO) takes them across */
    bool websocket_only;
} tow_handler;

/* A certificate and its key, each in a PEM file or in a PEM text. */
typedef struct tow_certificate {
    const char *certificate;     /* a file: the certificate, and those between it and the root */
    const char *key;             /* a file: its key; default: where the certificate stands */
    const char *certificate_pem; /* a text, instead of `certificate` */
    const char *key_pem;         /* a text, instead of `key` */
} tow_certificate;

/* Zero means the default, TOW_OFF none. Copied by tow_server_new. */
typedef struct tow_server_options {
    const char *listen; /* "[HOST:]PORT" or "unix:PATH"; default localhost:9998. A bare PORT is localhost, on
                           127.0.0.1 and ::1; "*:PORT" is every address, "0.0.0.0:PORT" and "[::]:PORT" those
                           of IPv4 and of IPv6; port 0 any that is free: tow_server_port. Sockets that listen
                           already: "fd:N" is descriptor N, "systemd" those that the service manager handed
                           over, "systemd:NAME" those of this name. "off": none, for tow_server_adopt */
    const char *const *listens; /* more than one; ends with NULL */
    tow_loop *loop;             /* the first worker serves on this loop, which stays the caller's */
    int workers; /* default 1: no thread is made. More: a thread for each further one, in tow_server_run */
    /* the kind of loop that each worker makes for itself; default TOW_IO_AUTO */
    tow_io io;
    /* besides the same origin: "https://example.org", "https://" and an asterisk in front of ".example.org"
     * for all below, "null"; "*" any; ends with NULL */
    const char *const *allow_origins;
    /* names that Host may have, or a trusted proxy say; ends with NULL; "*" any; default: where all listening
     * is on this machine its own (localhost, those below it, addresses), else any */
    const char *const *hosts;
    int handshake_seconds;   /* for a request's head; default 10; more: 408 */
    int64_t handshake_bytes; /* of a request's head; default 16 KiB; more: 431 */
    int64_t max_connections; /* default: descriptors (RLIMIT_NOFILE) less a reserve; more: 503. Above
                                what descriptors allow, which the log says, who connects waits */
    int64_t max_connections_per_address; /* default none; more: 503 */
    int64_t max_unfinished; /* bytes of messages that have not ended, and of bodies that are read whole, of
                               all connections of a worker; default 256 MiB, or 16 messages if that is more;
                               more: 1013, for bodies 503 */
    int64_t max_unfinished_per_address; /* of those of one address; default a quarter of it; more: 1008, for
                                           bodies 503 */
    int64_t max_posted;                 /* bytes that other threads posted to a worker and that have not
                                           arrived; default 64 MiB; more: QUEUE_FULL */
    int drain_seconds;                  /* for the peers' Closes after tow_server_stop; default 5 */
    /* of all routes that have none of their own */
    tow_limits limits;
    const char *status; /* "[HOST:]PORT" or "unix:PATH" for counters and health; default none */
    const char *const
        *trusted_proxies; /* ADDRESS[/BITS] or "unix", of proxies whose Forwarded, X-Forwarded-For,
                             -Proto and -Host are believed; ends with NULL; default none */
    bool proxy_protocol;  /* trusted proxies begin each connection with a PROXY header, version 1 or 2 */
    const char *tls_certificate; /* a PEM file: TLS on every port (not on Unix sockets and `status`) by this
                                    certificate, and those between it and the root; default none */
    const char *tls_key;         /* its key, a PEM file; default the certificate's file */
    const char
        *tls_client_ca; /* authorities, roots or not, a PEM file: clients need a certificate of theirs */
    const char *tls_client_crl; /* lists of what these authorities have revoked (CRL), a PEM file: one of
                                   each that signs clients; default none */
    bool tls_self_signed;       /* instead: a certificate for localhost that is made for this run */
    bool tls_redirect;          /* plain HTTP on the same ports is sent to https:// */
    /* `level` is TOW_LOG_ERROR to TOW_LOG_DEBUG. Runs on the thread of each worker, on several at once if
     * there is more than one, and on those that call tow_server_new, _route, _listen, _run, _reload and
     * _set_certificates; never in tow_server_stop */
    void (*on_log)(void *user, int level, const char *line);
    void (*on_log_entry)(void *user, const tow_log_entry *entry); /* instead of on_log: with fields */
    void *log_user;                                               /* what they get */
    /* lines above this level are not made; default TOW_LOG_INFO, which has a line for each request and for
     * the end of each WebSocket connection: below it, nothing is counted for these */
    int log_level;
    const char *tls_certificate_pem; /* a text in PEM, instead of the file tls_certificate */
    const char *tls_key_pem;         /* a text, instead of tls_key */
    const char *tls_client_ca_pem;   /* a text, instead of tls_client_ca */
    const char *tls_client_crl_pem;  /* a text, instead of tls_client_crl */
    /* further certificates, of which each client is shown the one that has the name it asks for (RFC 6066,
     * section 3), in full, or else with "*." for the first label; there may be one for each kind of key. Who
     * asks for none of the names is shown the first of all, which is tls_certificate if that is set */
    const tow_certificate *tls_certificates;
    size_t tls_certificate_count; /* how many tls_certificates are */
} tow_server_options;

/* Makes a server; nothing listens yet. `options` may be NULL. Errors: ARGUMENT (a number out of its range; an
 * origin, host or proxy that is none; options that contradict each other: TLS is not taken for granted
 * because something of it is set, so tls_key, tls_client_ca and tls_redirect need a certificate), ADDRESS
 * (listen, listens, status), MEMORY; CERTIFICATE, NO_FILE, PERMISSION and SYSTEM for the files of TLS. The
 * log has a line that names the option. */
int tow_server_new_sized(tow_server **server, const tow_server_options *options, size_t options_size);
static inline int tow_server_new(tow_server **server, const tow_server_options *options) {
    return tow_server_new_sized(server, options, sizeof(tow_server_options));
}

/* Frees a server that does not run (any more); what is open is reset. In this call on_close comes for each
 * socket that has had none (1006 where the peer sent no Close), and after it no callback of the server runs;
 * a byte stream that was made of a socket hears of it, too, and has its on_closed when the loop is freed at
 * the latest. A loop of the caller's may be stepped on: what is on the way to the server then (routes, posts,
 * adopted connections) goes unused. NULL is allowed. */
void tow_server_free(tow_server *server);

/* Serves `path` by `handler`, which is copied: an exact path, or "/prefix/" followed by an asterisk for all
 * below. An exact path wins over a prefix, a longer prefix over a shorter; the same path again replaces. Any
 * thread, at any time, in callbacks too: a request that a worker begins to read after this call gets the new
 * route, and what is open stays with the one that it began with (see on_free). If it fails, everything is as
 * before, and on_free does not come. Errors: ARGUMENT (not a path, limits that make no sense, a subprotocol
 * that is no token or stands twice, an origin or a host that is none, options that contradict each other; the
 * log has a line that says which), MEMORY. */
int tow_server_route_sized(
    tow_server *server, const char *path, const tow_handler *handler, size_t handler_size);
static inline int tow_server_route(tow_server *server, const char *path, const tow_handler *handler) {
    return tow_server_route_sized(server, path, handler, sizeof(tow_handler));
}

/* Takes the route of exactly this path away, "/prefix/" with its asterisk as it was given. Any thread, at any
 * time: requests that come from now on do not find it, and what is open stays. Errors: ARGUMENT (there is
 * none), MEMORY. */
int tow_server_unroute(tow_server *server, const char *path);

/* -- Admission: who may come in. on_admit decides, at once or when it knows. --
 *
 *     static void admit(tow_exchange *exchange, const tow_request *request) {
 *         struct user *user = find_user(tow_request_header(request, "Cookie"));
 *         if (user != NULL) {
 *             tow_exchange_accept(exchange, &(tow_acceptance){.user = user});
 *             return;
 *         }
 *         tow_exchange_field(exchange, "WWW-Authenticate", "Bearer");
 *         tow_exchange_reject(exchange, 401, "who are you?");
 *     }
 *
 * For the thread of the connection's worker. */

/* How a request is let in; zero means the default. */
typedef struct tow_acceptance {
    const char *protocol; /* the subprotocol, one of those that the client offers, or "" for none; default as
                             on_select or `protocols` choose */
    void *user; /* what tow_websocket_user answers from on_open on, or tow_request_user in on_request; default
                   the handler's */
} tow_acceptance;

/* Lets in a request that on_admit has got; `acceptance`, which may be NULL, is copied. The fields that were
 * added (tow_exchange_field) go with the answer. If the exchange was kept, on_open or on_request comes in one
 * of the next rounds, or else on_gone: the client may leave, and a drain begin, before that. The exchange of
 * an opening handshake is not to be used from on_select or on_open on; that of a request is on_request's, and
 * the events that on_admit gave it come no more. What a client has sent behind the handshake comes after
 * on_open. Errors: STATE (not in on_admit and not kept, or decided on already), CLOSED (the client has left:
 * on_gone follows), ARGUMENT (a subprotocol that was not offered). */
int tow_exchange_accept_sized(
    tow_exchange *exchange, const tow_acceptance *acceptance, size_t acceptance_size);
static inline int tow_exchange_accept(tow_exchange *exchange, const tow_acceptance *acceptance) {
    return tow_exchange_accept_sized(exchange, acceptance, sizeof(tow_acceptance));
}

/* Answers any request with a status from 400 to 599 and a line of text, which the log has as well; NULL:
 * "refused". Of more than 1,000 bytes the end is left out, and the log says so. The connection ends then.
 * Errors: as tow_exchange_respond; MEMORY breaks the exchange off, and on_gone follows if it was kept. */
int tow_exchange_reject(tow_exchange *exchange, int status, const char *text);

/* Opens the listeners. On a loop of the caller's the server is served from now on, by whoever steps that
 * loop.
 *
 * A socket that listens already ("fd:N", "systemd") stays the caller's, who may close it when this call has
 * returned: all workers accept from it, by copies. It must be a TCP or Unix socket, and is marked to be
 * closed by exec. LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES (sd_listen_fds(3)) are read here and stay in the
 * environment. Connections that come after the drain has begun wait for whoever listens on it next.
 *
 * Errors: STATE (twice), ADDRESS_IN_USE, ADDRESS (none of this machine, or no socket that listens),
 * PERMISSION, NO_FILE (the folder of a Unix socket), DESCRIPTORS, SYSTEM, MEMORY, UNSUPPORTED. The log has a
 * line that says which address it was. */
int tow_server_listen(tow_server *server);

/* Serves a connection that somebody else has accepted, from a listener of theirs, from inetd, or sent over a
 * Unix socket: as if it had come to a port of the server, with its limits, TLS (not on Unix sockets) and
 * PROXY header. `fd` is a connected TCP or Unix socket of which nothing has been read; from now on it is the
 * server's. It begins in one of the next rounds of the worker that has least to do. Any thread, from
 * tow_server_listen on. Errors: ARGUMENT (no such socket, or its peer is gone), STATE (the server does not
 * listen yet, or drains), SYSTEM, MEMORY, UNSUPPORTED; the descriptor is then still the caller's. */
int tow_server_adopt(tow_server *server, int fd);

/* Listens if that was not done yet, and serves until tow_server_stop has drained everything. Runs the loop of
 * the first worker (the caller's, if it is one) on the calling thread. Returns 0 or a negative tow_error,
 * for which main should return 1. Errors: STATE (it ran before), those of tow_server_listen. */
int tow_server_run(tow_server *server);

/* Reads the files of certificates, keys and authorities again, for the connections that come from now on;
 * nobody is disconnected. Any thread. Does nothing without TLS. Errors: as the files in tow_server_new;
 * everything stays as it was then, also what is good of it. */
int tow_server_reload(tow_server *server);

/* Takes these certificates instead of all that it has, or of the one that was made for it, for the
 * connections that come from now on; nobody is disconnected. The first is for who asks for none of the
 * others' names; what is asked of clients stays. `certificates`, of which there is at least one, is copied;
 * tow_server_reload reads those again that are files. Any thread. Errors: STATE (the server is without TLS),
 * ARGUMENT, and as the files in tow_server_new; everything stays as it was then. */
int tow_server_set_certificates(tow_server *server, const tow_certificate *certificates, size_t count);

/* Starts the drain: no more accepting, 1001 to every connection, reset after drain_seconds. Any thread, and
 * in a signal handler, on whatever thread that runs: it takes no lock and no memory, and leaves errno alone.
 * With a loop of the caller's and without tow_server_run, the server may be freed when tow_server_is_done. */
void tow_server_stop(tow_server *server);

/* Whether the drain has ended: nothing of the server is on the caller's loop any more. */
bool tow_server_is_done(const tow_server *server);

/* The port of listener `index` (from 0, in the order of the options), after tow_server_listen; 0 for a Unix
 * socket, and where there is no such listener. */
int tow_server_port(const tow_server *server, size_t index);

/* -- From other threads: a socket is for the thread of its loop, but its name may go anywhere. --
 *
 *     static void greet(tow_websocket *socket) { remember(tow_websocket_identify(socket)); }
 *     ... on any thread ...
 *     tow_post_message(server, id, &(tow_message){.type = TOW_TEXT, .data = text, .length = length});
 *     tow_post_shared_many(server, ids, count, tick);
 *
 * What one thread posts to one socket arrives in that order, in one of the next rounds of the socket's loop,
 * and is then treated as tow_websocket_send or tow_websocket_close treat it: whoever posts does not hear of
 * it. Nothing happens, but for a count in `status`, when the connection is gone by then. A message that meets
 * one which is being sent in pieces waits for its end, and counts in max_queue meanwhile; a Close does not
 * wait. More than max_posted on the way to a worker answers QUEUE_FULL. The server must not be freed
 * meanwhile; one that has stopped, or drains, answers STATE. */

/* A connection of one server: never 0, and not used again for another one. */
typedef uint64_t tow_websocket_id;

/* The id of a server's socket, from on_open on; 0 for a client's. For the thread of the socket's loop. */
tow_websocket_id tow_websocket_identify(const tow_websocket *socket);

/* Sends a copy of the message. Any thread. Errors: ARGUMENT (no id of this server, neither text nor binary),
 * UTF8, STATE (the server does not serve), QUEUE_FULL (more than max_posted is on the way), MEMORY. */
int tow_post_message(tow_server *server, tow_websocket_id id, const tow_message *message);

/* Sends a shared message, of which the caller keeps its reference. Any thread. Errors: ARGUMENT (no id,
 * NULL), STATE, QUEUE_FULL, MEMORY. */
int tow_post_shared(tow_server *server, tow_websocket_id id, tow_shared *shared);

/* The same to many connections, for not much more than it costs the server's own thread: each worker is woken
 * once for all that are its own. `ids` is copied. Any thread. Errors:
 * ARGUMENT (one of them is no id), QUEUE_FULL (for one of the workers), MEMORY: nobody gets it then. STATE:
 * nobody gets it, or only a part if the drain has just begun. */
int tow_post_shared_many(tow_server *server, const tow_websocket_id *ids, size_t count, tow_shared *shared);

/* Starts the closing handshake. Any thread. Errors: ARGUMENT (no id, or as tow_websocket_close for servers),
 * STATE, QUEUE_FULL, MEMORY. */
int tow_post_close(tow_server *server, tow_websocket_id id, uint16_t code, const char *reason);

/* Bytes that were posted and have not arrived, of all workers together. Any thread. */
int64_t tow_server_posted_amount(const tow_server *server);

/* The request that opened a server's socket: in on_open, and with the handler's keep_request until on_close
 * returns; else NULL. */
const tow_request *tow_websocket_request(const tow_websocket *socket);

#ifdef __cplusplus
}
#endif

#endif
