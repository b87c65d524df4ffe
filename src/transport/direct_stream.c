#include "direct_stream.h"

#include "epoll.h"
#include "socket.h"
#include "system_error.h"

#include <errno.h>
#include <towline/error.h>

enum { INTERESTS = STREAM_READING | STREAM_WRITING | STREAM_WATCHING };
enum { ROUND = 4 * 1024 * 1024 }; /* bytes that all who have turns read in one */

int tow_direct_attach(tow_stream *stream, uint32_t interests) {
    uint32_t events = (interests & STREAM_READING ? EPOLLIN : 0U) |
                      (interests & STREAM_WRITING ? EPOLLOUT : 0U) |
                      (interests & STREAM_WATCHING ? EPOLLRDHUP : 0U);
    int error = tow_epoll_attach(stream, events);
    if (error != 0)
        return error;
    tow_stream_clear_flags(stream, INTERESTS);
    stream->flags |= interests;
    return 0;
}

void tow_direct_detach(tow_stream *stream) {
    tow_epoll_detach(stream);
    tow_stream_clear_flags(stream, INTERESTS);
}

static bool is_read_directly(const tow_stream *stream) {
    return (stream->flags & (STREAM_DIRECT | STREAM_RECEIVING | STREAM_DEAF)) == STREAM_DIRECT;
}

static uint32_t interests_of(const tow_stream *stream) {
    return (is_read_directly(stream) ? STREAM_READING : 0U) |
           ((stream->flags & (STREAM_BLOCKED | STREAM_RESTING)) == STREAM_BLOCKED ? STREAM_WRITING : 0U) |
           (tow_stream_awaits_fin(stream) ? STREAM_WATCHING : 0U);
}

/* A stream that is not read hears of errors only by epoll, which tells of them unasked. */
static bool is_known_enough(const tow_stream *stream, uint32_t interests) {
    if (stream->flags & STREAM_DETACHED)
        return interests == 0 && (!(stream->flags & STREAM_ENDED) || stream->flags & STREAM_HUNG);
    return interests == (stream->flags & INTERESTS);
}

void tow_direct_update(tow_stream *stream) {
    if (stream->flags & STREAM_FAILED) {
        tow_direct_detach(stream);
        return;
    }
    uint32_t interests = interests_of(stream);
    if (is_known_enough(stream, interests))
        return;
    int error = tow_direct_attach(stream, interests);
    if (error != 0)
        tow_stream_fail(stream, error);
}

static void send_reply(tow_stream *stream) {
    if (stream->cork_first != 0)
        tow_stream_flush(stream);
}

/* What is read behind the end of a turn waits in memory: a crowd of streams that have turns read less each.
 */
static size_t room_for(const tow_loop *loop) {
    bool is_calm = loop->counters.rounds > loop->turns_round + 1;
    return is_calm ? TOW_DIRECT_SIZE : (size_t)tow_loop_share(loop, TOW_DIRECT_SIZE, ROUND);
}

static size_t receive(tow_stream *stream) {
    tow_loop *loop = stream->loop;
    uint8_t *buffer = NULL;
    size_t length = 0;
    if (stream->events->receive_into != NULL)
        buffer = stream->events->receive_into(stream, &length);
    if (buffer == NULL) {
        buffer = loop->buffer;
        length = room_for(loop);
    }
    ssize_t got = recv(stream->fd, buffer, length, MSG_DONTWAIT);
    tow_count(&loop->counters.system_calls);
    if (got > 0)
        tow_stream_deliver(stream, buffer, (size_t)got);
    else if (got == 0)
        tow_stream_end(stream);
    else if (errno != EAGAIN && errno != EINTR)
        tow_stream_fail(stream, tow_system_error(errno));
    send_reply(stream);
    return got > 0 ? (size_t)got : 0;
}

static void finish_connect(tow_stream *stream) {
    int error = tow_socket_error(stream->fd);
    if (error != 0) {
        tow_stream_fail(stream, error);
        return;
    }
    tow_stream_unblock(stream);
    send_reply(stream);
}

/* Nothing is wanted of the stream now, but epoll reports errors and the end of both sides for ever. */
static void hang_up(tow_stream *stream) {
    int error = tow_socket_error(stream->fd);
    if (error != 0) {
        tow_stream_fail(stream, error);
        return;
    }
    stream->flags |= STREAM_HUNG;
    tow_direct_detach(stream);
}

/* If the stream is broken, the attempt to read or to write tells how. */
static size_t any_event(tow_stream *stream, uint32_t events) {
    bool broken = events & (EPOLLERR | EPOLLHUP);
    size_t got = 0;
    if (is_read_directly(stream)) {
        if (broken || events & EPOLLIN)
            got = receive(stream);
    } else if (broken && stream->flags & STREAM_DEAF && !(stream->flags & STREAM_BLOCKED))
        hang_up(stream);
    if (events & (EPOLLRDHUP | EPOLLHUP) && tow_stream_awaits_fin(stream))
        tow_stream_tell_fin(stream);
    if ((stream->flags & (STREAM_BLOCKED | STREAM_CLOSED | STREAM_FAILED)) == STREAM_BLOCKED &&
        (broken || events & EPOLLOUT)) {
        tow_stream_unblock(stream);
        send_reply(stream);
    }
    return got;
}

size_t tow_direct_event(tow_stream *stream, uint32_t events) {
    if (events == EPOLLIN && is_read_directly(stream))
        return receive(stream);
    if (stream->flags & (STREAM_CLOSED | STREAM_FAILED))
        return 0;
    size_t got = 0;
    if (stream->flags & STREAM_CONNECTING)
        finish_connect(stream);
    else
        got = any_event(stream, events);
    if (!(stream->flags & (STREAM_CLOSED | STREAM_FAILED)))
        stream->class->update(stream);
    return got;
}
