/* http1: HTTP/1.1 on one connection: requests in, answers out, in order; ends, or becomes a WebSocket. */
#ifndef TOW_SERVER_HTTP1_H
#define TOW_SERVER_HTTP1_H

#include "http1_state.h"

/* On the connection's stream, whose events are passed on to the functions below. Errors: MEMORY. */
int tow_http1_new(tow_http1 **http1, tow_connection *connection);

/* The stream is closed, or a WebSocket's: in the latter case it has freed itself already. */
void tow_http1_free(tow_http1 *http1);

/* on_bytes. As with those that follow, the connection may be a WebSocket afterwards. */
void tow_http1_receive(tow_http1 *http1, uint8_t *bytes, size_t length);

/* on_unsent: what was not taken. */
void tow_http1_take_back(tow_http1 *http1, const uint8_t *rest, size_t length);

/* on_writable, on_turn, on_fin, on_end, on_error. */
void tow_http1_fin(tow_http1 *http1);
void tow_http1_writable(tow_http1 *http1);
void tow_http1_take_turn(tow_http1 *http1);
void tow_http1_end(tow_http1 *http1);
void tow_http1_fail(tow_http1 *http1);

/* Over the limit of this option: answers 503 without waiting for a request. */
void tow_http1_refuse_all(tow_http1 *http1, const char *option);

/* Ends it when no request is under way; the one under way is the last. */
void tow_http1_drain(tow_http1 *http1);

/* It was reset, and its stream is not waited for: a handler that has kept the request is told now. */
void tow_http1_tell_gone(tow_http1 *http1);

/* The drain has waited long enough: resets it, which is counted and logged. */
void tow_http1_end_late(tow_http1 *http1);

#endif
