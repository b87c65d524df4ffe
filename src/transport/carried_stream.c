#include "transport/carried_stream.h"

#include "loop_shared.h"
#include "socket.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { PIECES_AT_ONCE = 16 };

typedef struct carried {
    tow_stream_class class; /* first: the stream's, by which this is found */
    tow_stream *stream;
    tow_byte_stream *handle; /* NULL: the carrier has let go */
} carried;

static carried *of(const tow_stream *stream) {
    return (carried *)(uintptr_t)stream->class; // NOLINT(performance-no-int-to-ptr): const
}

/* What the owner asks for. */

static ssize_t write_some(const carried *state, const struct iovec *pieces, size_t count) {
    tow_bytes some[PIECES_AT_ONCE];
    for (size_t i = 0; i < count; i++)
        some[i] = (tow_bytes){pieces[i].iov_base, pieces[i].iov_len};
    return (ssize_t)tow_byte_stream_write(state->handle, some, count);
}

static ssize_t send_pieces(tow_stream *stream, const struct iovec *pieces, int count) {
    ssize_t total = 0;
    for (int done = 0; done < count;) {
        int some = count - done < PIECES_AT_ONCE ? count - done : PIECES_AT_ONCE;
        ssize_t taken = write_some(of(stream), pieces + done, (size_t)some);
        if (taken < 0)
            return total > 0 ? total : taken;
        total += taken;
        if ((size_t)taken < tow_stream_pieces_length(pieces + done, some))
            break;
        done += some;
    }
    return total;
}

static void update(tow_stream *stream) {
    if (stream->flags & STREAM_DEAF)
        tow_byte_stream_pause(of(stream)->handle);
    else
        tow_byte_stream_resume(of(stream)->handle);
}

static void shut_down(tow_stream *stream) {
    tow_byte_stream_shutdown(of(stream)->handle);
}

static bool close_stream(tow_stream *stream) {
    carried *state = of(stream);
    if (state->handle == NULL) {
        stream->class = stream->loop->kind->streams;
        free(state);
        return true;
    }
    if (stream->flags & STREAM_RESET)
        tow_byte_stream_reset(state->handle);
    else
        tow_byte_stream_close(state->handle);
    return false;
}

static size_t untaken(const tow_stream *stream) {
    return stream->fd >= 0 ? tow_socket_untaken(stream) : 0;
}

/* Nobody knows what is still with the carrier. */
static bool is_quiet(tow_stream *stream) {
    (void)stream;
    return false;
}

static const tow_stream_class class = {
    .send = send_pieces,
    .update = update,
    .attend = update,
    .shutdown = shut_down,
    .close = close_stream,
    .untaken = untaken,
    .is_quiet = is_quiet,
    .peer = tow_socket_peer,
    .local = tow_socket_local,
};

/* What the carrier tells. */

static tow_stream *stream_of(const tow_byte_stream *handle) {
    return ((carried *)tow_byte_stream_user(handle))->stream;
}

static bool is_over(const tow_stream *stream) {
    return stream->flags & (STREAM_FAILED | STREAM_CLOSED);
}

static void send_reply(tow_stream *stream) {
    if (stream->cork_first != 0 && !is_over(stream))
        tow_stream_flush(stream);
}

static void bytes_came(tow_byte_stream *handle, void *bytes, size_t length) {
    tow_stream *stream = stream_of(handle);
    if (is_over(stream) || stream->flags & STREAM_ENDED)
        return;
    tow_stream_deliver(stream, bytes, length);
    send_reply(stream);
}

/* A stream that rests goes on by itself. */
static void writable(tow_byte_stream *handle) {
    tow_stream *stream = stream_of(handle);
    if (is_over(stream) || (stream->flags & (STREAM_BLOCKED | STREAM_RESTING)) != STREAM_BLOCKED)
        return;
    tow_stream_unblock(stream);
    send_reply(stream);
}

static void ended(tow_byte_stream *handle) {
    tow_stream *stream = stream_of(handle);
    if (is_over(stream) || stream->flags & STREAM_ENDED)
        return;
    tow_stream_end(stream);
    send_reply(stream);
}

void tow_carried_tell_fin(const tow_byte_stream *handle) {
    tow_stream *stream = stream_of(handle);
    if (tow_stream_awaits_fin(stream))
        tow_stream_tell_fin(stream);
}

static void failed(tow_byte_stream *handle, int error, const char *text) {
    (void)text;
    tow_stream_fail(stream_of(handle), error);
}

static void closed(tow_byte_stream *handle) {
    carried *state = tow_byte_stream_user(handle);
    state->handle = NULL;
    tow_loop_attend(state->stream);
}

int tow_stream_carry(tow_stream *stream, tow_loop *loop, const tow_carriage *carriage,
    const tow_stream_events *events, tow_byte_stream **handle) {
    carried *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return TOW_ERROR_MEMORY;
    const tow_byte_stream_options options = {.user = state,
        .on_bytes = bytes_came,
        .on_writable = writable,
        .on_end = ended,
        .on_error = failed,
        .on_closed = closed};
    int error = tow_byte_stream_new(&state->handle, loop, carriage->functions, carriage->carrier, &options);
    if (error != 0) {
        free(state);
        return error;
    }
    state->class = class;
    state->stream = stream;
    *stream = (tow_stream){
        .class = &state->class, .events = events, .loop = loop, .fd = carriage->fd, .flags = STREAM_DETACHED};
    *handle = state->handle;
    loop->open++;
    return 0;
}
