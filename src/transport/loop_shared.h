/* loop_shared: what the kinds of loop (epoll, io_uring, simulated) and the parts that they share know of each
 * other.
 *
 * A round: `attend` to streams that failed, closed or changed; `turn` sends the cork, waits and delivers what
 * is ready; timers; tasks. Nothing is freed inside a turn: what was closed is only marked, so that events
 * that were fetched before still point at memory, and are ignored. */
#ifndef TOW_TRANSPORT_LOOP_SHARED_H
#define TOW_TRANSPORT_LOOP_SHARED_H

#include "base/count.h"
#include "cork.h"
#include "mailbox.h"
#include "random.h"
#include "timer_wheel.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/stream.h"
#include "transport/watch.h"

/* stream->flags */
enum {
    STREAM_CONNECTING = 1 << 0, /* blocked as well */
    STREAM_BLOCKED = 1 << 1,    /* on_writable is to come */
    STREAM_PAUSED = 1 << 2,
    STREAM_ENDED = 1 << 3,  /* the peer's FIN was delivered */
    STREAM_SHUT = 1 << 4,   /* our FIN was sent */
    STREAM_FAILED = 1 << 5, /* stream->failure says how */
    STREAM_TOLD = 1 << 6,   /* and the owner knows */
    STREAM_CLOSED = 1 << 7, /* by the owner */
    STREAM_RESET = 1 << 8,  /* close with RST */
    STREAM_LISTED = 1 << 9, /* in the loop's list of streams to attend to */
    STREAM_FIN = 1 << 19,   /* the peer's FIN has come since the stream was paused */
    /* of the real kinds of loop */
    STREAM_DIRECT = 1 << 10,   /* read by recv(2) when epoll tells of bytes, see direct_stream */
    STREAM_READING = 1 << 11,  /* epoll tells of bytes */
    STREAM_WRITING = 1 << 12,  /* epoll tells of room */
    STREAM_WATCHING = 1 << 20, /* epoll tells of the peer's FIN */
    STREAM_DETACHED = 1 << 13, /* epoll does not know the descriptor */
    STREAM_HUNG = 1 << 14,     /* both sides have ended: there are no more errors to hear of */
    /* of io_uring */
    STREAM_RECEIVING = 1 << 15, /* a receive is under way */
    STREAM_STOPPING = 1 << 16,  /* and is being cancelled */
    STREAM_SENDING = 1 << 17,   /* its cork is in the ring: never while callbacks run */
    /* of all kinds */
    STREAM_YIELDED = 1 << 18, /* on_turn is to come */
    STREAM_RESTING = 1 << 21, /* blocked until the next round, whatever the kernel would take */
};

/* What outlives a change of the stream's class. */
enum { STREAM_LASTING = STREAM_LISTED | STREAM_PAUSED | STREAM_YIELDED };

/* No bytes are delivered in any of these states. */
enum { STREAM_DEAF = STREAM_CONNECTING | STREAM_PAUSED | STREAM_ENDED | STREAM_FAILED | STREAM_CLOSED };
/* No bytes can be given away in any of these. */
enum { STREAM_MUTE = STREAM_BLOCKED | STREAM_SHUT | STREAM_FAILED | STREAM_CLOSED };

static inline void tow_stream_clear_flags(tow_stream *stream, uint32_t flags) {
    stream->flags &= ~flags;
}

struct tow_stream_class {
    /* Starts reading. */
    int (*start)(tow_stream *stream);
    /* Starts connecting. */
    int (*connect)(tow_stream *stream, const tow_address *address);
    /* Without waiting. Returns how many bytes were taken, perhaps none, or a negative tow_error. */
    ssize_t (*send)(tow_stream *stream, const struct iovec *pieces, int count);
    /* Sends the stream's cork and settles it; NULL: by `send`. */
    void (*send_cork)(tow_stream *stream);
    /* Flags have changed that decide what the loop should wait for. */
    void (*update)(tow_stream *stream);
    /* When the loop attends to the stream; NULL if there is nothing to do. */
    void (*attend)(tow_stream *stream);
    void (*shutdown)(tow_stream *stream);
    /* Gives the descriptor back. False while operations are under way: the loop attends to the stream again
     * after the last. */
    bool (*close)(tow_stream *stream);
    /* The descriptor is about to be another stream's: the loop forgets it. Nothing is under way on it. */
    void (*release)(tow_stream *stream);
    size_t (*untaken)(const tow_stream *stream);
    /* Whether nothing waits to be read; a failure that is found by that is noted. */
    bool (*is_quiet)(tow_stream *stream);
    int (*peer)(const tow_stream *stream, tow_address *address);
    int (*local)(const tow_stream *stream, tow_address *address);
};

typedef struct tow_loop_kind {
    const char *name;
    const tow_stream_class *streams;
    /* Sends what streams have said together at the end of the round, not when the read of each is done. */
    bool gathers;
    void (*free)(tow_loop *loop);
    /* Sends the cork, waits at most until tow_loop_patience if `wait`, and delivers what is ready. */
    int (*turn)(tow_loop *loop, bool wait);
    /* Sends what is in the cork. */
    void (*flush)(tow_loop *loop);
    /* A descriptor for foreign loops, and when it should become readable by itself. */
    int (*fd)(tow_loop *loop);
    void (*arm)(tow_loop *loop, int64_t deadline);

    int64_t (*clock)(const tow_loop *loop);
    int64_t (*wall_milliseconds)(const tow_loop *loop);
    void (*random)(tow_loop *loop, void *out, size_t length);

    int (*listen)(
        tow_loop *loop, const tow_address *address, const tow_listen_options *options, tow_address *bound);
    int (*listener_start)(tow_listener *listener);
    void (*listener_stop)(tow_listener *listener);
    /* Accepts again (true), or not for a while. */
    bool (*listener_arm)(
        tow_listener *listener, bool armed); /* false: the kernel refused, nothing has changed */
    void (*discard)(tow_loop *loop, int fd);

    int (*watch_start)(tow_watch *watch);
    void (*watch_stop)(tow_watch *watch);
} tow_loop_kind;

/* What tow_timer_new makes: a timer of the wheel is its first field. */
typedef struct tow_user_timer tow_user_timer;

struct tow_loop {
    const tow_loop_kind *kind;
    int64_t now; /* the time of the round */
    tow_loop_counters counters;
    tow_cork cork;
    tow_stream *attention; /* streams to attend to */
    tow_stream **attention_end;
    tow_listener *starved; /* listeners that wait for a descriptor */
    size_t open;           /* streams, listeners and referenced watches */
    size_t closing;        /* streams that are owed on_closed, and other last callbacks */
    uint64_t late_round;   /* the last that was late when somebody asked, and how often that was */
    uint32_t late_count;
    uint64_t turns_round;  /* the last round in which streams had turns: */
    uint64_t crowd;        /* so many, */
    uint64_t crowd_before; /* and in the round before it */
    tow_loop_companion *companions[TOW_COMPANION_COUNT];
    uint8_t *buffer;         /* for direct_stream */
    tow_loop_companion *tls; /* what TLS streams share; NULL until the first one */
    int wake_fd;             /* an eventfd, -1 if no other thread can wake the loop */
    int epoll;               /* -1 in the simulator */
    int timer_fd;            /* -1 until tow_loop_fd */
    bool stepping;
    bool ends;    /* it is being freed: only what is owed is waited for */
    bool foreign; /* tow_loop_fd was asked for */
    bool touched; /* since the last step, and the descriptor says so */
    atomic_bool stop;
    bool no_name_thread;
    tow_mailbox mailbox; /* of tasks, and letters that are urgent */
    tow_mailbox letters; /* of which a round opens a part only */
    tow_timer_wheel timers;
    tow_user_timer *user_timers; /* set or not */
    /* They have no loop any more, and are not set. NULL: there were never any. */
    void (*part_user_timers)(tow_loop *loop);
    struct tow_child *children;           /* that run */
    void (*end_children)(tow_loop *loop); /* NULL: there were never any */
    tow_random random;
};

/* What comes before its memory goes: its children are ended, and what was closed is told of it. io_uring does
 * that on the thread that has stepped the loop, and on no other; it is not stepped any more. */
void tow_loop_settle(tow_loop *loop);

/* Fills what all kinds share. Errors: MEMORY, SYSTEM, DESCRIPTORS. */
int tow_loop_init(tow_loop *loop, const tow_loop_kind *kind, bool with_wake_fd);
void tow_loop_clear(tow_loop *loop);

int tow_loop_new_epoll(tow_loop **loop);
int tow_loop_new_uring(tow_loop **loop);

/* How long the loop may wait, in nanoseconds: 0 not at all, negative for ever. */
int64_t tow_loop_patience(tow_loop *loop);

/* Makes the next round attend to the stream. */
void tow_loop_attend(tow_stream *stream);

/* Makes the descriptor for foreign loops readable if a call from outside of a step left something to do. */
void tow_loop_touch(tow_loop *loop);

/* Takes the descriptor away from the stream, which is of no use then. Errors: STATE, as tow_stream_release.
 */
int tow_stream_detach(tow_stream *stream);

/* What loops tell streams. Each may run callbacks; afterwards only flags may be looked at. */
void tow_stream_deliver(tow_stream *stream, uint8_t *bytes, size_t length);
void tow_stream_end(tow_stream *stream);
/* The peer's FIN has come, and a paused stream does not know it yet. */
bool tow_stream_awaits_fin(const tow_stream *stream);
void tow_stream_tell_fin(tow_stream *stream);
static inline void tow_stream_unblock(tow_stream *stream) {
    tow_stream_clear_flags(stream, STREAM_BLOCKED | STREAM_CONNECTING | STREAM_RESTING);
    stream->events->on_writable(stream);
}
/* Notes an error, to be told when the loop attends to the stream; no callback runs. */
void tow_stream_fail(tow_stream *stream, int error);

size_t tow_stream_pieces_length(const struct iovec *pieces, int count);

/* The stream can't take more: on_writable follows. */
void tow_stream_block(tow_stream *stream);

/* Sends one stream's cork by `send` of its class. */
void tow_stream_send_cork(tow_stream *stream);
/* The result of sending one stream's whole cork: bytes taken or a negative tow_error. */
void tow_stream_settle(tow_stream *stream, ssize_t result);

/* An accept brought a descriptor (or a negative errno). False: accepting rests. */
bool tow_listener_accepted(tow_listener *listener, int result);
/* A descriptor was closed: listeners that wait for one try again. */
void tow_loop_descriptor_closed(tow_loop *loop);

#endif
