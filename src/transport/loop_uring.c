/* loop_uring: the loop over io_uring(7): accepts and receives that go on by themselves, and one call for a
 * round: it submits all that streams have said, and brings what came meanwhile.
 *
 * Sends do not wait (MSG_DONTWAIT), so they are complete when the call that submits them returns, and the
 * cork's memory is free again. What has to wait (a stream that is blocked, or paused but must hear of errors;
 * watches; other threads) is left to epoll, whose descriptor the ring polls: a poll of io_uring cannot help
 * completing when the peer has ended its side. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <towline/error.h>
#include <unistd.h>

#include "direct_stream.h"
#include "epoll.h"
#include "receive_ring.h"
#include "socket.h"
#include "system_error.h"

enum { SUBMISSIONS = 1024, COMPLETIONS = 8192, EVENTS = 64 };

/* About as many bytes of streams as are best treated in one round. */
enum { ROUND_BYTES = 128 * 1024 };

/* A stream that fills a whole buffer of the ring is read directly from then on, until so many reads in a row
 * were smaller than that. */
enum { SMALL_READ = 8 * 1024, SMALL_READS = 16 };

/* In the low bits of a completion's pointer. */
enum { TAG_NONE, TAG_RECEIVE, TAG_SEND, TAG_ACCEPT, TAG_EPOLL, TAG_MASK = 7 };

static unsigned tag_of(const char *data) {
    return (uintptr_t)data & TAG_MASK;
}

/* An accept under way. It outlives its listener until the kernel is done with it. */
typedef struct acceptance {
    struct acceptance *next;
    tow_loop *loop;
    tow_listener *listener; /* NULL once stopped */
    bool listed;            /* in the loop's list of those to start or to cancel */
    bool wanted;
    bool under_way;
} acceptance;

typedef struct uring_loop {
    tow_loop loop;
    struct io_uring ring;
    tow_receive_ring buffers;
    bool enabled;      /* by the thread that steps */
    bool epoll_polled; /* the ring polls loop.epoll */
    bool busy; /* the last call brought something of streams: there may be more that has not been asked for */
    unsigned sending; /* sends whose result has not been looked at */
    unsigned headers_used;
    unsigned receives;       /* in this round */
    size_t received_bytes;   /* by them */
    acceptance *acceptances; /* to start or to cancel */
    int foreign_epoll;       /* for tow_loop_fd; -1 until then */
    int ring_event;          /* an eventfd that the ring writes to; the same */
    struct epoll_event events[EVENTS];
    struct msghdr headers[SUBMISSIONS];
} uring_loop;

static uring_loop *of(tow_loop *loop) {
    return (uring_loop *)loop;
}

/* Submissions */

static int submit(uring_loop *self) {
    tow_count(&self->loop.counters.system_calls);
    self->headers_used = 0;
    int result = io_uring_submit(&self->ring);
    return result >= 0 ? 0 : result;
}

/* NULL if the kernel takes no more at the moment. */
static struct io_uring_sqe *get_entry(uring_loop *self) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (entry == NULL && submit(self) == 0)
        entry = io_uring_get_sqe(&self->ring);
    return entry;
}

static bool cancel(uring_loop *self, void *pointer, unsigned tag) {
    struct io_uring_sqe *entry = get_entry(self);
    if (entry == NULL)
        return false;
    io_uring_prep_cancel(entry, (char *)pointer + tag, 0);
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data(entry, NULL);
    return true;
}

/* Streams: what the kernel should be doing for one, compared with what it does. */

static bool start_receiving(tow_stream *stream) {
    struct io_uring_sqe *entry = get_entry(of(stream->loop));
    if (entry == NULL)
        return false;
    io_uring_prep_recv_multishot(entry, stream->fd, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = TOW_RECEIVE_GROUP;
    io_uring_sqe_set_data(entry, (char *)stream + TAG_RECEIVE);
    stream->flags |= STREAM_RECEIVING;
    stream->pending++;
    return true;
}

static bool stop_receiving(tow_stream *stream) {
    if (!cancel(of(stream->loop), stream, TAG_RECEIVE))
        return false;
    stream->flags |= STREAM_STOPPING;
    return true;
}

static bool adjust_receiving(tow_stream *stream) {
    bool wanted = !(stream->flags & (STREAM_DEAF | STREAM_DIRECT));
    if (wanted && !(stream->flags & STREAM_RECEIVING))
        return start_receiving(stream);
    if (!wanted && (stream->flags & (STREAM_RECEIVING | STREAM_STOPPING)) == STREAM_RECEIVING)
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

static bool close_stream(tow_stream *stream) {
    tow_direct_detach(stream);
    if (stream->pending > 0) {
        if (!adjust_receiving(stream))
            tow_loop_attend(stream);
        return false;
    }
    tow_socket_close(stream);
    return true;
}

static const tow_stream_class streams = {
    .start = start,
    .connect = start_connect,
    .send = tow_socket_send,
    .update = tow_loop_attend,
    .attend = attend,
    .shutdown = tow_socket_shutdown,
    .close = close_stream,
    .release = tow_direct_detach,
    .untaken = tow_socket_untaken,
    .peer = tow_socket_peer,
};

/* Completions of streams */

static void one_less_pending(tow_stream *stream) {
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
        tow_receive_ring_grow(&of(stream->loop)->buffers);
        break;
    case EAGAIN:
        make_blocking(stream);
        break;
    default:
        tow_stream_fail(stream, tow_system_error(number));
    }
}

static void count_receive(uring_loop *self, int result) {
    self->receives++;
    self->received_bytes += result > 0 ? (size_t)result : 0;
}

static void receive_done(tow_stream *stream, int result, unsigned flags) {
    tow_receive_ring *buffers = &of(stream->loop)->buffers;
    unsigned number = flags >> IORING_CQE_BUFFER_SHIFT;
    bool open = !(stream->flags & (STREAM_CLOSED | STREAM_FAILED | STREAM_ENDED));
    if (result == TOW_RECEIVE_SIZE) {
        stream->flags |= STREAM_DIRECT;
        stream->small_reads = 0;
        tow_loop_attend(stream);
    }
    count_receive(of(stream->loop), result);
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
    tow_stream_clear_flags(stream, STREAM_RECEIVING | STREAM_STOPPING);
    one_less_pending(stream);
}

static void send_done(tow_stream *stream, int result) {
    uring_loop *self = of(stream->loop);
    self->sending--;
    tow_stream_clear_flags(stream, STREAM_SENDING);
    stream->pending--;
    if (result == -EAGAIN || result == -EINTR)
        result = 0;
    tow_stream_settle(stream, result >= 0 ? result : tow_system_error(-result));
    if (stream->flags & (STREAM_BLOCKED | STREAM_CLOSED))
        tow_loop_attend(stream);
}

static void stream_event(tow_stream *stream, uint32_t events) {
    size_t got = tow_direct_event(stream, events);
    if (!(stream->flags & STREAM_DIRECT) || got == 0)
        return;
    stream->small_reads = got < SMALL_READ ? stream->small_reads + 1 : 0;
    if (stream->small_reads < SMALL_READS)
        return;
    tow_stream_clear_flags(stream, STREAM_DIRECT);
    tow_loop_attend(stream);
}

/* Listeners */

static void list_acceptance(acceptance *one) {
    uring_loop *self = of(one->loop);
    if (one->listed)
        return;
    one->listed = true;
    one->next = self->acceptances;
    self->acceptances = one;
    if (!one->loop->stepping)
        tow_loop_touch(one->loop);
}

static bool start_accepting(uring_loop *self, acceptance *one) {
    struct io_uring_sqe *entry = get_entry(self);
    if (entry == NULL)
        return false;
    io_uring_prep_multishot_accept(entry, one->listener->fd, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(entry, (char *)one + TAG_ACCEPT);
    one->under_way = true;
    return true;
}

/* A stopped listener keeps the loop alive until its address is free again. */
static void end_acceptance(acceptance *one) {
    one->loop->open--;
    one->loop->closing--;
    free(one);
}

static bool adjust_accepting(uring_loop *self, acceptance *one) {
    if (one->wanted && !one->under_way)
        return start_accepting(self, one);
    if (!one->wanted && one->under_way)
        return cancel(self, one, TAG_ACCEPT);
    if (one->listener == NULL)
        end_acceptance(one);
    return true;
}

static void adjust_all_accepting(uring_loop *self) {
    acceptance *one = self->acceptances;
    self->acceptances = NULL;
    while (one != NULL) {
        acceptance *next = one->next;
        one->listed = false;
        if (!adjust_accepting(self, one))
            list_acceptance(one);
        one = next;
    }
}

static int listener_start(tow_listener *listener) {
    acceptance *one = calloc(1, sizeof(*one));
    if (one == NULL)
        return TOW_ERROR_MEMORY;
    one->loop = listener->loop;
    one->listener = listener;
    one->wanted = true;
    listener->request = one;
    list_acceptance(one);
    return 0;
}

static void listener_arm(tow_listener *listener, bool armed) {
    acceptance *one = listener->request;
    one->wanted = armed;
    list_acceptance(one);
}

static void listener_stop(tow_listener *listener) {
    acceptance *one = listener->request;
    one->listener = NULL;
    one->wanted = false;
    one->loop->open++;
    one->loop->closing++;
    list_acceptance(one);
    close(listener->fd);
}

static void accept_done(acceptance *one, int result, unsigned flags) {
    if (one->listener != NULL && result != -ECANCELED)
        tow_listener_accepted(one->listener, result);
    else if (result >= 0)
        close(result);
    if (flags & IORING_CQE_F_MORE)
        return;
    one->under_way = false;
    list_acceptance(one);
}

/* The round */

static void poll_epoll(uring_loop *self) {
    struct io_uring_sqe *entry = get_entry(self);
    if (entry == NULL)
        return;
    io_uring_prep_poll_add(entry, self->loop.epoll, EPOLLIN);
    io_uring_sqe_set_data(entry, (char *)self + TAG_EPOLL);
    self->epoll_polled = true;
}

static void epoll_is_ready(uring_loop *self) {
    self->epoll_polled = false;
    int count = epoll_wait(self->loop.epoll, self->events, EVENTS, 0);
    tow_count(&self->loop.counters.system_calls);
    for (int i = 0; i < count; i++)
        if (tow_epoll_tag(&self->events[i]) == TOW_TAG_STREAM)
            stream_event(tow_epoll_pointer(&self->events[i]), self->events[i].events);
        else
            tow_epoll_dispatch(&self->loop, &self->events[i]);
}

/* Returns how many pieces were used, or -1 if the kernel takes no more at the moment. */
static int prepare_send(uring_loop *self, tow_stream *stream, struct iovec *pieces) {
    struct io_uring_sqe *entry = get_entry(self);
    if (entry == NULL)
        return -1;
    int count = tow_cork_pieces(&self->loop.cork, stream, pieces);
    const unsigned flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (count == 1) {
        io_uring_prep_send(entry, stream->fd, pieces->iov_base, pieces->iov_len, (int)flags);
    } else {
        struct msghdr *header = &self->headers[self->headers_used++];
        *header = (struct msghdr){.msg_iov = pieces, .msg_iovlen = (size_t)count};
        io_uring_prep_sendmsg(entry, stream->fd, header, flags);
    }
    io_uring_sqe_set_data(entry, (char *)stream + TAG_SEND);
    stream->flags |= STREAM_SENDING;
    stream->pending++;
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

/* One entry for each stream that has something in the cork. */
static void prepare_sends(uring_loop *self) {
    tow_cork *cork = &self->loop.cork;
    encrypt_all(cork);
    struct iovec *pieces = cork->pieces;
    for (uint32_t i = 0; i < cork->count; i++) {
        tow_stream *stream = cork->segments[i].stream;
        if (stream == NULL || stream->cork_first != i + 1 || stream->flags & STREAM_SENDING)
            continue;
        int used = prepare_send(self, stream, pieces);
        if (used < 0)
            return;
        pieces += used;
    }
}

/* The results of sends come first, so that the cork starts over before anybody writes to it. */
static void settle_sends(uring_loop *self) {
    unsigned head;
    struct io_uring_cqe *completion;
    io_uring_for_each_cqe(&self->ring, head, completion) {
        if (self->sending == 0)
            return;
        char *data = io_uring_cqe_get_data(completion);
        if (tag_of(data) != TAG_SEND)
            continue;
        completion->user_data = TAG_NONE;
        send_done((tow_stream *)(void *)(data - TAG_SEND), completion->res);
    }
}

static void dispatch(uring_loop *self, char *data, int result, unsigned flags) {
    void *pointer = data - tag_of(data);
    switch (tag_of(data)) {
    case TAG_RECEIVE:
        self->busy = true;
        receive_done(pointer, result, flags);
        break;
    case TAG_SEND:
        send_done(pointer, result);
        break;
    case TAG_ACCEPT:
        self->busy = true;
        accept_done(pointer, result, flags);
        break;
    case TAG_EPOLL:
        epoll_is_ready(self);
        break;
    }
}

static void dispatch_all(uring_loop *self) {
    struct io_uring_cqe *completion;
    for (unsigned count = io_uring_cq_ready(&self->ring); count > 0; count--) {
        if (io_uring_peek_cqe(&self->ring, &completion) != 0)
            return;
        char *data = io_uring_cqe_get_data(completion);
        int result = completion->res;
        unsigned flags = completion->flags;
        io_uring_cqe_seen(&self->ring, completion);
        dispatch(self, data, result, flags);
    }
}

/* How many completions to ask for when there are as many sends, which are complete at once. The kernel looks
 * for that many of streams too. Many at a time are cheaper, as long as their bytes stay in cache until they
 * are sent. */
static unsigned completions_to_ask_for(const uring_loop *self) {
    if (self->received_bytes == 0)
        return self->sending;
    size_t limit = (size_t)ROUND_BYTES * self->receives / self->received_bytes;
    return limit == 0 ? 1 : limit < self->sending ? (unsigned)limit : self->sending;
}

/* Submits what is prepared, and waits. Sends are complete at once, so with some of them there is nothing to
 * wait for. */
static int enter(uring_loop *self, bool wait) {
    int64_t patience = wait && self->sending == 0 ? tow_loop_patience(&self->loop) : 0;
    tow_count(&self->loop.counters.system_calls);
    self->headers_used = 0;
    if (self->sending > 0)
        return io_uring_submit_and_wait(&self->ring, completions_to_ask_for(self));
    if (patience == 0)
        return io_uring_submit_and_get_events(&self->ring);
    if (patience < 0)
        return io_uring_submit_and_wait(&self->ring, 1);
    struct __kernel_timespec timeout = {.tv_sec = patience / TOW_SECOND, .tv_nsec = patience % TOW_SECOND};
    struct io_uring_cqe *completion;
    return io_uring_submit_and_wait_timeout(&self->ring, &completion, 1, &timeout, NULL);
}

static bool is_passing(int result) {
    return result == -EINTR || result == -ETIME || result == -EAGAIN || result == -EBUSY;
}

/* The first thread that steps is the one that may submit. (liburing 2.3 declares io_uring_enable_rings and
 * does not export it.) */
static int enable(uring_loop *self) {
    if (syscall(__NR_io_uring_register, self->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) != 0)
        return tow_system_error(errno);
    self->enabled = true;
    return 0;
}

static void drain_ring_event(uring_loop *self) {
    eventfd_t count;
    tow_count(&self->loop.counters.system_calls);
    if (eventfd_read(self->ring_event, &count) != 0) {
        /* Nothing has come. */
    }
}

static int turn(tow_loop *loop, bool wait) {
    uring_loop *self = of(loop);
    int error = self->enabled ? 0 : enable(self);
    if (error != 0)
        return error;
    if (self->ring_event >= 0)
        drain_ring_event(self);
    if (!self->epoll_polled)
        poll_epoll(self);
    adjust_all_accepting(self);
    prepare_sends(self);
    int result = enter(self, wait);
    loop->now = tow_system_clock(loop);
    self->busy = false;
    self->receives = 0;
    self->received_bytes = 0;
    settle_sends(self);
    dispatch_all(self);
    if (self->busy)
        tow_loop_touch(loop);
    return result >= 0 || is_passing(result) ? 0 : tow_system_error(-result);
}

static void flush(tow_loop *loop) {
    uring_loop *self = of(loop);
    adjust_all_accepting(self);
    prepare_sends(self);
    if (io_uring_sq_ready(&self->ring) == 0)
        return;
    (void)submit(self); /* what was not taken is still there for the next round */
    settle_sends(self);
}

/* For foreign loops: a ring's own descriptor does not wake an epoll that sleeps on it, as completions are
 * only made when the loop's thread asks (IORING_SETUP_DEFER_TASKRUN); an eventfd of the ring does. */
static int open_foreign(uring_loop *self) {
    self->foreign_epoll = epoll_create1(EPOLL_CLOEXEC);
    self->ring_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->foreign_epoll < 0 || self->ring_event < 0)
        return tow_system_error(errno);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(self->foreign_epoll, EPOLL_CTL_ADD, self->ring_event, &event) != 0 ||
        epoll_ctl(self->foreign_epoll, EPOLL_CTL_ADD, self->loop.epoll, &event) != 0)
        return tow_system_error(errno);
    int result = io_uring_register_eventfd(&self->ring, self->ring_event);
    if (result < 0)
        return tow_system_error(-result);
    self->loop.timer_fd = tow_epoll_open_timer(&self->loop, self->foreign_epoll);
    return self->loop.timer_fd >= 0 ? 0 : self->loop.timer_fd;
}

static void close_foreign(uring_loop *self) {
    if (self->foreign_epoll >= 0)
        close(self->foreign_epoll);
    if (self->ring_event >= 0)
        close(self->ring_event);
    self->foreign_epoll = self->ring_event = -1;
}

static int descriptor(tow_loop *loop) {
    uring_loop *self = of(loop);
    int error = self->foreign_epoll >= 0 ? 0 : open_foreign(self);
    if (error == 0)
        return self->foreign_epoll;
    close_foreign(self);
    return error;
}

static void free_loop(tow_loop *loop) {
    uring_loop *self = of(loop);
    close_foreign(self);
    io_uring_queue_exit(&self->ring);
    tow_receive_ring_clear(&self->buffers);
    tow_loop_clear(loop);
    free(self);
}

static const tow_loop_kind kind = {
    .name = "io_uring",
    .streams = &streams,
    .gathers = true,
    .free = free_loop,
    .turn = turn,
    .flush = flush,
    .fd = descriptor,
    .arm = tow_epoll_arm,
    .clock = tow_system_clock,
    .wall_seconds = tow_system_wall_seconds,
    .random = tow_system_random,
    .listen = tow_socket_listen,
    .listener_start = listener_start,
    .listener_stop = listener_stop,
    .listener_arm = listener_arm,
    .discard = tow_socket_discard,
    .watch_start = tow_epoll_watch_start,
    .watch_stop = tow_epoll_watch_stop,
};

/* All of this is in Linux 6.1; with less, epoll is the better choice. */
static int open_ring(struct io_uring *ring) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED |
                 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = COMPLETIONS,
    };
    int result = io_uring_queue_init_params(SUBMISSIONS, ring, &parameters);
    if (result >= 0)
        return 0;
    int error = tow_system_error(-result);
    return error == TOW_ERROR_MEMORY || error == TOW_ERROR_DESCRIPTORS ? error : TOW_ERROR_UNSUPPORTED;
}

static int open_parts(uring_loop *self) {
    int error = tow_receive_ring_init(&self->buffers, &self->ring);
    return error != 0 ? error : tow_epoll_open(&self->loop);
}

int tow_loop_new_uring(tow_loop **loop) {
    uring_loop *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    self->foreign_epoll = self->ring_event = -1;
    int error = tow_loop_init(&self->loop, &kind, true);
    if (error != 0)
        goto free_self;
    error = open_ring(&self->ring);
    if (error != 0)
        goto clear_loop;
    error = open_parts(self);
    if (error != 0) {
        free_loop(&self->loop);
        return error;
    }
    *loop = &self->loop;
    return 0;
clear_loop:
    tow_loop_clear(&self->loop);
free_self:
    free(self);
    return error;
}
