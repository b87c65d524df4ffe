#include "link.h"

#include <string.h>

static tow_python_link *of(tow_stream *stream) {
    return (tow_python_link *)(void *)stream;
}

static void end(tow_python_link *link) {
    if (link->ended)
        return;
    link->ended = true;
    link->events->on_end(link);
}

/* What comes. */

/* Tells of all operations that are whole; returns how many bytes they were. */
static size_t tell(tow_python_link *link, const uint8_t *bytes, size_t length) {
    tow_python_said said;
    size_t left = length;
    int result = 1;
    while (!link->ended && (result = tow_python_next(&bytes, &left, &said)) == 1)
        link->events->on_said(link, &said);
    if (result < 0)
        end(link);
    return length - left;
}

static void keep(tow_python_link *link, const uint8_t *bytes, size_t length) {
    if (!link->ended && length > 0 && tow_buffer_append(&link->kept, bytes, length) != 0)
        end(link);
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_python_link *link = of(stream);
    if (link->kept.length == 0) {
        size_t used = tell(link, bytes, length);
        keep(link, bytes + used, length - used);
        return;
    }
    keep(link, bytes, length);
    size_t used = tell(link, link->kept.data, link->kept.length);
    if (used == link->kept.length)
        tow_buffer_clear(&link->kept);
    else
        tow_buffer_consume(&link->kept, used);
}

static void on_end(tow_stream *stream) {
    end(of(stream));
}

static void on_error(tow_stream *stream, int error) {
    (void)error;
    end(of(stream));
}

static void on_closed(tow_stream *stream) {
    tow_python_link *link = of(stream);
    link->events->on_closed(link);
}

/* What goes. */

static void wait(tow_python_link *link, const void *bytes, size_t length) {
    if (length > 0 && tow_buffer_append(&link->waiting, bytes, length) != 0)
        link->lost = true;
}

static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    wait(of(stream), segment + taken, length - taken);
}

static void close_if_finished(tow_python_link *link) {
    if (link->finished && (link->waiting.length == 0 || link->lost))
        tow_stream_close(&link->stream);
}

static void on_writable(tow_stream *stream) {
    tow_python_link *link = of(stream);
    if (link->lost) {
        end(link);
        close_if_finished(link);
        return;
    }
    if (link->waiting.length > 0) {
        struct iovec piece = {.iov_base = link->waiting.data, .iov_len = link->waiting.length};
        ssize_t taken = tow_stream_write(stream, &piece, 1);
        if (taken > 0)
            tow_buffer_consume(&link->waiting, (size_t)taken);
        if (link->waiting.length > 0)
            return;
        tow_buffer_clear(&link->waiting);
    }
    if (!link->ended)
        link->events->on_room(link);
    close_if_finished(link);
}

bool tow_python_link_send(tow_python_link *link, uint8_t operation, const void *head, size_t head_length,
    const void *bytes, size_t length) {
    uint8_t header[TOW_PYTHON_HEADER];
    size_t all = sizeof(header) + head_length + length;
    if (link->ended || link->finished)
        return true;
    tow_python_write_header(header, operation, head_length + length);
    uint8_t *out =
        link->waiting.length == 0 && all <= TOW_CORK_MAX ? tow_stream_cork(&link->stream, all, 0) : NULL;
    if (out != NULL) {
        memcpy(out, header, sizeof(header));
        if (head_length > 0)
            memcpy(out + sizeof(header), head, head_length);
        if (length > 0)
            memcpy(out + sizeof(header) + head_length, bytes, length);
        return true;
    }
    wait(link, header, sizeof(header));
    wait(link, head, head_length);
    wait(link, bytes, length);
    return false;
}

void tow_python_link_pause(tow_python_link *link) {
    if (!link->paused && !link->finished)
        tow_stream_pause(&link->stream);
    link->paused = true;
}

void tow_python_link_resume(tow_python_link *link) {
    if (link->paused && !link->finished)
        tow_stream_resume(&link->stream);
    link->paused = false;
}

/* Beginning and end. */

void tow_python_link_finish(tow_python_link *link) {
    if (link->finished)
        return;
    link->ended = link->finished = true;
    tow_stream_flush(&link->stream);
    close_if_finished(link);
}

void tow_python_link_drop(tow_python_link *link) {
    link->ended = link->finished = true;
    tow_stream_close(&link->stream);
}

void tow_python_link_clear(tow_python_link *link) {
    tow_buffer_clear(&link->kept);
    tow_buffer_clear(&link->waiting);
}

int tow_python_link_open(
    tow_python_link *link, tow_loop *loop, const tow_address *address, const tow_python_link_events *events) {
    static const tow_stream_events stream_events = {.on_bytes = on_bytes,
        .on_unsent = on_unsent,
        .on_writable = on_writable,
        .on_end = on_end,
        .on_error = on_error,
        .on_closed = on_closed};
    link->events = events;
    return tow_stream_connect(&link->stream, loop, address, &stream_events);
}
