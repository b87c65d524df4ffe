/* loop_uring: the loop over io_uring(7): accepts and receives that go on by themselves, and one call for a
 * round: it submits all that streams have said, and brings what came meanwhile.
 *
 * Sends do not wait (MSG_DONTWAIT), so they are complete when the call that submits them returns, and the
 * cork's memory is free again. Those that the kernel did not take (it may be short of memory) are taken back
 * at once, and made without the ring: no send is in it when callbacks run. What has to wait (a stream that is
 * blocked, or paused but must hear of errors; watches; other threads) is left to epoll, whose descriptor the
 * ring polls: a poll of io_uring cannot help completing when the peer has ended its side. */
#include "direct_stream.h"
#include "epoll.h"
#include "receive_ring.h"
#include "socket.h"
#include "system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <towline/error.h>
#include <unistd.h>

enum { SUBMISSIONS = 1024, COMPLETIONS = 8192, EVENTS = 64 };

/* How many completions may wait in our own memory. */
enum { COLLECTED = 2 * COMPLETIONS };

/* About as many bytes of streams as are best treated in one round. */
enum { ROUND_BYTES = 128 * 1024 };

/* A stream that fills a whole buffer of the ring is read directly from then on, until so many reads in a row
 * were smaller than that. */
enum { SMALL_READ = 8 * 1024, SMALL_READS = 16 };

/* In the low bits of a completion's pointer. The stops cancel what goes on by itself. */
enum {
    TAG_NONE,
    TAG_RECEIVE,
    TAG_STOP_RECEIVE,
    TAG_SEND,
    TAG_ACCEPT,
    TAG_STOP_ACCEPT,
    TAG_EPOLL,
    TAG_MASK = 7
};

static unsigned tag_of(const char *data) {
    return (uintptr_t)data & TAG_MASK;
}

/* An accept under way. It outlives its listener until the kernel is done with it. */
typedef struct acceptance {
    struct acceptance *next;
    tow_loop *loop;
    tow_listener *listener; /* NULL once stopped */
    int fd;                 /* the listener's, -1 once closed */
    bool wanted;
    bool under_way;
    bool stopping; /* and is being cancelled */
    bool doubtful; /* and its last completion may have been lost: to be cancelled and begun anew */
} acceptance;

/* What was taken out of the ring, to be dispatched. */
typedef struct completion {
    char *data;
    int result;
    unsigned flags;
} completion;

typedef struct uring_loop {
    tow_loop loop;
    struct io_uring ring;
    tow_receive_ring buffers;
    bool enabled;      /* by the thread that steps */
    bool epoll_polled; /* the ring polls loop.epoll */
    bool busy; /* the last call brought something of streams: there may be more that has not been asked for */
    unsigned sending;      /* sends in the ring, or whose result has not been looked at */
    unsigned collected;    /* completions to be dispatched */
    unsigned receives;     /* in this round */
    size_t received_bytes; /* by them */
    acceptance *acceptances;
    bool acceptances_changed; /* some are to start, to cancel or to end */
    unsigned lost;            /* completions, as far as they were noted */
    int foreign_epoll;        /* for tow_loop_fd; -1 until then */
    int ring_event;           /* an eventfd that the ring writes to; the same */
    struct epoll_event events[EVENTS];
    struct msghdr headers[SUBMISSIONS]; /* of the sends */
    completion completions[COLLECTED];
} uring_loop;

static uring_loop *of(tow_loop *loop) {
    return (uring_loop *)loop;
}

/* Submissions. */

static int submit(uring_loop *self) {
    tow_count(&self->loop.counters.system_calls);
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

/* The kernel says how many it found (IORING_ASYNC_CANCEL_ALL), as a rule in the same call: no such entry is
 * in the ring, nor its completion on the way, when callbacks run. */
static bool cancel(uring_loop *self, void *pointer, unsigned tag, unsigned stop_tag) {
    struct io_uring_sqe *entry = get_entry(self);
    if (entry == NULL)
        return false;
    io_uring_prep_cancel(entry, (char *)pointer + tag, IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data(entry, (char *)pointer + stop_tag);
    return true;
}

/* Whether completions were ever dropped, as the kernel had no memory for those that found the ring full: then
 * what can't be found any more is over. */
static bool has_lost(const uring_loop *self) {
    return IO_URING_READ_ONCE(*self->ring.cq.koverflow) > 0;
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
    if (!cancel(of(stream->loop), stream, TAG_RECEIVE, TAG_STOP_RECEIVE))
        return false;
    stream->flags |= STREAM_STOPPING;
    return true;
}

static bool is_being_stopped(const tow_stream *stream) {
    return stream->flags & STREAM_STOPPING &&
           !has_lost(of(stream->loop)); /* else nobody may tell how it went */
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

/* Completions of streams. */

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
        if (!tow_receive_ring_grow(&of(stream->loop)->buffers))
            stream->flags |= STREAM_DIRECT;
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
    receive_over(stream);
}

/* If the kernel found the receive, its last completion follows; it may also have come just before. */
static void stop_receive_done(tow_stream *stream, int result) {
    if (result > 0 || !(stream->flags & STREAM_STOPPING))
        return;
    if (result < 0 || !has_lost(of(stream->loop))) {
        tow_stream_clear_flags(stream, STREAM_STOPPING);
        tow_loop_attend(stream);
        return;
    }
    tow_stream_fail(stream, TOW_ERROR_MEMORY); /* bytes may be missing */
    receive_over(stream);
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

/* Listeners. */

static void acceptance_changed(acceptance *one) {
    of(one->loop)->acceptances_changed = true;
    if (!one->loop->stepping)
        tow_loop_touch(one->loop);
}

static bool start_accepting(uring_loop *self, acceptance *one) {
    struct io_uring_sqe *entry = get_entry(self);
    if (entry == NULL)
        return false;
    io_uring_prep_multishot_accept(entry, one->fd, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(entry, (char *)one + TAG_ACCEPT);
    one->under_way = true;
    return true;
}

/* Whether nothing is left to do for it. */
static bool adjust_accepting(uring_loop *self, acceptance *one) {
    if (!one->under_way)
        return one->wanted ? start_accepting(self, one) : one->listener != NULL;
    if (!one->stopping && (!one->wanted || one->doubtful))
        one->stopping = cancel(self, one, TAG_ACCEPT, TAG_STOP_ACCEPT);
    return one->stopping || (one->wanted && !one->doubtful);
}

/* Not while completions are dispatched: some may be of what ends. */
static void adjust_all_accepting(uring_loop *self) {
    bool changed = self->acceptances_changed;
    self->acceptances_changed = false;
    for (acceptance *one = self->acceptances; changed && one != NULL; one = one->next)
        if (!adjust_accepting(self, one))
            self->acceptances_changed = true;
}

/* A stopped listener keeps the loop alive until its address is free again. */
static void end_acceptance(acceptance *one) {
    one->loop->open--;
    one->loop->closing--;
    if (one->fd >= 0)
        close(one->fd);
    free(one);
}

static void end_acceptances(uring_loop *self) {
    acceptance **link = &self->acceptances;
    while (self->acceptances_changed && *link != NULL) {
        acceptance *one = *link;
        bool over = one->listener == NULL && !one->under_way;
        *link = over ? one->next : one;
        if (over)
            end_acceptance(one);
        else
            link = &one->next;
    }
}

static int listener_start(tow_listener *listener) {
    acceptance *one = calloc(1, sizeof(*one));
    if (one == NULL)
        return TOW_ERROR_MEMORY;
    uring_loop *self = of(listener->loop);
    *one = (acceptance){.next = self->acceptances,
        .loop = listener->loop,
        .listener = listener,
        .fd = listener->fd,
        .wanted = true};
    self->acceptances = one;
    listener->request = one;
    acceptance_changed(one);
    return 0;
}

static void listener_arm(tow_listener *listener, bool armed) {
    acceptance *one = listener->request;
    one->wanted = armed;
    acceptance_changed(one);
}

/* The number of a closed descriptor may be another one's when the kernel comes to an entry with it. */
static void listener_stop(tow_listener *listener) {
    acceptance *one = listener->request;
    one->listener = NULL;
    one->wanted = false;
    one->loop->open++;
    one->loop->closing++;
    if (!one->under_way) {
        close(one->fd);
        one->fd = -1;
    }
    acceptance_changed(one);
}

static void accept_over(acceptance *one) {
    one->under_way = one->stopping = one->doubtful = false;
    acceptance_changed(one);
}

static void accept_done(acceptance *one, int result, unsigned flags) {
    if (one->listener != NULL && result != -ECANCELED)
        tow_listener_accepted(one->listener, result);
    else if (result >= 0)
        close(result);
    if (!(flags & IORING_CQE_F_MORE))
        accept_over(one);
}

/* As stop_receive_done. */
static void stop_accept_done(acceptance *one, int result) {
    if (result > 0 || !one->stopping)
        return;
    one->stopping = false;
    acceptance_changed(one);
    if (result == 0 && has_lost(of(one->loop)))
        accept_over(one);
}

/* The round. */

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

/* Sends. */

static void send_done(tow_stream *stream, int result) {
    of(stream->loop)->sending--;
    tow_stream_clear_flags(stream, STREAM_SENDING);
    if (result == -EAGAIN || result == -EINTR)
        result = 0;
    tow_stream_settle(stream, result >= 0 ? result : tow_system_error(-result));
}

/* Empties the kernel's ring. The results of sends come before all others, so that the cork starts over before
 * anybody writes to it. */
static void collect(uring_loop *self) {
    unsigned head;
    unsigned count = 0;
    struct io_uring_cqe *entry;
    io_uring_for_each_cqe(&self->ring, head, entry) {
        if (self->collected == COLLECTED)
            break;
        char *data = io_uring_cqe_get_data(entry);
        if (tag_of(data) == TAG_SEND)
            send_done((tow_stream *)(void *)(data - TAG_SEND), entry->res);
        else
            self->completions[self->collected++] =
                (completion){.data = data, .result = entry->res, .flags = entry->flags};
        count++;
    }
    io_uring_cq_advance(&self->ring, count);
}

/* The kernel has not looked at the entry: nothing is left of it in the ring. */
static void take_back(uring_loop *self, struct io_uring_sqe *entry) {
    char *data = (char *)(uintptr_t)entry->user_data; // NOLINT(performance-no-int-to-ptr)
    unsigned tag = tag_of(data);
    void *pointer = data - tag;
    if (tag != TAG_SEND && tag != TAG_STOP_RECEIVE && tag != TAG_STOP_ACCEPT)
        return;
    io_uring_prep_nop(entry);
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data(entry, NULL);
    if (tag == TAG_STOP_RECEIVE) {
        stop_receive_done(pointer, -EAGAIN);
    } else if (tag == TAG_STOP_ACCEPT) {
        stop_accept_done(pointer, -EAGAIN);
    } else {
        self->sending--;
        tow_stream_clear_flags(pointer, STREAM_SENDING);
        tow_stream_send_cork(pointer); /* without the ring */
    }
}

/* Those entries that point to memory which is about to be used again. */
static void take_back_entries(uring_loop *self) {
    const struct io_uring_sq *queue = &self->ring.sq;
    for (unsigned i = queue->sqe_tail - io_uring_sq_ready(&self->ring); i != queue->sqe_tail; i++)
        take_back(self, &queue->sqes[i & (SUBMISSIONS - 1)]);
}

/* The kernel had no memory to say how these went. */
static void lose_sends(uring_loop *self) {
    tow_cork *cork = &self->loop.cork;
    for (uint32_t i = 0; self->sending > 0 && i < cork->count; i++) {
        tow_stream *stream = cork->segments[i].stream;
        if (stream == NULL || !(stream->flags & STREAM_SENDING))
            continue;
        send_done(stream, -ENOMEM);
    }
}

/* Whether the ring of completions was too small for what came, so that the kernel keeps some of it. */
static bool may_collect_more(uring_loop *self) {
    return io_uring_cq_has_overflow(&self->ring) && self->collected <= COLLECTED - COMPLETIONS &&
           io_uring_get_events(&self->ring) >= 0;
}

/* After this neither sends nor cancels are in the ring, however the submission went. */
static void settle(uring_loop *self) {
    collect(self);
    take_back_entries(self);
    while (self->sending > 0 && may_collect_more(self))
        collect(self);
    lose_sends(self);
}

static void submit_and_settle(uring_loop *self) {
    (void)submit(self); /* the kernel takes less when it is short of memory */
    settle(self);
}

/* Returns how many pieces were used. */
static int prepare_send(uring_loop *self, tow_stream *stream, struct iovec *pieces) {
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
    io_uring_sqe_set_data(entry, (char *)stream + TAG_SEND);
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
static bool has_room(const uring_loop *self) {
    return io_uring_sq_space_left(&self->ring) > 0 && self->collected <= COLLECTED - COMPLETIONS;
}

/* One entry for each stream that has something in the cork; without room a call of its own. */
static void prepare_sends(uring_loop *self) {
    tow_cork *cork = &self->loop.cork;
    encrypt_all(cork);
    struct iovec *pieces = cork->pieces;
    for (uint32_t i = 0; i < cork->count; i++) {
        tow_stream *stream = cork->segments[i].stream;
        if (stream == NULL || stream->cork_first != i + 1)
            continue;
        if (self->sending > 0 && !has_room(self)) {
            submit_and_settle(self);
            pieces = cork->pieces;
        }
        if (has_room(self))
            pieces += prepare_send(self, stream, pieces);
        else
            tow_stream_send_cork(stream);
    }
}

static void dispatch(uring_loop *self, char *data, int result, unsigned flags) {
    void *pointer = data - tag_of(data);
    switch (tag_of(data)) {
    case TAG_RECEIVE:
        self->busy = true;
        receive_done(pointer, result, flags);
        break;
    case TAG_STOP_RECEIVE:
        stop_receive_done(pointer, result);
        break;
    case TAG_ACCEPT:
        self->busy = true;
        accept_done(pointer, result, flags);
        break;
    case TAG_STOP_ACCEPT:
        stop_accept_done(pointer, result);
        break;
    case TAG_EPOLL:
        epoll_is_ready(self);
        break;
    }
}

/* What is collected meanwhile is for the next round. */
static void dispatch_all(uring_loop *self) {
    unsigned end = self->collected;
    for (unsigned i = 0; i < end; i++) {
        const completion *one = &self->completions[i];
        dispatch(self, one->data, one->result, one->flags);
    }
    self->collected -= end;
    memmove(self->completions, self->completions + end, self->collected * sizeof(completion));
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

/* Whether there is something to do that nothing else will wake the loop for. */
static bool is_behind(const uring_loop *self) {
    return self->collected > 0 || self->acceptances_changed;
}

/* Submits what is prepared, and waits. Sends are complete at once, so with some of them there is nothing to
 * wait for. */
static int enter(uring_loop *self, bool wait) {
    int64_t patience = wait && self->epoll_polled && !is_behind(self) ? tow_loop_patience(&self->loop) : 0;
    tow_count(&self->loop.counters.system_calls);
    if (self->sending > 0)
        return io_uring_submit_and_wait(&self->ring, completions_to_ask_for(self));
    if (patience == 0)
        return io_uring_submit_and_get_events(&self->ring);
    if (patience < 0)
        return io_uring_submit_and_wait(&self->ring, 1);
    struct __kernel_timespec timeout = {.tv_sec = patience / TOW_SECOND, .tv_nsec = patience % TOW_SECOND};
    struct io_uring_cqe *first;
    return io_uring_submit_and_wait_timeout(&self->ring, &first, 1, &timeout, NULL);
}

/* -EBADR: completions were dropped, see note_losses. */
static bool is_passing(int result) {
    return result == -EINTR || result == -ETIME || result == -EAGAIN || result == -EBUSY ||
           result == -ENOMEM || result == -EBADR;
}

/* Completions were dropped, and nobody says whose: what all need begins anew. A receive that was lost is
 * found when its stream is paused or closed, as it is in the end, since it hears of nothing. */
static void note_losses(uring_loop *self) {
    unsigned lost = IO_URING_READ_ONCE(*self->ring.cq.koverflow);
    if (lost == self->lost)
        return;
    self->lost = lost;
    self->epoll_polled = false;
    self->acceptances_changed = true;
    for (acceptance *one = self->acceptances; one != NULL; one = one->next) {
        one->doubtful = one->under_way;
        one->stopping = false;
    }
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
    end_acceptances(self);
    adjust_all_accepting(self);
    prepare_sends(self);
    int result = enter(self, wait);
    loop->now = tow_system_clock(loop);
    self->busy = false;
    self->receives = 0;
    self->received_bytes = 0;
    settle(self);
    note_losses(self);
    dispatch_all(self);
    if (self->busy)
        tow_loop_touch(loop);
    return result >= 0 || is_passing(result) ? 0 : tow_system_error(-result);
}

static void flush(tow_loop *loop) {
    uring_loop *self = of(loop);
    if (!loop->stepping)
        adjust_all_accepting(self);
    prepare_sends(self);
    if (io_uring_sq_ready(&self->ring) > 0)
        submit_and_settle(self);
    if (io_uring_sq_ready(&self->ring) > 0 || is_behind(self))
        tow_loop_touch(loop);
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
