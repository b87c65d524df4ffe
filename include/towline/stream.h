/* towline/stream.h: ordered bytes to and from a peer, over TCP, a Unix socket or a WebSocket connection.
 *
 * A protocol that is written for byte streams runs over all of them unchanged:
 *
 *     static const tow_byte_stream_options service = {.on_bytes = answer, .on_end = leave};
 *     ...
 *     tow_byte_listener_new(&listener, loop, "localhost:7000", start, &service); TCP, as a server
 *     tow_byte_stream_connect(&stream, loop, "example.org:7000", &service);      TCP, as a client
 *     tow_byte_stream_from_websocket(&stream, socket, &service);                 in on_open
 *
 * A stream belongs to the thread of its loop. It lives until on_closed, which comes once, after
 * tow_byte_stream_close or tow_byte_stream_reset: each stream needs one of them, also when it has failed.
 * No callback runs inside a call on the same stream; calls are allowed inside callbacks. */
#ifndef TOWLINE_STREAM_H
#define TOWLINE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <towline/loop.h>
#include <towline/websocket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_byte_stream tow_byte_stream;
typedef struct tow_byte_listener tow_byte_listener;

/* What a stream tells, and how it is to be. Zero means the default, TOW_OFF none. Copied by the calls that
 * take it. Callbacks left NULL do nothing. */
typedef struct tow_byte_stream_options {
    void *user; /* what tow_byte_stream_user answers at first */
    /* Bytes came. They may be changed, and are borrowed until the callback returns. Some may still come after
     * tow_byte_stream_pause: what had been read before. */
    void (*on_bytes)(tow_byte_stream *stream, void *bytes, size_t length);
    /* A stream whose last write was not taken whole takes bytes again; also: a connect succeeded. */
    void (*on_writable)(tow_byte_stream *stream);
    /* The peer has ended its side: no more bytes come. Writing is still possible. */
    void (*on_end)(tow_byte_stream *stream);
    /* The stream failed, at most once: only closing it is left. `error` is a tow_error, `text` one line,
     * borrowed until the callback returns. */
    void (*on_error)(tow_byte_stream *stream, int error, const char *text);
    /* The last callback. The stream is gone when it returns. */
    void (*on_closed)(tow_byte_stream *stream);

    int connect_seconds; /* tow_byte_stream_connect: until it succeeds; default 30 */

    /* tow_byte_stream_from_websocket: */
    bool text;  /* send text messages, cut between characters, instead of binary ones. What is not UTF-8 fails
                   the connection with 1007 */
    bool lines; /* each line that is written, without its line feed, is a text message, whatever its length,
                   and each message that comes has a line feed behind it */
    int half_close_seconds; /* after one side has ended, of silence of the other; then the stream fails with
                               TIMED_OUT; default 60 */
} tow_byte_stream_options;

/* Bytes to write. */
typedef struct tow_bytes {
    const void *data;
    size_t length;
} tow_bytes;

/* Writes the pieces in order without waiting, and returns how many bytes were taken; they have been copied or
 * are finished with. Fewer than all (0, perhaps): write the rest from on_writable, which follows. Errors:
 * CLOSED (after shutdown or close), MEMORY (nothing was taken: try later, or close), UTF8 (text mode), or why
 * the stream has failed, which on_error tells as well, later. */
int64_t tow_byte_stream_write(tow_byte_stream *stream, const tow_bytes *pieces, size_t count);

/* Stops and restarts reading. */
void tow_byte_stream_pause(tow_byte_stream *stream);
void tow_byte_stream_resume(tow_byte_stream *stream);

/* Ends our side; reading goes on. Over a WebSocket this sends a Close with 1000, and messages are still
 * received until the peer's Close comes, which is on_end; a peer's orderly Close is told as on_end, and
 * answered when our side ends too (RFC 6455, section 5.5.1). Peers that answer a Close at once, as browsers
 * do, end both sides by that. */
void tow_byte_stream_shutdown(tow_byte_stream *stream);

/* Ends both sides; on_closed follows. What was written still goes out; what the peer sends is not heard any
 * more. An orderly end is shutdown, then close after on_end. A second call does nothing. */
void tow_byte_stream_close(tow_byte_stream *stream);

/* The same, so that the peer sees that this is not an orderly end: by RST, or a Close with 1011. */
void tow_byte_stream_reset(tow_byte_stream *stream);

/* A pointer for the application. */
void *tow_byte_stream_user(const tow_byte_stream *stream);
void tow_byte_stream_set_user(tow_byte_stream *stream, void *user);

/* The loop that the stream lives on. */
tow_loop *tow_byte_stream_loop(const tow_byte_stream *stream);

/* The address at the other end of the connection, "127.0.0.1:50001" or "unix", as a text of at most `size`
 * bytes with its zero. Errors: STATE (not connected), ARGUMENT (too little room), SYSTEM, UNSUPPORTED. */
int tow_byte_stream_peer(const tow_byte_stream *stream, char *text, size_t size);

/* Connects to "[HOST:]PORT" (HOST is a name, or an address, IPv6 in brackets; without one it is localhost) or
 * "unix:PATH". Until on_writable tells of success nothing is taken. Errors: ARGUMENT, ADDRESS (neither of
 * these), MEMORY, SYSTEM. What goes wrong later comes to on_error, whose text names the place. */
int tow_byte_stream_connect_sized(tow_byte_stream **stream, tow_loop *loop, const char *place,
    const tow_byte_stream_options *options, size_t options_size);
static inline int tow_byte_stream_connect(
    tow_byte_stream **stream, tow_loop *loop, const char *place, const tow_byte_stream_options *options) {
    return tow_byte_stream_connect_sized(stream, loop, place, options, sizeof(tow_byte_stream_options));
}

/* Accepts connections on "[HOST:]PORT" (port 0: any), "unix:PATH", or sockets that listen already, which stay
 * their owner's (all as tow_server_options.listen), until tow_byte_listener_free, and hands each over in
 * on_accept: a stream with these options, which is the callee's. Errors: ARGUMENT, ADDRESS_IN_USE, ADDRESS,
 * PERMISSION, DESCRIPTORS, SYSTEM, MEMORY, UNSUPPORTED.
 */
typedef void (*tow_byte_on_accept)(tow_byte_listener *listener, tow_byte_stream *stream);
int tow_byte_listener_new_sized(tow_byte_listener **listener, tow_loop *loop, const char *address,
    tow_byte_on_accept on_accept, const tow_byte_stream_options *options, size_t options_size);
static inline int tow_byte_listener_new(tow_byte_listener **listener, tow_loop *loop, const char *address,
    tow_byte_on_accept on_accept, const tow_byte_stream_options *options) {
    return tow_byte_listener_new_sized(
        listener, loop, address, on_accept, options, sizeof(tow_byte_stream_options));
}

/* The port that is listened on; 0 for a Unix socket. */
int tow_byte_listener_port(const tow_byte_listener *listener);

/* Stops accepting; accepted streams go on. May be called in on_accept. NULL is allowed. */
void tow_byte_listener_free(tow_byte_listener *listener);

/* Makes a stream of a socket that is open: in its on_open, or later. The callbacks of the socket's own
 * options or handler are not called any more, but on_ping and on_pong; its messages are the stream's bytes,
 * whatever their type and borders. The socket is the stream's: a client's is freed with it.
 * tow_websocket_close gives the stream's end a code and a reason; the getters may be used until on_error,
 * on_end or on_closed. Errors: ARGUMENT, STATE (not open, a stream already, or
 * the socket of a reconnector or a blocking client, which need its events), MEMORY. */
int tow_byte_stream_from_websocket_sized(tow_byte_stream **stream, tow_websocket *socket,
    const tow_byte_stream_options *options, size_t options_size);
static inline int tow_byte_stream_from_websocket(
    tow_byte_stream **stream, tow_websocket *socket, const tow_byte_stream_options *options) {
    return tow_byte_stream_from_websocket_sized(stream, socket, options, sizeof(tow_byte_stream_options));
}

/* Streams of other kinds, for whoever has bytes to carry: a table of what the stream does, each with the
 * meaning of the call of that name above, and below what it tells. `close` and `reset` are called once, one
 * of them. `peer` may be NULL. */
typedef struct tow_byte_stream_functions {
    int64_t (*write)(void *carrier, const tow_bytes *pieces, size_t count);
    void (*pause)(void *carrier);
    void (*resume)(void *carrier);
    void (*shutdown)(void *carrier);
    void (*close)(void *carrier);
    void (*reset)(void *carrier);
    int (*peer)(const void *carrier, char *text, size_t size);
} tow_byte_stream_functions;

/* Makes a stream that `carrier` carries. The functions are copied; all but `peer` must be there. Errors:
 * ARGUMENT (one is missing, a number out of its range), MEMORY. */
int tow_byte_stream_new_sized(tow_byte_stream **stream, tow_loop *loop,
    const tow_byte_stream_functions *functions, size_t functions_size, void *carrier,
    const tow_byte_stream_options *options, size_t options_size);
static inline int tow_byte_stream_new(tow_byte_stream **stream, tow_loop *loop,
    const tow_byte_stream_functions *functions, void *carrier, const tow_byte_stream_options *options) {
    return tow_byte_stream_new_sized(stream, loop, functions, sizeof(tow_byte_stream_functions), carrier,
        options, sizeof(tow_byte_stream_options));
}

/* What the carrier tells. Not inside its functions; nothing but _closed after close or reset; _closed is the
 * last, and frees the stream. Each may call the carrier's functions. */
void tow_byte_stream_tell_bytes(tow_byte_stream *stream, void *bytes, size_t length);
void tow_byte_stream_tell_writable(tow_byte_stream *stream);
void tow_byte_stream_tell_end(tow_byte_stream *stream);
void tow_byte_stream_tell_error(tow_byte_stream *stream, int error, const char *text);
void tow_byte_stream_tell_closed(tow_byte_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
