/* exchange_raw: what a handler says to a client, and hears from it, past the answer to an opening handshake
 * that it has kept in on_admit: bytes as they are, header lines as they are, the end without an answer. For
 * handlers of a kind that was written for a bare connection. */
#ifndef TOW_SERVER_EXCHANGE_RAW_H
#define TOW_SERVER_EXCHANGE_RAW_H

#include <towline/http.h>

/* All of them: STATE (not in on_admit and not kept, or decided on already), CLOSED (the client has left:
 * on_gone follows), MEMORY. */

/* Sends bytes ahead of the answer. What the client does not take waits, without a limit:
 * tow_exchange_buffered_amount tells how much, and on_drain comes when less than low_mark waits, where
 * more than high_mark had. */
int tow_exchange_write_bytes(tow_exchange *exchange, const void *bytes, size_t length);

/* Wants the next `count` bytes behind the request's head, which are no frames then: `on_bytes` gets them, in
 * parts as they come. When the client ends before that, or takes too long (message_seconds), on_gone comes.
 */
int tow_exchange_read_bytes(tow_exchange *exchange, size_t count,
    void (*on_bytes)(tow_exchange *exchange, void *user, const void *bytes, size_t length), void *user);

/* Header lines of the answer, each with its CRLF, as they are. */
int tow_exchange_add_lines(tow_exchange *exchange, const char *lines, size_t length);

/* The answer agrees on no extension. */
int tow_exchange_decline_compression(tow_exchange *exchange);

/* Ends the connection behind what was sent, without an answer: the exchange is over then. */
int tow_exchange_hang_up(tow_exchange *exchange);

/* The address that the client has reached, as tow_request_peer. Errors: SYSTEM, ARGUMENT (too little room).
 */
int tow_exchange_local(const tow_exchange *exchange, char *text, size_t size);

#endif
