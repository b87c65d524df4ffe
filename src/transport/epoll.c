#include "epoll.h"

#include "direct_stream.h"
#include "system_error.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <towline/error.h>
#include <unistd.h>

int tow_epoll_control(tow_loop *loop, int operation, int fd, uint32_t events, void *pointer, unsigned tag) {
    tow_count(&loop->counters.system_calls);
    struct epoll_event event = {.events = events, .data.ptr = (char *)pointer + tag};
    return epoll_ctl(loop->epoll, operation, fd, &event) == 0 ? 0 : tow_system_error(errno);
}

int tow_epoll_open(tow_loop *loop) {
    loop->buffer = aligned_alloc(4096, TOW_DIRECT_SIZE);
    if (loop->buffer == NULL)
        return TOW_ERROR_MEMORY;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return tow_system_error(errno);
    return tow_epoll_control(loop, EPOLL_CTL_ADD, loop->wake_fd, EPOLLIN, loop, TOW_TAG_WAKE);
}

int tow_epoll_attach(tow_stream *stream, uint32_t events) {
    int operation = stream->flags & STREAM_DETACHED ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    int error = tow_epoll_control(stream->loop, operation, stream->fd, events, stream, TOW_TAG_STREAM);
    if (error == 0)
        tow_stream_clear_flags(stream, STREAM_DETACHED);
    return error;
}

/* Closing would do, if no child process could hold a copy of the descriptor. */
void tow_epoll_detach(tow_stream *stream) {
    if (stream->flags & STREAM_DETACHED)
        return;
    stream->flags |= STREAM_DETACHED;
    (void)tow_epoll_control(stream->loop, EPOLL_CTL_DEL, stream->fd, 0, stream, TOW_TAG_STREAM);
}

int tow_epoll_watch_start(tow_watch *watch) {
    uint32_t events = (watch->wanted & TOW_READABLE ? EPOLLIN : 0U) |
                      (watch->wanted & TOW_WRITABLE ? EPOLLOUT : 0U) |
                      (watch->wanted & TOW_HUNG_UP ? EPOLLRDHUP : 0U);
    return tow_epoll_control(watch->loop, EPOLL_CTL_ADD, watch->fd, events, watch, TOW_TAG_WATCH);
}

void tow_epoll_watch_stop(tow_watch *watch) {
    (void)tow_epoll_control(watch->loop, EPOLL_CTL_DEL, watch->fd, 0, watch, TOW_TAG_WATCH);
}

/* A broken descriptor is ready for whatever is wanted: the attempt tells what is wrong. */
static void watch_event(tow_watch *watch, uint32_t events) {
    if (!watch->started)
        return;
    int ready = (events & EPOLLIN ? TOW_READABLE : 0) | (events & EPOLLOUT ? TOW_WRITABLE : 0) |
                (events & EPOLLRDHUP ? TOW_HUNG_UP : 0);
    if (events & (EPOLLERR | EPOLLHUP))
        ready = watch->wanted;
    watch->callback(watch, ready);
}

static void drain(int fd) {
    uint64_t count;
    if (read(fd, &count, sizeof(count)) < 0) {
        /* It was drained, or set anew, meanwhile. */
    }
}

void tow_epoll_dispatch(tow_loop *loop, const struct epoll_event *event) {
    switch (tow_epoll_tag(event)) {
    case TOW_TAG_WATCH:
        watch_event(tow_epoll_pointer(event), event->events);
        break;
    case TOW_TAG_WAKE:
        tow_count(&loop->counters.system_calls);
        drain(loop->wake_fd);
        break;
    case TOW_TAG_TIMER:
        tow_count(&loop->counters.system_calls);
        drain(loop->timer_fd);
        break;
    }
}

int tow_epoll_open_timer(tow_loop *loop, int epoll) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return tow_system_error(errno);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = (char *)loop + TOW_TAG_TIMER};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return fd;
    int error = tow_system_error(errno);
    close(fd);
    return error;
}

void tow_epoll_arm(tow_loop *loop, int64_t deadline) {
    struct itimerspec when = {0};
    if (deadline != INT64_MAX) {
        when.it_value.tv_sec = (time_t)(deadline / TOW_SECOND);
        when.it_value.tv_nsec = (long)(deadline % TOW_SECOND);
    }
    if (deadline == 0)
        when.it_value.tv_nsec = 1; /* nothing but zeros would disarm it */
    tow_count(&loop->counters.system_calls);
    (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}
