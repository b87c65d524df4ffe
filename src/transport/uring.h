/* uring: the loop over io_uring, as its parts see it, and entries of its ring.
 *
 * An entry's pointer has a tag in its low bits, which says what it is about; so has its completion's. */
#ifndef TOW_TRANSPORT_URING_H
#define TOW_TRANSPORT_URING_H

#include "loop_shared.h"
#include "receive_ring.h"

#include <liburing.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { TOW_URING_SUBMISSIONS = 1024, TOW_URING_COMPLETIONS = 8192, TOW_URING_EVENTS = 64 };

/* How many completions may wait in our own memory. */
enum { TOW_URING_COLLECTED = 2 * TOW_URING_COMPLETIONS };

/* The stops cancel what goes on by itself. */
enum {
    URING_NONE,
    URING_RECEIVE,
    URING_STOP_RECEIVE,
    URING_SEND,
    URING_ACCEPT,
    URING_STOP_ACCEPT,
    URING_EPOLL,
    URING_TAG_MASK = 7
};

static inline unsigned tow_uring_tag(const char *data) {
    return (uintptr_t)data & URING_TAG_MASK;
}

struct tow_acceptance; /* see uring_accepts */

/* What was taken out of the ring, to be dispatched. */
typedef struct tow_completion {
    char *data;
    int result;
    unsigned flags;
} tow_completion;

typedef struct tow_uring_loop {
    tow_loop loop;
    struct io_uring ring;
    tow_receive_ring buffers;
    bool enabled;      /* by the thread that steps */
    bool epoll_polled; /* the ring polls loop.epoll */
    bool busy; /* the last call brought something of streams: there may be more that has not been asked for */
    unsigned sending;      /* sends in the ring, or whose result has not been looked at */
    unsigned collected;    /* completions to be dispatched */
    unsigned dispatched;   /* of them, in this round so far */
    unsigned receives;     /* in this round */
    size_t received_bytes; /* by them */
    struct tow_acceptance *acceptances;
    bool acceptances_changed; /* some are to start, to cancel or to end */
    unsigned lost;            /* completions, as far as they were noted */
    int foreign_epoll;        /* for tow_loop_fd; -1 until then */
    int ring_event;           /* an eventfd that the ring writes to; the same */
    struct epoll_event events[TOW_URING_EVENTS];
    struct msghdr headers[TOW_URING_SUBMISSIONS]; /* of the sends */
    tow_completion completions[TOW_URING_COLLECTED];
} tow_uring_loop;

static inline tow_uring_loop *tow_uring_of(tow_loop *loop) {
    return (tow_uring_loop *)loop;
}

/* Gives what is prepared to the kernel. */
int tow_uring_submit(tow_uring_loop *self);

/* NULL if the kernel takes no more at the moment. */
struct io_uring_sqe *tow_uring_entry(tow_uring_loop *self);

/* Cancels the entry with this pointer and tag. The kernel says how many it found (IORING_ASYNC_CANCEL_ALL),
 * as a rule in the same call: no such entry is in the ring, nor its completion on the way, when callbacks
 * run. */
bool tow_uring_cancel(tow_uring_loop *self, void *pointer, unsigned tag, unsigned stop_tag);

/* Whether an entry has completed and its completion was not dispatched yet. */
bool tow_uring_is_collected(const tow_uring_loop *self, const char *data);

/* Whether completions were ever dropped, as the kernel had no memory for those that found the ring full: then
 * what can't be found any more is over. */
bool tow_uring_has_lost(const tow_uring_loop *self);

#endif
