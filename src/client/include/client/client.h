/* client: what the program needs of a client's socket beyond towline/websocket.h: to watch the opening
 * handshake.
 *
 * Each call takes a socket of tow_websocket_open. */
#ifndef TOW_CLIENT_CLIENT_H
#define TOW_CLIENT_CLIENT_H

#include "transport/tls.h"
#include "websocket/websocket.h"

#include <towline/blocking.h>
#include <towline/reconnector.h>

/* A head as it went over the wire, with the empty line at its end; borrowed until the callback returns.
 * `sent`: our request, else the server's response (each one, if it sends interim ones). */
typedef void (*tow_client_on_head)(tow_websocket *socket, bool sent, const char *head, size_t length);

/* Call it right after tow_websocket_open: the handshake begins in the loop's next round. */
void tow_client_set_trace(tow_websocket *socket, tow_client_on_head on_head);

/* The same as a trace for each socket that a reconnector opens. */
void tow_client_trace_all(tow_reconnector *reconnector, tow_client_on_head on_head);

/* Its next connections are to this URL, which is copied. Errors: MEMORY. */
int tow_client_set_url(tow_reconnector *reconnector, const char *url);

/* tow_blocking_open on this loop, which is the client's from now on, also when the call fails. */
int tow_blocking_open_on(tow_blocking **blocking, tow_loop *loop, const char *url,
    const tow_websocket_options *options, int timeout_milliseconds);

/* Ends our side: sends a Close (1000), and goes on receiving until the peer's Close comes, however long that
 * takes (RFC 6455, section 5.5.1); tow_websocket_close makes an end of that. Of a socket that is not open
 * nothing. */
void tow_client_shutdown(tow_websocket *socket);

/* Whether an open socket goes by Engine.IO (tow_websocket_options.fallback), and why its opening handshake
 * had failed; "": that was known from another one. */
bool tow_client_fell_back(const tow_websocket *socket);
const char *tow_client_fell_back_from(const tow_websocket *socket);

/* In on_error: whether the opening handshake has failed as something between makes it fail. */
bool tow_client_polling_may_help(const tow_websocket *socket);

/* What TLS agreed on with the server, or with the proxy: inside the trace of the request, and while the
 * socket is open. Errors: STATE (no TLS is spoken with it). */
int tow_client_tls_details(const tow_websocket *socket, bool proxy, tow_tls_details *details);

/* Reads the files of TLS as tow_websocket_open will for wss://; where that fails, `why` says what is wrong.
 * Errors: as there. */
int tow_client_check_trust(tow_loop *loop, const tow_websocket_options *options, char why[TOW_TLS_TEXT_MAX]);

#endif
