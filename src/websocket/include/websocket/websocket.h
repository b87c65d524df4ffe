/* websocket: what the server and client floors need of tow_websocket beyond towline/websocket.h.
 *
 * The struct is embedded by value in the server's connection and in the client's object. This floor owns ready state, events, send
 * queue, closing handshake, and the timers of an open connection; the opening handshake is done by the floors above, which own
 * stream->events until tow_websocket_start. */
#ifndef TOW_WEBSOCKET_WEBSOCKET_H
#define TOW_WEBSOCKET_WEBSOCKET_H

#include "protocol/compression.h"
#include "protocol/receiver.h"
#include "transport/stream.h"
#include "transport/timer.h"

#include <towline/server.h>
#include <towline/websocket.h>

/* Things that happened, counted per worker; --status adds the workers up. */
typedef struct tow_websocket_counters {
    uint64_t opened, closed, messages_in, messages_out, bytes_in, bytes_out; /* bytes of payload as on the application's side */
    uint64_t protocol_errors, invalid_text, too_large, message_timeouts, queue_overflows, stalls, idle_timeouts, close_timeouts,
        pings_sent, pongs_received, memory_failures;
} tow_websocket_counters;

/* What all connections of one route (or one client) share. Not copied: outlives the connections. */
typedef struct tow_behaviour {
    tow_role role;
    tow_on_open on_open;
    tow_on_message on_message;
    tow_on_error on_error;
    tow_on_close on_close;
    tow_on_drain on_drain;
    tow_on_ping on_ping;
    tow_on_ping on_pong;
    tow_limits limits; /* resolved: no zero is left, TOW_OFF is kept */
    const char *url;   /* "" for servers */
    /* After on_close, when the stream is closed and nothing of the socket is used any more: its memory may go. */
    void (*on_gone)(tow_websocket *socket);
} tow_behaviour;

/* What connections on one loop share: compressors without takeover, counters. One per loop and floor above. */
typedef struct tow_websocket_context tow_websocket_context;
int tow_websocket_context_new(tow_websocket_context **context, tow_loop *loop);
void tow_websocket_context_free(tow_websocket_context *context);
tow_websocket_counters *tow_websocket_context_counters(tow_websocket_context *context);

struct tow_websocket { /* zeroed, then filled by tow_websocket_start */
    tow_stream stream; /* first: a stream's owner is found by a cast */
    tow_timer timer;
    tow_receiver receiver;
    const tow_behaviour *behaviour;
    tow_websocket_context *context;
    void *user;
    struct tow_websocket_extra *extra; /* what only some connections need: queue, partial message, compressors, texts */
    uint32_t heard;                    /* when something was received last, in seconds of the loop's time */
    uint8_t ready_state;
    uint8_t flags;
    uint16_t spare;
};

/* The opening handshake is done (for a server: its response was corked). `socket->stream` is adopted or connected,
 * `protocol` (copied; length 0: none) and `agreement` were negotiated. Takes the stream's events over, runs on_open, then
 * treats `rest`, bytes that came behind the handshake (may be changed). Errors: MEMORY; the caller then resets the stream. */
int tow_websocket_start(tow_websocket *socket, tow_websocket_context *context, const tow_behaviour *behaviour, tow_slice protocol,
    const tow_compression_agreement *agreement, uint8_t *rest, size_t rest_length);

/* Fails the connection as RFC 6455, section 7.1.7 says: Close with any legal code, then the end after close-seconds for errors. */
void tow_websocket_fail(tow_websocket *socket, uint16_t code, const char *reason, int error);

/* Ends it with RST now: on_close (1006), then on_gone. */
void tow_websocket_abort(tow_websocket *socket, int error);

#endif
