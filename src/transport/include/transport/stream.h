/* stream: ordered bytes to and from a peer (TCP, Unix socket; simulated), embedded in what owns it.
 *
 * Reading: on_bytes gets what one read brought, in the loop's memory; the owner takes all of it (and keeps
 * what it can't use yet). Writing: small pieces go into the loop's cork (tow_stream_cork), which leaves in
 * one write for each stream when the read that is being delivered is done (epoll) or at the end of the round
 * (io_uring; other streams); large ones are written at once (tow_stream_write). What the kernel does not take
 * is the owner's to keep and to write again from on_writable.
 *
 * Life: adopt or connect, then close or reset, then on_closed: after it, and not before, the memory may be
 * reused. No callback runs inside a call on the same stream except on_unsent, and none but on_closed after
 * close or reset. */
#ifndef TOW_TRANSPORT_STREAM_H
#define TOW_TRANSPORT_STREAM_H

#include "transport/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <towline/loop.h>

typedef struct tow_stream tow_stream;

typedef struct tow_stream_events {
    /* `bytes` may be changed; they are valid until the callback returns. What the kernel had handed over
     * before a pause (io_uring) still comes after it. */
    void (*on_bytes)(tow_stream *stream, uint8_t *bytes, size_t length);
    /* Part of what was corked was not taken: of the `length` bytes at `segment` the kernel took the first
     * `taken`. The owner copies the rest (it calls nothing on the stream, and nobody above) and the stream is
     * blocked until on_writable. A segment is what one or more calls of tow_stream_cork in a row gave; when
     * others corked in between there are several, and the callback comes for each that was not taken whole,
     * in order, at once. The corked payload is 0 already. */
    void (*on_unsent)(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken);
    /* A blocked stream takes bytes again; also: a connect succeeded. */
    void (*on_writable)(tow_stream *stream);
    /* The peer ended its side; writing is still possible. Not called after on_error. */
    void (*on_end)(tow_stream *stream);
    /* Optional, may be NULL: the peer has ended its side while the stream is paused, and bytes that are not
     * read yet may lie before that; on_end comes in its place after a resume. Once for each pause. */
    void (*on_fin)(tow_stream *stream);
    /* The stream failed (RESET, TIMED_OUT, REFUSED, UNREACHABLE …); what was corked is gone. The owner closes
     * it. At most once. */
    void (*on_error)(tow_stream *stream, int error);
    /* The last callback. */
    void (*on_closed)(tow_stream *stream);
    /* Optional, may be NULL: memory into which the next bytes should be received, for a large message whose
     * length is known. Sets *length; returns NULL for none. on_bytes then gets this very pointer. The loop
     * may deliver elsewhere all the same. */
    uint8_t *(*receive_into)(tow_stream *stream, size_t *length);
    /* What tow_stream_yield asked for; may be NULL if nobody does. */
    void (*on_turn)(tow_stream *stream);
} tow_stream_events;

/* What a kind of stream does; chosen by the loop. */
typedef struct tow_stream_class tow_stream_class;

struct tow_stream { /* 64 bytes at most; zeroed: not in use. All fields are private to transport/ but
                       `events`. */
    const tow_stream_class *class;
    const tow_stream_events *events; /* may be changed at any time by the owner */
    tow_loop *loop;
    tow_stream *next; /* in one of the loop's lists */
    int fd;
    uint32_t corked_payload; /* application bytes in the cork; of a failed stream, those that were in it */
    uint32_t cork_first;     /* segments in the cork, numbered from 1 */
    uint32_t cork_last;
    uint32_t flags;
    uint8_t pending;     /* completions to wait for (io_uring) */
    uint8_t failure;     /* a tow_error without its sign */
    uint8_t small_reads; /* in a row (io_uring) */
};

/* Application bytes in the cork, not given to the network yet. When the stream has failed, those that were
 * there and never will be. */
static inline uint32_t tow_stream_corked_payload(const tow_stream *stream) {
    return stream->corked_payload;
}

/* Takes over a connected descriptor (from on_accept; closed by the stream from now on) and starts reading.
 * Errors: MEMORY, SYSTEM; the descriptor is then still the caller's. */
int tow_stream_adopt(tow_stream *stream, tow_loop *loop, int fd, const tow_stream_events *events);

/* Starts connecting; on_writable on success, then bytes. Errors: DESCRIPTORS, SYSTEM, MEMORY. */
int tow_stream_connect(
    tow_stream *stream, tow_loop *loop, const tow_address *address, const tow_stream_events *events);

/* Room for `length` bytes (at most TOW_CORK_MAX) in the cork, to be filled before any other call;
 * `payload_length` of them are application data. NULL when the stream is blocked or failed: the owner queues
 * instead. */
enum { TOW_CORK_MAX = 64 * 1024 + 64 };
uint8_t *tow_stream_cork(tow_stream *stream, size_t length, size_t payload_length);

/* Corks bytes that many streams are likely to get one after the other: they have them in common, and they are
 * copied once. False where tow_stream_cork gives NULL. */
bool tow_stream_cork_common(tow_stream *stream, const uint8_t *bytes, size_t length, size_t payload_length);

/* Writes what this stream has in the cork now. */
void tow_stream_flush(tow_stream *stream);

/* Flushes the cork, then writes at once without waiting, at most TOW_WRITE_MAX bytes. Returns the number of
 * bytes taken, 0 when blocked (on_writable follows), or a negative error (nothing of the pieces
 * was taken; on_error follows as well, later). */
enum { TOW_WRITE_MAX = 2 * 1024 * 1024 };
ssize_t tow_stream_write(tow_stream *stream, const struct iovec *pieces, int count);

/* The owner has written enough for one round: the stream is blocked until the next, when on_writable comes,
 * so that others are not kept waiting while the kernel copies. With more than TOW_WRITE_MAX bytes
 * tow_stream_write does so by itself. */
void tow_stream_rest(tow_stream *stream);

/* Whether bytes must be queued by the owner: on_writable is still to come. */
bool tow_stream_is_blocked(const tow_stream *stream);

/* How many bytes that the stream took have not arrived at the peer's system yet (TCP: are not acknowledged).
 * It costs a system call. */
size_t tow_stream_untaken(const tow_stream *stream);

/* Whether the stream is open and silent: no bytes wait to be read, wherever they are, nor the peer's end, nor
 * a failure. It costs a system call. */
bool tow_stream_is_quiet(tow_stream *stream);

/* Stops and restarts reading. */
void tow_stream_pause(tow_stream *stream);
void tow_stream_resume(tow_stream *stream);

/* The owner has done enough for one turn and has more to do: on_turn comes once, in the loop's next round,
 * after all other streams had theirs. Bytes may come before it. */
void tow_stream_yield(tow_stream *stream);

/* Flushes, and ends our side (FIN). Reading goes on. What the owner still has queued is its own loss: write
 * it first. */
void tow_stream_shutdown(tow_stream *stream);

/* Flushes, and closes the descriptor; on_closed follows. A second call does nothing. If the peer has sent
 * bytes that were not received, the kernel sends RST, and the peer may lose what it has not read yet: an
 * orderly end is shutdown, then close after on_end. */
void tow_stream_close(tow_stream *stream);

/* Closes with RST; what is corked is dropped; on_closed follows. */
void tow_stream_reset(tow_stream *stream);

/* Gives the connected descriptor away, to be adopted by another stream of the same loop; on_closed follows,
 * as after a close. Nothing is lost: it is refused as long as bytes may be between the kernel and the owner.
 * It is always possible inside the on_writable that tells of the connection, and later if the stream was
 * paused there. Returns the descriptor, or STATE (not connected, failed, closed, bytes are corked, a receive
 * is under way). */
int tow_stream_release(tow_stream *stream);

/* The peer's address. Errors: SYSTEM. */
int tow_stream_peer(const tow_stream *stream, tow_address *address);

/* The address that it has on our side. Errors: SYSTEM. */
int tow_stream_local(const tow_stream *stream, tow_address *address);

/* The same as texts (tow_address_text) of at most `size` bytes with their zero. Errors: SYSTEM, ARGUMENT (too
 * little room). */
int tow_stream_peer_text(const tow_stream *stream, char *text, size_t size);
int tow_stream_local_text(const tow_stream *stream, char *text, size_t size);

#endif
