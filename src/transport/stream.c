#include "loop_shared.h"

#include "base/apart.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <towline/error.h>

static_assert(sizeof(tow_stream) <= 64, "a stream is part of the idle connection's two cache lines");

int tow_stream_adopt(tow_stream *stream, tow_loop *loop, int fd, const tow_stream_events *events) {
    *stream = (tow_stream){
        .class = loop->kind->streams, .events = events, .loop = loop, .fd = fd, .flags = STREAM_DETACHED};
    int error = stream->class->start(stream);
    if (error != 0) {
        *stream = (tow_stream){0};
        return error;
    }
    loop->open++;
    return 0;
}

int tow_stream_connect(
    tow_stream *stream, tow_loop *loop, const tow_address *address, const tow_stream_events *events) {
    *stream = (tow_stream){
        .class = loop->kind->streams,
        .events = events,
        .loop = loop,
        .fd = -1,
        .flags = STREAM_DETACHED | STREAM_CONNECTING | STREAM_BLOCKED,
    };
    int error = stream->class->connect(stream, address);
    if (error != 0) {
        *stream = (tow_stream){0};
        return error;
    }
    loop->open++;
    return 0;
}

/* The cork was full. Returns whether the stream takes more into the one that starts over. */
static bool start_cork_over(tow_stream *stream) {
    stream->loop->kind->flush(stream->loop);
    return !(stream->flags & STREAM_MUTE);
}

TOW_APART static uint8_t *cork_anew(tow_stream *stream, size_t length) {
    uint8_t *room = start_cork_over(stream) ? tow_cork_add(&stream->loop->cork, stream, length) : NULL;
    if (room == NULL)
        tow_stream_block(stream);
    return room;
}

static void count_corked(tow_stream *stream, size_t payload_length) {
    stream->corked_payload += (uint32_t)payload_length;
    if (!stream->loop->stepping)
        tow_loop_touch(stream->loop);
}

uint8_t *tow_stream_cork(tow_stream *stream, size_t length, size_t payload_length) {
    assert(length <= TOW_CORK_MAX);
    if (stream->flags & STREAM_MUTE)
        return NULL;
    uint8_t *room = tow_cork_add(&stream->loop->cork, stream, length);
    if (room == NULL && (room = cork_anew(stream, length)) == NULL)
        return NULL;
    count_corked(stream, payload_length);
    return room;
}

bool tow_stream_cork_common(tow_stream *stream, const uint8_t *bytes, size_t length, size_t payload_length) {
    assert(length <= TOW_CORK_MAX);
    if (stream->flags & STREAM_MUTE)
        return false;
    tow_cork *cork = &stream->loop->cork;
    bool added = tow_cork_add_common(cork, stream, bytes, length) ||
                 (start_cork_over(stream) && tow_cork_add_common(cork, stream, bytes, length));
    if (added)
        count_corked(stream, payload_length);
    else
        tow_stream_block(stream);
    return added;
}

void tow_stream_block(tow_stream *stream) {
    if (stream->flags & (STREAM_BLOCKED | STREAM_SHUT | STREAM_FAILED | STREAM_CLOSED))
        return;
    stream->flags |= STREAM_BLOCKED;
    stream->class->update(stream);
}

/* What was corked is gone, and counts on as not given to the network. */
static void lose_cork(tow_stream *stream) {
    uint32_t payload = stream->corked_payload;
    tow_cork_drop(&stream->loop->cork, stream);
    stream->corked_payload = payload;
}

void tow_stream_settle(tow_stream *stream, ssize_t result) {
    tow_loop *loop = stream->loop;
    if (stream->flags & (STREAM_FAILED | STREAM_CLOSED)) {
        lose_cork(stream);
        return;
    }
    if (result < 0) {
        tow_stream_fail(stream, (int)result);
        return;
    }
    if ((size_t)result < tow_cork_length(&loop->cork, stream)) {
        tow_count(&loop->counters.unsent);
        tow_stream_block(stream);
    }
    tow_cork_release(&loop->cork, stream, (size_t)result);
}

void tow_stream_send_cork(tow_stream *stream) {
    if (stream->class->send_cork != NULL) {
        stream->class->send_cork(stream);
        return;
    }
    tow_cork *cork = &stream->loop->cork;
    int count = tow_cork_pieces(cork, stream, cork->pieces);
    tow_stream_settle(stream, stream->class->send(stream, cork->pieces, count));
}

void tow_stream_flush(tow_stream *stream) {
    if (stream->cork_first != 0)
        tow_stream_send_cork(stream);
}

size_t tow_stream_pieces_length(const struct iovec *pieces, int count) {
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += pieces[i].iov_len;
    return length;
}

void tow_stream_rest(tow_stream *stream) {
    if (stream->flags & STREAM_MUTE)
        return;
    stream->flags |= STREAM_BLOCKED | STREAM_RESTING;
    tow_loop_attend(stream);
}

enum { SHARE_PIECES = 64 };

/* The first of the pieces, as many bytes as a write may have. Returns how many pieces that are. */
static int share_of(const struct iovec *pieces, int count, struct iovec *share) {
    size_t room = TOW_WRITE_MAX;
    int used = 0;
    for (; used < count && used < SHARE_PIECES && room > 0; used++) {
        share[used] = pieces[used];
        if (share[used].iov_len > room)
            share[used].iov_len = room;
        room -= share[used].iov_len;
    }
    return used;
}

static ssize_t write_pieces(tow_stream *stream, const struct iovec *pieces, int count) {
    ssize_t taken = stream->class->send(stream, pieces, count);
    if (taken < 0)
        tow_stream_fail(stream, (int)taken);
    else if ((size_t)taken < tow_stream_pieces_length(pieces, count)) {
        tow_count(&stream->loop->counters.unsent);
        tow_stream_block(stream);
    }
    return taken;
}

static ssize_t write_share(tow_stream *stream, const struct iovec *pieces, int count) {
    struct iovec share[SHARE_PIECES];
    ssize_t taken = write_pieces(stream, share, share_of(pieces, count, share));
    tow_stream_rest(stream);
    return taken;
}

ssize_t tow_stream_write(tow_stream *stream, const struct iovec *pieces, int count) {
    tow_stream_flush(stream);
    if (stream->flags & STREAM_FAILED)
        return -stream->failure;
    if (stream->flags & (STREAM_CLOSED | STREAM_SHUT))
        return TOW_ERROR_CLOSED;
    if (stream->flags & STREAM_BLOCKED)
        return 0;
    bool is_much = tow_stream_pieces_length(pieces, count) > TOW_WRITE_MAX;
    return is_much ? write_share(stream, pieces, count) : write_pieces(stream, pieces, count);
}

bool tow_stream_is_blocked(const tow_stream *stream) {
    return stream->flags & STREAM_BLOCKED;
}

size_t tow_stream_untaken(const tow_stream *stream) {
    return stream->class->untaken(stream);
}

bool tow_stream_is_quiet(tow_stream *stream) {
    const uint32_t not_open = STREAM_CONNECTING | STREAM_ENDED | STREAM_FAILED | STREAM_CLOSED;
    return !(stream->flags & not_open) && stream->class->is_quiet(stream);
}

void tow_stream_pause(tow_stream *stream) {
    stream->flags |= STREAM_PAUSED;
    if (stream->class->attend != NULL)
        tow_loop_attend(stream);
}

void tow_stream_resume(tow_stream *stream) {
    if (!(stream->flags & STREAM_PAUSED))
        return;
    tow_stream_clear_flags(stream, STREAM_PAUSED | STREAM_FIN);
    if (!(stream->flags & (STREAM_FAILED | STREAM_CLOSED)))
        stream->class->update(stream);
}

void tow_stream_yield(tow_stream *stream) {
    stream->flags |= STREAM_YIELDED;
    tow_loop_attend(stream);
}

void tow_stream_shutdown(tow_stream *stream) {
    if (stream->flags & (STREAM_SHUT | STREAM_FAILED | STREAM_CLOSED))
        return;
    tow_stream_flush(stream);
    if (stream->flags & STREAM_FAILED)
        return;
    stream->flags |= STREAM_SHUT;
    stream->class->shutdown(stream);
}

static void close_stream(tow_stream *stream, unsigned flags) {
    stream->flags |= STREAM_CLOSED | flags;
    stream->loop->closing++;
    tow_loop_attend(stream);
}

void tow_stream_close(tow_stream *stream) {
    if (stream->flags & STREAM_CLOSED)
        return;
    if (!(stream->flags & STREAM_FAILED))
        tow_stream_flush(stream);
    close_stream(stream, 0);
}

void tow_stream_reset(tow_stream *stream) {
    if (stream->flags & STREAM_CLOSED)
        return;
    tow_cork_drop(&stream->loop->cork, stream);
    close_stream(stream, STREAM_RESET);
}

int tow_stream_detach(tow_stream *stream) {
    const unsigned bound = STREAM_CONNECTING | STREAM_FAILED | STREAM_CLOSED;
    if (stream->flags & bound || stream->cork_first != 0 || stream->pending > 0 ||
        stream->class->release == NULL)
        return TOW_ERROR_STATE;
    int fd = stream->fd;
    stream->class->release(stream);
    stream->fd = -1;
    return fd;
}

int tow_stream_release(tow_stream *stream) {
    int fd = tow_stream_detach(stream);
    if (fd >= 0)
        close_stream(stream, 0);
    return fd;
}

int tow_stream_peer(const tow_stream *stream, tow_address *address) {
    return stream->class->peer(stream, address);
}

int tow_stream_local(const tow_stream *stream, tow_address *address) {
    return stream->class->local(stream, address);
}

static int address_text(const tow_address *address, char *text, size_t size) {
    char whole[TOW_ADDRESS_TEXT_MAX];
    tow_address_text(address, whole);
    if (strlen(whole) >= size)
        return TOW_ERROR_ARGUMENT;
    memcpy(text, whole, strlen(whole) + 1);
    return 0;
}

int tow_stream_peer_text(const tow_stream *stream, char *text, size_t size) {
    tow_address address;
    int error = tow_stream_peer(stream, &address);
    return error != 0 ? error : address_text(&address, text, size);
}

int tow_stream_local_text(const tow_stream *stream, char *text, size_t size) {
    tow_address address;
    int error = tow_stream_local(stream, &address);
    return error != 0 ? error : address_text(&address, text, size);
}

void tow_stream_deliver(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_count(&stream->loop->counters.reads);
    stream->events->on_bytes(stream, bytes, length);
}

void tow_stream_end(tow_stream *stream) {
    stream->flags |= STREAM_ENDED;
    stream->class->update(stream);
    stream->events->on_end(stream);
}

bool tow_stream_awaits_fin(const tow_stream *stream) {
    const uint32_t known = STREAM_ENDED | STREAM_FIN | STREAM_FAILED | STREAM_CLOSED | STREAM_CONNECTING;
    return (stream->flags & (STREAM_PAUSED | known)) == STREAM_PAUSED;
}

void tow_stream_tell_fin(tow_stream *stream) {
    stream->flags |= STREAM_FIN;
    if (stream->events->on_fin != NULL)
        stream->events->on_fin(stream);
}

void tow_stream_fail(tow_stream *stream, int error) {
    if (stream->flags & (STREAM_FAILED | STREAM_CLOSED))
        return;
    stream->flags |= STREAM_FAILED;
    stream->failure = (uint8_t)-error;
    lose_cork(stream);
    stream->class->update(stream);
    tow_loop_attend(stream);
}
