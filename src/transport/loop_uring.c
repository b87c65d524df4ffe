/* loop_uring: the loop over io_uring(7): accepts and receives that go on by themselves, and one call for a
 * round: it submits all that streams have said, and brings what came meanwhile.
 *
 * Sends do not wait (MSG_DONTWAIT), so they are complete when the call that submits them returns, and the
 * cork's memory is free again. Those that the kernel did not take (it may be short of memory) are taken back
 * at once, and made without the ring: no send is in it when callbacks run. What has to wait (a stream that is
 * blocked, or paused but must hear of errors; watches; other threads) is left to epoll, whose descriptor the
 * ring polls: a poll of io_uring cannot help completing when the peer has ended its side. */
#include "epoll.h"
#include "socket.h"
#include "system_error.h"
#include "uring.h"
#include "uring_accepts.h"
#include "uring_sends.h"
#include "uring_streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <towline/error.h>
#include <unistd.h>

/* About as many bytes of streams as are best treated in one round. */
enum { ROUND_BYTES = 128 * 1024 };

/* The round. */

static void poll_epoll(tow_uring_loop *self) {
    struct io_uring_sqe *entry = tow_uring_entry(self);
    if (entry == NULL)
        return;
    io_uring_prep_poll_add(entry, self->loop.epoll, EPOLLIN);
    io_uring_sqe_set_data(entry, (char *)self + URING_EPOLL);
    self->epoll_polled = true;
}

static void epoll_is_ready(tow_uring_loop *self) {
    self->epoll_polled = false;
    int count = epoll_wait(self->loop.epoll, self->events, TOW_URING_EVENTS, 0);
    tow_count(&self->loop.counters.system_calls);
    for (int i = 0; i < count; i++)
        if (tow_epoll_tag(&self->events[i]) == TOW_TAG_STREAM)
            tow_uring_stream_event(tow_epoll_pointer(&self->events[i]), self->events[i].events);
        else
            tow_epoll_dispatch(&self->loop, &self->events[i]);
}

static void dispatch(tow_uring_loop *self, char *data, int result, unsigned flags) {
    void *pointer = data - tow_uring_tag(data);
    switch (tow_uring_tag(data)) {
    case URING_RECEIVE:
        self->busy = true;
        tow_uring_receive_done(pointer, result, flags);
        break;
    case URING_STOP_RECEIVE:
        tow_uring_stop_receive_done(pointer, result);
        break;
    case URING_ACCEPT:
        self->busy = true;
        tow_uring_accept_done(pointer, result, flags);
        break;
    case URING_STOP_ACCEPT:
        tow_uring_stop_accept_done(pointer, result);
        break;
    case URING_EPOLL:
        epoll_is_ready(self);
        break;
    }
}

/* What is collected meanwhile is for the next round. */
static void dispatch_all(tow_uring_loop *self) {
    unsigned end = self->collected;
    for (unsigned i = 0; i < end; i++) {
        const tow_completion *one = &self->completions[i];
        self->dispatched = i + 1;
        dispatch(self, one->data, one->result, one->flags);
    }
    self->dispatched = 0;
    self->collected -= end;
    memmove(self->completions, self->completions + end, self->collected * sizeof(tow_completion));
}

/* How many completions to ask for when there are as many sends, which are complete at once. The kernel looks
 * for that many of streams too. Many at a time are cheaper, as long as their bytes stay in cache until they
 * are sent. */
static unsigned completions_to_ask_for(const tow_uring_loop *self) {
    if (self->received_bytes == 0)
        return self->sending;
    size_t limit = (size_t)ROUND_BYTES * self->receives / self->received_bytes;
    return limit == 0 ? 1 : limit < self->sending ? (unsigned)limit : self->sending;
}

/* Whether there is something to do that nothing else will wake the loop for. */
static bool is_behind(const tow_uring_loop *self) {
    return self->collected > 0 || self->acceptances_changed;
}

/* Submits what is prepared, and waits. Sends are complete at once, so with some of them there is nothing to
 * wait for. */
static int enter(tow_uring_loop *self, bool wait) {
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
static void note_losses(tow_uring_loop *self) {
    unsigned lost = IO_URING_READ_ONCE(*self->ring.cq.koverflow);
    if (lost == self->lost)
        return;
    self->lost = lost;
    self->epoll_polled = false;
    tow_uring_accepts_doubt(self);
}

/* The first thread that steps is the one that may submit. (liburing 2.3 declares io_uring_enable_rings and
 * does not export it.) */
static int enable(tow_uring_loop *self) {
    if (syscall(__NR_io_uring_register, self->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) != 0)
        return tow_system_error(errno);
    self->enabled = true;
    return 0;
}

static void drain_ring_event(tow_uring_loop *self) {
    eventfd_t count;
    tow_count(&self->loop.counters.system_calls);
    if (eventfd_read(self->ring_event, &count) != 0) {
        /* Nothing has come. */
    }
}

static int turn(tow_loop *loop, bool wait) {
    tow_uring_loop *self = tow_uring_of(loop);
    int error = self->enabled ? 0 : enable(self);
    if (error != 0)
        return error;
    if (self->ring_event >= 0)
        drain_ring_event(self);
    if (!self->epoll_polled)
        poll_epoll(self);
    tow_uring_accepts_end(self);
    tow_uring_accepts_adjust(self);
    tow_uring_prepare_sends(self);
    int result = enter(self, wait);
    loop->now = tow_system_clock(loop);
    self->busy = false;
    self->receives = 0;
    self->received_bytes = 0;
    tow_uring_settle(self);
    note_losses(self);
    dispatch_all(self);
    if (self->busy)
        tow_loop_touch(loop);
    return result >= 0 || is_passing(result) ? 0 : tow_system_error(-result);
}

static void flush(tow_loop *loop) {
    tow_uring_loop *self = tow_uring_of(loop);
    if (!loop->stepping)
        tow_uring_accepts_adjust(self);
    tow_uring_prepare_sends(self);
    if (io_uring_sq_ready(&self->ring) > 0)
        tow_uring_submit_and_settle(self);
    if (io_uring_sq_ready(&self->ring) > 0 || is_behind(self))
        tow_loop_touch(loop);
}

/* For foreign loops: a ring's own descriptor does not wake an epoll that sleeps on it, as completions are
 * only made when the loop's thread asks (IORING_SETUP_DEFER_TASKRUN); an eventfd of the ring does. */
static int open_foreign(tow_uring_loop *self) {
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

static void close_foreign(tow_uring_loop *self) {
    if (self->foreign_epoll >= 0)
        close(self->foreign_epoll);
    if (self->ring_event >= 0)
        close(self->ring_event);
    self->foreign_epoll = self->ring_event = -1;
}

static int descriptor(tow_loop *loop) {
    tow_uring_loop *self = tow_uring_of(loop);
    int error = self->foreign_epoll >= 0 ? 0 : open_foreign(self);
    if (error == 0)
        return self->foreign_epoll;
    close_foreign(self);
    return error;
}

static void free_loop(tow_loop *loop) {
    tow_uring_loop *self = tow_uring_of(loop);
    close_foreign(self);
    io_uring_queue_exit(&self->ring);
    tow_receive_ring_clear(&self->buffers);
    tow_loop_clear(loop);
    free(self);
}

static const tow_loop_kind kind = {
    .name = "io_uring",
    .streams = &tow_uring_streams,
    .gathers = true,
    .free = free_loop,
    .turn = turn,
    .flush = flush,
    .fd = descriptor,
    .arm = tow_epoll_arm,
    .clock = tow_system_clock,
    .wall_milliseconds = tow_system_wall_milliseconds,
    .random = tow_system_random,
    .listen = tow_socket_listen,
    .listener_start = tow_uring_listener_start,
    .listener_stop = tow_uring_listener_stop,
    .listener_arm = tow_uring_listener_arm,
    .discard = tow_socket_discard,
    .watch_start = tow_epoll_watch_start,
    .watch_stop = tow_epoll_watch_stop,
};

/* All of this is in Linux 6.1; with less, epoll is the better choice. */
static int open_ring(struct io_uring *ring) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED |
                 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = TOW_URING_COMPLETIONS,
    };
    int result = io_uring_queue_init_params(TOW_URING_SUBMISSIONS, ring, &parameters);
    if (result >= 0)
        return 0;
    int error = tow_system_error(-result);
    return error == TOW_ERROR_MEMORY || error == TOW_ERROR_DESCRIPTORS ? error : TOW_ERROR_UNSUPPORTED;
}

static int open_parts(tow_uring_loop *self) {
    int error = tow_receive_ring_init(&self->buffers, &self->ring);
    return error != 0 ? error : tow_epoll_open(&self->loop);
}

int tow_loop_new_uring(tow_loop **loop) {
    tow_uring_loop *self = calloc(1, sizeof(*self));
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
