/* loop_epoll: the loop over epoll(7), level-triggered, with one buffer for all reads.
 *
 * A readable stream costs one recv, and one send if it has said something meanwhile; interest in it is
 * changed only when a stream blocks, or when an event comes that is not wanted (any more). */
#include "direct_stream.h"
#include "epoll.h"
#include "socket.h"
#include "system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <towline/error.h>
#include <unistd.h>

enum { EVENTS = 512, ACCEPTS = 64 };

typedef struct epoll_loop {
    tow_loop loop;
    struct epoll_event events[EVENTS];
} epoll_loop;

/* Streams. */

static int start(tow_stream *stream) {
    stream->flags |= STREAM_DIRECT;
    return tow_direct_attach(stream, STREAM_READING);
}

static int start_connect(tow_stream *stream, const tow_address *address) {
    int refusal;
    stream->flags |= STREAM_DIRECT;
    int error = tow_socket_connect(address, &stream->fd, &refusal);
    if (error != 0)
        return error;
    if (refusal != 0) {
        tow_stream_fail(stream, refusal);
        return 0;
    }
    error = tow_direct_attach(stream, STREAM_WRITING);
    if (error != 0)
        close(stream->fd);
    return error;
}

static bool close_stream(tow_stream *stream) {
    tow_direct_detach(stream);
    tow_socket_close(stream);
    return true;
}

static const tow_stream_class streams = {
    .start = start,
    .connect = start_connect,
    .send = tow_socket_send,
    .update = tow_direct_update,
    .shutdown = tow_socket_shutdown,
    .close = close_stream,
    .release = tow_direct_detach,
    .untaken = tow_socket_untaken,
    .is_quiet = tow_socket_is_quiet,
    .peer = tow_socket_peer,
    .local = tow_socket_local,
};

/* Listeners. */

static int listener_start(tow_listener *listener) {
    int flags = fcntl(listener->fd, F_GETFL);
    if (flags < 0 || fcntl(listener->fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return tow_system_error(errno);
    return tow_epoll_control(
        listener->loop, EPOLL_CTL_ADD, listener->fd, EPOLLIN, listener, TOW_TAG_LISTENER);
}

/* Its memory may be gone when the round comes to what it has on it. Events of earlier rounds do not matter.
 */
static void forget_events(epoll_loop *self, const tow_listener *listener) {
    for (int i = 0; i < EVENTS; i++) {
        if (tow_epoll_pointer(&self->events[i]) == listener)
            self->events[i].data.ptr = (char *)&self->loop + TOW_TAG_NOTHING;
    }
}

static void listener_stop(tow_listener *listener) {
    forget_events((epoll_loop *)listener->loop, listener);
    (void)tow_epoll_control(listener->loop, EPOLL_CTL_DEL, listener->fd, 0, listener, TOW_TAG_LISTENER);
    close(listener->fd);
}

static bool listener_arm(tow_listener *listener, bool armed) {
    return tow_epoll_control(listener->loop, EPOLL_CTL_MOD, listener->fd, armed ? EPOLLIN : 0, listener,
               TOW_TAG_LISTENER) == 0;
}

static void listener_event(tow_listener *listener) {
    for (int i = 0; i < ACCEPTS && tow_listener_is_started(listener); i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        tow_count(&listener->loop->counters.system_calls);
        if (!tow_listener_accepted(listener, fd >= 0 ? fd : -errno))
            return;
    }
}

/* The loop. */

static void dispatch(tow_loop *loop, const struct epoll_event *event) {
    switch (tow_epoll_tag(event)) {
    case TOW_TAG_STREAM:
        tow_direct_event(tow_epoll_pointer(event), event->events);
        break;
    case TOW_TAG_LISTENER:
        listener_event(tow_epoll_pointer(event));
        break;
    default:
        tow_epoll_dispatch(loop, event);
    }
}

static void flush(tow_loop *loop) {
    tow_cork *cork = &loop->cork;
    for (uint32_t i = 0; i < cork->count; i++)
        if (cork->segments[i].stream != NULL)
            tow_stream_send_cork(cork->segments[i].stream);
}

/* epoll_wait counts in milliseconds: rounded up, so that a timer is due when it returns. */
static int milliseconds(int64_t patience) {
    if (patience < 0)
        return -1;
    int64_t timeout = (patience + TOW_MILLISECOND - 1) / TOW_MILLISECOND;
    return timeout < INT32_MAX ? (int)timeout : INT32_MAX;
}

static int turn(tow_loop *loop, bool wait) {
    epoll_loop *self = (epoll_loop *)loop;
    flush(loop);
    int timeout = wait ? milliseconds(tow_loop_patience(loop)) : 0;
    int count = epoll_wait(loop->epoll, self->events, EVENTS, timeout);
    int error = count < 0 && errno != EINTR ? tow_system_error(errno) : 0;
    tow_count(&loop->counters.system_calls);
    loop->now = tow_system_clock(loop);
    for (int i = 0; i < count; i++)
        dispatch(loop, &self->events[i]);
    return error;
}

static int descriptor(tow_loop *loop) {
    if (loop->timer_fd < 0) {
        int fd = tow_epoll_open_timer(loop, loop->epoll);
        if (fd < 0)
            return fd;
        loop->timer_fd = fd;
    }
    return loop->epoll;
}

static void free_loop(tow_loop *loop) {
    tow_loop_clear(loop);
    free(loop);
}

static const tow_loop_kind kind = {
    .name = "epoll",
    .streams = &streams,
    .free = free_loop,
    .turn = turn,
    .flush = flush,
    .fd = descriptor,
    .arm = tow_epoll_arm,
    .clock = tow_system_clock,
    .wall_milliseconds = tow_system_wall_milliseconds,
    .random = tow_system_random,
    .listen = tow_socket_listen,
    .listener_start = listener_start,
    .listener_stop = listener_stop,
    .listener_arm = listener_arm,
    .discard = tow_socket_discard,
    .watch_start = tow_epoll_watch_start,
    .watch_stop = tow_epoll_watch_stop,
};

int tow_loop_new_epoll(tow_loop **loop) {
    epoll_loop *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_loop_init(&self->loop, &kind, true);
    if (error != 0) {
        free(self);
        return error;
    }
    error = tow_epoll_open(&self->loop);
    if (error != 0) {
        free_loop(&self->loop);
        return error;
    }
    *loop = &self->loop;
    return 0;
}
