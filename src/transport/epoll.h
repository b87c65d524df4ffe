/* epoll: readiness of descriptors, as both real kinds of loop use it: the epoll loop for everything, the
 * io_uring loop for what is no stream of bytes (watches, waking up) and for streams that can't go on.
 *
 * It knows a descriptor's owner by a pointer whose low bits tell the kind. */
#ifndef TOW_TRANSPORT_EPOLL_H
#define TOW_TRANSPORT_EPOLL_H

#include "loop_shared.h"

#include <sys/epoll.h>

enum {
    TOW_TAG_STREAM,
    TOW_TAG_LISTENER,
    TOW_TAG_WATCH,
    TOW_TAG_WAKE,
    TOW_TAG_TIMER,
    TOW_TAG_NOTHING,
    TOW_TAG_MASK = 7
};

/* Makes loop->buffer, and loop->epoll, and has it tell of loop->wake_fd. Errors: DESCRIPTORS, MEMORY, SYSTEM.
 */
int tow_epoll_open(tow_loop *loop);

int tow_epoll_control(tow_loop *loop, int operation, int fd, uint32_t events, void *pointer, unsigned tag);

static inline unsigned tow_epoll_tag(const struct epoll_event *event) {
    return (uintptr_t)event->data.ptr & TOW_TAG_MASK;
}

static inline void *tow_epoll_pointer(const struct epoll_event *event) {
    return (char *)event->data.ptr - tow_epoll_tag(event);
}

/* Adds a stream or changes what is wanted of it. */
int tow_epoll_attach(tow_stream *stream, uint32_t events);
void tow_epoll_detach(tow_stream *stream);

/* Handles what is neither a stream's nor a listener's. */
void tow_epoll_dispatch(tow_loop *loop, const struct epoll_event *event);

/* A timerfd in `epoll`, for foreign loops; returns it. */
int tow_epoll_open_timer(tow_loop *loop, int epoll);

/* tow_loop_kind.arm, .watch_start and .watch_stop */
void tow_epoll_arm(tow_loop *loop, int64_t deadline);
int tow_epoll_watch_start(tow_watch *watch);
void tow_epoll_watch_stop(tow_watch *watch);

#endif
