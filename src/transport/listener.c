#include "loop_shared.h"
#include "simulated_network.h"
#include "system_error.h"

#include <errno.h>
#include <sys/socket.h>
#include <towline/error.h>
#include <unistd.h>

/* listener->flags */
enum { LISTENER_STARTED = 1, LISTENER_STARVED = 2 };

/* How long accepting rests when descriptors ran out and this loop closes none. */
#define RETRY_AFTER (20 * TOW_MILLISECOND)

int tow_listen_socket(
    tow_loop *loop, const tow_address *address, const tow_listen_options *options, tow_address *bound) {
    static const tow_listen_options defaults;
    return loop->kind->listen(loop, address, options != NULL ? options : &defaults, bound);
}

int tow_listen_share(int fd) {
    if (tow_is_simulated_fd(fd))
        return 0;
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        return tow_system_error(errno);
    return 0;
}

int tow_listener_start(tow_listener *listener, tow_loop *loop, int fd, tow_on_accept on_accept) {
    listener->loop = loop;
    listener->on_accept = on_accept;
    listener->next = NULL;
    listener->retry = (tow_timer){0};
    listener->exhausted = 0;
    listener->fd = fd;
    int error = loop->kind->listener_start(listener);
    if (error != 0)
        return error;
    listener->flags = LISTENER_STARTED;
    loop->open++;
    return 0;
}

static void forget_starved(tow_listener *listener) {
    tow_listener **link = &listener->loop->starved;
    while (*link != listener)
        link = &(*link)->next;
    *link = listener->next;
    listener->flags &= (uint16_t)~LISTENER_STARVED;
    tow_timer_cancel(listener->loop, &listener->retry);
}

void tow_listener_stop(tow_listener *listener) {
    if (!(listener->flags & LISTENER_STARTED))
        return;
    tow_loop *loop = listener->loop;
    if (listener->flags & LISTENER_STARVED)
        forget_starved(listener);
    listener->flags = 0;
    loop->open--;
    loop->kind->listener_stop(listener);
    if (!loop->stepping)
        tow_loop_touch(loop);
}

bool tow_listener_is_started(const tow_listener *listener) {
    return listener->flags & LISTENER_STARTED;
}

static void retry(tow_timer *timer);

static void wait_for_retry(tow_listener *listener) {
    tow_loop *loop = listener->loop;
    tow_timer_set(loop, &listener->retry, loop->now + RETRY_AFTER, retry);
}

static void feed(tow_listener *listener) {
    if (listener->loop->kind->listener_arm(listener, true))
        forget_starved(listener);
    else
        wait_for_retry(listener);
}

static void retry(tow_timer *timer) {
    feed((tow_listener *)((char *)timer - offsetof(tow_listener, retry)));
}

static void starve(tow_listener *listener, int error) {
    tow_loop *loop = listener->loop;
    tow_count(&loop->counters.exhausted);
    listener->exhausted++;
    if (listener->flags & LISTENER_STARVED) /* accepting could not be stopped */
        return;
    listener->next = loop->starved;
    loop->starved = listener;
    listener->flags |= LISTENER_STARVED;
    (void)loop->kind->listener_arm(listener, false);
    wait_for_retry(listener);
    if (listener->on_starved != NULL)
        listener->on_starved(listener, error);
}

void tow_loop_descriptor_closed(tow_loop *loop) {
    for (tow_listener *listener = loop->starved, *next; listener != NULL; listener = next) {
        next = listener->next;
        feed(listener);
    }
}

bool tow_listener_accepted(tow_listener *listener, int result) {
    if (result >= 0) {
        tow_count(&listener->loop->counters.accepts);
        listener->on_accept(listener, result);
        return tow_listener_is_started(listener);
    }
    switch (-result) {
    case EAGAIN:
        return false;
    /* What happened to a connection before it was accepted (accept(2)). */
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ENONET:
    case EOPNOTSUPP:
    case EPERM:
    case ETIMEDOUT:
        return true;
    /* EMFILE, ENFILE, ENOBUFS, ENOMEM; anything else would not be better at once either. */
    default:
        starve(listener, tow_system_error(-result));
        return false;
    }
}

/* The simulated network takes its own along. */
void tow_accepted_drop(int fd) {
    if (!tow_is_simulated_fd(fd))
        close(fd);
}

void tow_loop_discard(tow_loop *loop, int fd) {
    loop->kind->discard(loop, fd);
    tow_loop_descriptor_closed(loop);
}
