#include "relay.h"

#include <towline/error.h>

void tow_relay_init(tow_relay *relay, const tow_relay_events *events) {
    *relay = (tow_relay){.events = events};
    for (int side = 0; side < TOW_RELAY_SIDES; side++)
        relay->ends[side].relay = relay;
}

static tow_relay_end *other_of(const tow_relay_end *end) {
    tow_relay *relay = end->relay;
    return &relay->ends[end == &relay->ends[TOW_RELAY_CLIENT] ? TOW_RELAY_TARGET : TOW_RELAY_CLIENT];
}

static tow_relay_side side_of(const tow_relay_end *end) {
    return end == &end->relay->ends[TOW_RELAY_CLIENT] ? TOW_RELAY_CLIENT : TOW_RELAY_TARGET;
}

/* Ends. */

static void close_end(tow_relay_end *end) {
    if (end->stream != NULL)
        tow_byte_stream_close(end->stream);
}

static void check_done(tow_relay *relay) {
    if (relay->ends[TOW_RELAY_CLIENT].stream != NULL || relay->ends[TOW_RELAY_TARGET].stream != NULL)
        return;
    for (int side = 0; side < TOW_RELAY_SIDES; side++)
        tow_buffer_clear(&relay->ends[side].waiting);
    relay->events->on_done(relay);
}

void tow_relay_fail(tow_relay *relay, tow_relay_side side, int error, const char *text) {
    if (relay->failed)
        return;
    relay->failed = true;
    tow_relay_end *end = &relay->ends[side];
    relay->events->on_failed(relay, side, error, text);
    if (other_of(end)->stream != NULL)
        tow_byte_stream_reset(other_of(end)->stream);
    close_end(end);
    check_done(relay);
}

/* The end of one side goes on to the other when all that it sent has. */
static void pass_end_on(tow_relay_end *to) {
    if (to->waiting.length > 0 || !other_of(to)->ended || to->shut || to->stream == NULL)
        return;
    if (to->relay->events->on_end != NULL)
        to->relay->events->on_end(to->relay, side_of(other_of(to)));
    if (to->relay->failed)
        return;
    to->shut = true;
    tow_byte_stream_shutdown(to->stream);
    if (!to->ended || !other_of(to)->shut)
        return;
    close_end(to);
    close_end(other_of(to));
}

void tow_relay_end_both(tow_relay *relay, tow_relay_side side) {
    tow_relay_end *end = &relay->ends[side];
    tow_buffer_clear(&end->waiting);
    end->shut = true;
    other_of(end)->ended = true;
}

/* Bytes. */

/* Writes what it takes of the bytes; returns how many, or an error, of which the relay has died. */
static int64_t write_to(tow_relay_end *end, const void *bytes, size_t length) {
    if (end->stream == NULL)
        return 0;
    int64_t taken = tow_byte_stream_write(end->stream, &(tow_bytes){.data = bytes, .length = length}, 1);
    if (taken < 0)
        tow_relay_fail(end->relay, side_of(end), (int)taken, tow_strerror((int)taken));
    return taken;
}

static void keep_for(tow_relay_end *end, const uint8_t *bytes, size_t length) {
    if (tow_buffer_append(&end->waiting, bytes, length) != 0) {
        tow_relay_fail(end->relay, side_of(end), TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    tow_byte_stream_pause(other_of(end)->stream);
}

static void bytes_came(tow_byte_stream *stream, void *bytes, size_t length) {
    tow_relay_end *end = tow_byte_stream_user(stream);
    tow_relay_end *to = other_of(end);
    end->received += length;
    if (end->relay->failed)
        return;
    int64_t taken = to->waiting.length > 0 ? 0 : write_to(to, bytes, length);
    if (taken >= 0 && (size_t)taken < length)
        keep_for(to, (const uint8_t *)bytes + taken, length - (size_t)taken);
}

static void write_waiting(tow_relay_end *end) {
    if (end->waiting.length > 0) {
        int64_t taken = write_to(end, end->waiting.data, end->waiting.length);
        if (taken < 0)
            return;
        tow_buffer_consume(&end->waiting, (size_t)taken);
    }
    if (end->waiting.length > 0)
        return;
    tow_buffer_clear(&end->waiting);
    if (other_of(end)->stream != NULL)
        tow_byte_stream_resume(other_of(end)->stream);
    pass_end_on(end);
}

static void writable(tow_byte_stream *stream) {
    tow_relay_end *end = tow_byte_stream_user(stream);
    tow_relay *relay = end->relay;
    if (relay->failed)
        return;
    if (side_of(end) == TOW_RELAY_TARGET && !relay->connected) {
        relay->connected = true;
        if (relay->events->on_connected != NULL)
            relay->events->on_connected(relay);
    }
    if (!relay->failed)
        write_waiting(end);
}

static void ended(tow_byte_stream *stream) {
    tow_relay_end *end = tow_byte_stream_user(stream);
    end->ended = true;
    if (!end->relay->failed)
        pass_end_on(other_of(end));
}

static void failed(tow_byte_stream *stream, int error, const char *text) {
    tow_relay_end *end = tow_byte_stream_user(stream);
    tow_relay_fail(end->relay, side_of(end), error, text);
}

static void closed(tow_byte_stream *stream) {
    tow_relay_end *end = tow_byte_stream_user(stream);
    if (end == NULL)
        return;
    end->stream = NULL;
    check_done(end->relay);
}

/* The beginning. */

tow_byte_stream_options tow_relay_options(tow_relay *relay, tow_relay_side side) {
    return (tow_byte_stream_options){.user = &relay->ends[side],
        .on_bytes = bytes_came,
        .on_writable = writable,
        .on_end = ended,
        .on_error = failed,
        .on_closed = closed};
}

void tow_relay_set(tow_relay *relay, tow_relay_side side, tow_byte_stream *stream) {
    relay->ends[side].stream = stream;
}

void tow_relay_start(tow_relay *relay) {
    relay->connected = true;
    if (!relay->failed)
        write_waiting(&relay->ends[TOW_RELAY_TARGET]);
}

int tow_relay_prepend(tow_relay *relay, tow_relay_side side, const void *bytes, size_t length) {
    tow_buffer *waiting = &relay->ends[side].waiting;
    tow_buffer joined = {0};
    int error = tow_buffer_append(&joined, bytes, length);
    if (error == 0)
        error = tow_buffer_append(&joined, waiting->data, waiting->length);
    if (error != 0) {
        tow_buffer_clear(&joined);
        return error;
    }
    tow_buffer_clear(waiting);
    *waiting = joined;
    return 0;
}
