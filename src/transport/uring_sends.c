#include "uring_sends.h"

#include "system_error.h"
#include "uring_accepts.h"
#include "uring_streams.h"

#include <errno.h>

static void send_done(tow_stream *stream, int result) {
    tow_uring_of(stream->loop)->sending--;
    tow_stream_clear_flags(stream, STREAM_SENDING);
    if (result == -EAGAIN || result == -EINTR)
        result = 0;
    tow_stream_settle(stream, result >= 0 ? result : tow_system_error(-result));
}

/* Empties the kernel's ring. The results of sends come before all others, so that the cork starts over before
 * anybody writes to it. */
static void collect(tow_uring_loop *self) {
    unsigned head;
    unsigned count = 0;
    struct io_uring_cqe *entry;
    io_uring_for_each_cqe(&self->ring, head, entry) {
        if (self->collected == TOW_URING_COLLECTED)
            break;
        char *data = io_uring_cqe_get_data(entry);
        if (tow_uring_tag(data) == URING_SEND)
            send_done((tow_stream *)(void *)(data - URING_SEND), entry->res);
        else
            self->completions[self->collected++] =
                (tow_completion){.data = data, .result = entry->res, .flags = entry->flags};
        count++;
    }
    io_uring_cq_advance(&self->ring, count);
}

/* The kernel has not looked at the entry: nothing is left of it in the ring. */
static void take_back(tow_uring_loop *self, struct io_uring_sqe *entry) {
    char *data = (char *)(uintptr_t)entry->user_data; // NOLINT(performance-no-int-to-ptr)
    unsigned tag = tow_uring_tag(data);
    void *pointer = data - tag;
    if (tag != URING_SEND && tag != URING_STOP_RECEIVE && tag != URING_STOP_ACCEPT)
        return;
    io_uring_prep_nop(entry);
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data(entry, NULL);
    if (tag == URING_STOP_RECEIVE) {
        tow_uring_stop_receive_done(pointer, -EAGAIN);
    } else if (tag == URING_STOP_ACCEPT) {
        tow_uring_stop_accept_done(pointer, -EAGAIN);
    } else {
        self->sending--;
        tow_stream_clear_flags(pointer, STREAM_SENDING);
        tow_stream_send_cork(pointer); /* without the ring */
    }
}

/* Those entries that point to memory which is about to be used again. */
static void take_back_entries(tow_uring_loop *self) {
    const struct io_uring_sq *queue = &self->ring.sq;
    for (unsigned i = queue->sqe_tail - io_uring_sq_ready(&self->ring); i != queue->sqe_tail; i++)
        take_back(self, &queue->sqes[i & (TOW_URING_SUBMISSIONS - 1)]);
}

/* The kernel had no memory to say how these went. */
static void lose_sends(tow_uring_loop *self) {
    tow_cork *cork = &self->loop.cork;
    for (uint32_t i = 0; self->sending > 0 && i < cork->count; i++) {
        tow_stream *stream = cork->segments[i].stream;
        if (stream == NULL || !(stream->flags & STREAM_SENDING))
            continue;
        send_done(stream, -ENOMEM);
    }
}

/* Whether the ring of completions was too small for what came, so that the kernel keeps some of it. */
static bool may_collect_more(tow_uring_loop *self) {
    return io_uring_cq_has_overflow(&self->ring) &&
           self->collected <= TOW_URING_COLLECTED - TOW_URING_COMPLETIONS &&
           io_uring_get_events(&self->ring) >= 0;
}

void tow_uring_settle(tow_uring_loop *self) {
    collect(self);
    take_back_entries(self);
    while (self->sending > 0 && may_collect_more(self))
        collect(self);
    lose_sends(self);
}

void tow_uring_submit_and_settle(tow_uring_loop *self) {
    (void)tow_uring_submit(self); /* the kernel takes less when it is short of memory */
    tow_uring_settle(self);
}

/* Returns how many pieces were used. */
static int prepare_send(tow_uring_loop *self, tow_stream *stream, struct iovec *pieces) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    int count = tow_cork_pieces(&self->loop.cork, stream, pieces);
    const unsigned flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (count == 1) {
        io_uring_prep_send(entry, stream->fd, pieces->iov_base, pieces->iov_len, (int)flags);
    } else {
        struct msghdr *header = &self->headers[self->sending];
        *header = (struct msghdr){.msg_iov = pieces, .msg_iovlen = (size_t)count};
        io_uring_prep_sendmsg(entry, stream->fd, header, flags);
    }
    io_uring_sqe_set_data(entry, (char *)stream + URING_SEND);
    stream->flags |= STREAM_SENDING;
    self->sending++;
    tow_count(&self->loop.counters.writes);
    return count;
}

/* What TLS streams have said becomes what the streams below them have. */
static void encrypt_all(const tow_cork *cork) {
    for (uint32_t i = 0; i < cork->count; i++) {
        tow_stream *stream = cork->segments[i].stream;
        if (stream != NULL && stream->class->send_cork != NULL)
            tow_stream_flush(stream);
    }
}

/* Whether there is room for a send, and for all completions that may come with it. */
static bool has_room(const tow_uring_loop *self) {
    return io_uring_sq_space_left(&self->ring) > 0 &&
           self->collected <= TOW_URING_COLLECTED - TOW_URING_COMPLETIONS;
}

void tow_uring_prepare_sends(tow_uring_loop *self) {
    tow_cork *cork = &self->loop.cork;
    encrypt_all(cork);
    struct iovec *pieces = cork->pieces;
    for (uint32_t i = 0; i < cork->count; i++) {
        tow_stream *stream = cork->segments[i].stream;
        if (stream == NULL || stream->cork_first != i + 1)
            continue;
        if (self->sending > 0 && !has_room(self)) {
            tow_uring_submit_and_settle(self);
            pieces = cork->pieces;
        }
        if (has_room(self))
            pieces += prepare_send(self, stream, pieces);
        else
            tow_stream_send_cork(stream);
    }
}
