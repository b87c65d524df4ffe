#include "uring_streams.h"

#include "direct_stream.h"
#include "socket.h"
#include "system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <towline/error.h>

/* A stream that fills a whole buffer of the ring is read directly from then on, until so many reads in a row
 * were smaller than that. */
enum { SMALL_READ = 8 * 1024, SMALL_READS = 16 };

/* What the kernel should be doing for one, compared with what it does. */

static bool start_receiving(tow_stream *stream) {
    struct io_uring_sqe *entry = tow_uring_entry(tow_uring_of(stream->loop));
    if (entry == NULL)
        return false;
    io_uring_prep_recv_multishot(entry, stream->fd, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = TOW_RECEIVE_GROUP;
    io_uring_sqe_set_data(entry, (char *)stream + URING_RECEIVE);
    stream->flags |= STREAM_RECEIVING;
    stream->pending++;
    return true;
}

static bool stop_receiving(tow_stream *stream) {
    if (!tow_uring_cancel(tow_uring_of(stream->loop), stream, URING_RECEIVE, URING_STOP_RECEIVE))
        return false;
    stream->flags |= STREAM_STOPPING;
    return true;
}

static bool is_being_stopped(const tow_stream *stream) {
    return stream->flags & STREAM_STOPPING &&
           !tow_uring_has_lost(tow_uring_of(stream->loop)); /* else nobody may tell how it went */
}

static bool adjust_receiving(tow_stream *stream) {
    bool wanted = !(stream->flags & (STREAM_DEAF | STREAM_DIRECT));
    bool receiving = stream->flags & STREAM_RECEIVING;
    if (wanted && !receiving)
        return start_receiving(stream);
    if (!wanted && receiving && !is_being_stopped(stream))
        return stop_receiving(stream);
    return true;
}

static void attend(tow_stream *stream) {
    tow_direct_update(stream);
    if (!adjust_receiving(stream))
        tow_loop_attend(stream);
}

static int start(tow_stream *stream) {
    if (stream->fd < 0)
        return TOW_ERROR_SYSTEM;
    tow_loop_attend(stream);
    return 0;
}

static int start_connect(tow_stream *stream, const tow_address *address) {
    int refusal;
    int error = tow_socket_connect(address, &stream->fd, &refusal);
    if (error != 0)
        return error;
    if (refusal != 0)
        tow_stream_fail(stream, refusal);
    tow_loop_attend(stream);
    return 0;
}

/* A receive ends at once when it is cancelled: to look again in each round is to find out if it does not. */
static bool close_stream(tow_stream *stream) {
    tow_direct_detach(stream);
    if (stream->pending > 0) {
        (void)adjust_receiving(stream);
        tow_loop_attend(stream);
        return false;
    }
    tow_socket_close(stream);
    return true;
}

/* What a receive has brought is not in the socket any more. */
static bool is_quiet(tow_stream *stream) {
    const tow_uring_loop *self = tow_uring_of(stream->loop);
    return !tow_uring_is_collected(self, (char *)stream + URING_RECEIVE) && tow_socket_is_quiet(stream);
}

const tow_stream_class tow_uring_streams = {
    .start = start,
    .connect = start_connect,
    .send = tow_socket_send,
    .update = tow_loop_attend,
    .attend = attend,
    .shutdown = tow_socket_shutdown,
    .close = close_stream,
    .release = tow_direct_detach,
    .untaken = tow_socket_untaken,
    .is_quiet = is_quiet,
    .peer = tow_socket_peer,
    .local = tow_socket_local,
};

/* Completions. */

static void receive_over(tow_stream *stream) {
    tow_stream_clear_flags(stream, STREAM_RECEIVING | STREAM_STOPPING);
    stream->pending--;
    tow_loop_attend(stream);
}

/* A receive must wait in the kernel, which it does not for a descriptor that others made non-blocking. */
static void make_blocking(tow_stream *stream) {
    int flags = fcntl(stream->fd, F_GETFL);
    tow_count_add(&stream->loop->counters.system_calls, 2);
    if (flags < 0 || fcntl(stream->fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
        tow_stream_fail(stream, tow_system_error(errno));
}

static void receive_failed(tow_stream *stream, int number) {
    switch (number) {
    case ECANCELED:
    case EINTR:
        break;
    case ENOBUFS:
        if (!tow_receive_ring_grow(&tow_uring_of(stream->loop)->buffers))
            stream->flags |= STREAM_DIRECT;
        break;
    case EAGAIN:
        make_blocking(stream);
        break;
    default:
        tow_stream_fail(stream, tow_system_error(number));
    }
}

static void count_receive(tow_uring_loop *self, int result) {
    self->receives++;
    self->received_bytes += result > 0 ? (size_t)result : 0;
}

void tow_uring_receive_done(tow_stream *stream, int result, unsigned flags) {
    tow_receive_ring *buffers = &tow_uring_of(stream->loop)->buffers;
    unsigned number = flags >> IORING_CQE_BUFFER_SHIFT;
    bool open = !(stream->flags & (STREAM_CLOSED | STREAM_FAILED | STREAM_ENDED));
    if (result == TOW_RECEIVE_SIZE) {
        stream->flags |= STREAM_DIRECT;
        stream->small_reads = 0;
        tow_loop_attend(stream);
    }
    count_receive(tow_uring_of(stream->loop), result);
    if (result > 0 && open)
        tow_stream_deliver(stream, tow_receive_ring_buffer(buffers, number), (size_t)result);
    else if (result == 0 && open)
        tow_stream_end(stream);
    else if (result < 0 && open)
        receive_failed(stream, -result);
    if (flags & IORING_CQE_F_BUFFER)
        tow_receive_ring_return(buffers, number);
    if (flags & IORING_CQE_F_MORE)
        return;
    receive_over(stream);
}

/* If the kernel found the receive, its last completion follows; it may also have come just before. */
void tow_uring_stop_receive_done(tow_stream *stream, int result) {
    if (result > 0 || !(stream->flags & STREAM_STOPPING))
        return;
    if (result < 0 || !tow_uring_has_lost(tow_uring_of(stream->loop))) {
        tow_stream_clear_flags(stream, STREAM_STOPPING);
        tow_loop_attend(stream);
        return;
    }
    tow_stream_fail(stream, TOW_ERROR_MEMORY); /* bytes may be missing */
    receive_over(stream);
}

void tow_uring_stream_event(tow_stream *stream, uint32_t events) {
    size_t got = tow_direct_event(stream, events);
    if (!(stream->flags & STREAM_DIRECT) || got == 0)
        return;
    stream->small_reads = got < SMALL_READ ? stream->small_reads + 1 : 0;
    if (stream->small_reads < SMALL_READS)
        return;
    tow_stream_clear_flags(stream, STREAM_DIRECT);
    tow_loop_attend(stream);
}
