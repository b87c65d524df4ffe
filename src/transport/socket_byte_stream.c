/* A byte stream that a connected descriptor carries: tow_stream, with pieces for vectors and texts for
 * errors. */
#include "transport/byte_stream.h"
#include "transport/stream.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { PIECES_AT_ONCE = 16 };

typedef struct socket_carrier {
    tow_stream stream; /* first */
    tow_byte_stream *handle;
} socket_carrier;

static socket_carrier *carrier_of(tow_stream *stream) {
    return (socket_carrier *)(void *)stream;
}

/* What the handle asks for. */

static size_t vectors_fill(struct iovec *vectors, const tow_bytes *pieces, size_t count) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(&vectors[i].iov_base, &pieces[i].data, sizeof(void *)); /* it is not const, but is only read */
        vectors[i].iov_len = pieces[i].length;
        length += pieces[i].length;
    }
    return length;
}

static int64_t write_pieces(void *user, const tow_bytes *pieces, size_t count) {
    socket_carrier *carrier = user;
    int64_t total = 0;
    for (size_t done = 0; done < count;) {
        struct iovec vectors[PIECES_AT_ONCE];
        size_t some = count - done < PIECES_AT_ONCE ? count - done : PIECES_AT_ONCE;
        size_t length = vectors_fill(vectors, pieces + done, some);
        ssize_t taken = length == 0 ? 0 : tow_stream_write(&carrier->stream, vectors, (int)some);
        if (taken < 0)
            return total > 0 ? total : taken;
        total += taken;
        if ((size_t)taken < length)
            return total;
        done += some;
    }
    return total;
}

static void pause_reading(void *user) {
    tow_stream_pause(&((socket_carrier *)user)->stream);
}

static void resume_reading(void *user) {
    tow_stream_resume(&((socket_carrier *)user)->stream);
}

static void shut_down(void *user) {
    tow_stream_shutdown(&((socket_carrier *)user)->stream);
}

static void close_stream(void *user) {
    tow_stream_close(&((socket_carrier *)user)->stream);
}

static void reset_stream(void *user) {
    tow_stream_reset(&((socket_carrier *)user)->stream);
}

static int peer_text(const void *user, char *text, size_t size) {
    const socket_carrier *carrier = user;
    return tow_stream_peer_text(&carrier->stream, text, size);
}

static const tow_byte_stream_functions functions = {
    .write = write_pieces,
    .pause = pause_reading,
    .resume = resume_reading,
    .shutdown = shut_down,
    .close = close_stream,
    .reset = reset_stream,
    .peer = peer_text,
};

/* What the stream tells. */

static void bytes_came(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_byte_stream_tell_bytes(carrier_of(stream)->handle, bytes, length);
}

static void writable(tow_stream *stream) {
    tow_byte_stream_tell_writable(carrier_of(stream)->handle);
}

static void ended(tow_stream *stream) {
    tow_byte_stream_tell_end(carrier_of(stream)->handle);
}

static void failed(tow_stream *stream, int error) {
    tow_byte_stream_tell_error(carrier_of(stream)->handle, error, tow_strerror(error));
}

static void closed(tow_stream *stream) {
    socket_carrier *carrier = carrier_of(stream);
    tow_byte_stream_tell_closed(carrier->handle);
    free(carrier);
}

static const tow_stream_events events = {
    .on_bytes = bytes_came,
    .on_writable = writable,
    .on_end = ended,
    .on_error = failed,
    .on_closed = closed,
};

static int carrier_new(socket_carrier **out, tow_loop *loop, int fd) {
    socket_carrier *carrier = calloc(1, sizeof(*carrier));
    if (carrier == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_stream_adopt(&carrier->stream, loop, fd, &events);
    if (error != 0)
        free(carrier);
    else
        *out = carrier;
    return error;
}

int tow_byte_stream_carry(tow_byte_stream *stream, int fd) {
    socket_carrier *carrier;
    int error = carrier_new(&carrier, tow_byte_stream_loop(stream), fd);
    if (error != 0)
        return error;
    carrier->handle = stream;
    tow_byte_stream_set_carrier(stream, &functions, carrier);
    return 0;
}

int tow_byte_stream_adopt(
    tow_byte_stream **stream, tow_loop *loop, int fd, const tow_byte_stream_options *options) {
    tow_byte_stream *made;
    int error = tow_byte_stream_new(&made, loop, &functions, NULL, options);
    if (error != 0)
        return error;
    error = tow_byte_stream_carry(made, fd);
    if (error != 0)
        tow_byte_stream_discard(made);
    else
        *stream = made;
    return error;
}
