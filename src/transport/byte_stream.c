#include "transport/byte_stream.h"

#include "base/range.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

struct tow_byte_stream {
    tow_byte_stream_functions functions;
    void *carrier;
    tow_byte_stream_options options;
    tow_loop *loop;
    int error; /* why it failed */
    bool paused;
    bool shut;
    bool closed;
};

static bool is_complete(const tow_byte_stream_functions *functions) {
    return functions->write != NULL && functions->pause != NULL && functions->resume != NULL &&
           functions->shutdown != NULL && functions->close != NULL && functions->reset != NULL;
}

int tow_byte_stream_options_check(const tow_byte_stream_options *options) {
    const tow_range ranges[] = {
        TOW_RANGE(options, connect_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(options, half_close_seconds, TOW_OFF, INT_MAX),
    };
    return tow_ranges_check(ranges, sizeof(ranges) / sizeof(ranges[0]), NULL);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

int tow_byte_stream_new_sized(tow_byte_stream **stream, tow_loop *loop,
    const tow_byte_stream_functions *functions, size_t functions_size, void *carrier,
    const tow_byte_stream_options *options, size_t options_size) {
    if (stream == NULL || loop == NULL || functions == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_byte_stream *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(&made->functions, functions, smaller(functions_size, sizeof(made->functions)));
    if (options != NULL)
        memcpy(&made->options, options, smaller(options_size, sizeof(made->options)));
    made->carrier = carrier;
    made->loop = loop;
    int error =
        is_complete(&made->functions) ? tow_byte_stream_options_check(&made->options) : TOW_ERROR_ARGUMENT;
    if (error != 0) {
        free(made);
        return error;
    }
    *stream = made;
    return 0;
}

void tow_byte_stream_set_carrier(
    tow_byte_stream *stream, const tow_byte_stream_functions *functions, void *carrier) {
    stream->functions = *functions;
    stream->carrier = carrier;
    if (stream->paused)
        functions->pause(carrier);
    if (stream->shut)
        functions->shutdown(carrier);
}

const tow_byte_stream_options *tow_byte_stream_get_options(const tow_byte_stream *stream) {
    return &stream->options;
}

void tow_byte_stream_discard(tow_byte_stream *stream) {
    free(stream);
}

/* Calls of the user. */

int64_t tow_byte_stream_write(tow_byte_stream *stream, const tow_bytes *pieces, size_t count) {
    if (stream == NULL || (pieces == NULL && count > 0))
        return TOW_ERROR_ARGUMENT;
    if (stream->closed || stream->shut)
        return TOW_ERROR_CLOSED;
    if (stream->error != 0)
        return stream->error;
    return stream->functions.write(stream->carrier, pieces, count);
}

void tow_byte_stream_pause(tow_byte_stream *stream) {
    if (stream == NULL || stream->paused || stream->closed)
        return;
    stream->paused = true;
    stream->functions.pause(stream->carrier);
}

void tow_byte_stream_resume(tow_byte_stream *stream) {
    if (stream == NULL || !stream->paused || stream->closed)
        return;
    stream->paused = false;
    stream->functions.resume(stream->carrier);
}

void tow_byte_stream_shutdown(tow_byte_stream *stream) {
    if (stream == NULL || stream->shut || stream->closed || stream->error != 0)
        return;
    stream->shut = true;
    stream->functions.shutdown(stream->carrier);
}

void tow_byte_stream_close(tow_byte_stream *stream) {
    if (stream == NULL || stream->closed)
        return;
    stream->closed = true;
    stream->functions.close(stream->carrier);
}

void tow_byte_stream_reset(tow_byte_stream *stream) {
    if (stream == NULL || stream->closed)
        return;
    stream->closed = true;
    stream->functions.reset(stream->carrier);
}

void *tow_byte_stream_user(const tow_byte_stream *stream) {
    return stream == NULL ? NULL : stream->options.user;
}

void tow_byte_stream_set_user(tow_byte_stream *stream, void *user) {
    if (stream == NULL)
        return;
    stream->options.user = user;
}

tow_loop *tow_byte_stream_loop(const tow_byte_stream *stream) {
    return stream == NULL ? NULL : stream->loop;
}

int tow_byte_stream_peer(const tow_byte_stream *stream, char *text, size_t size) {
    if (stream == NULL || text == NULL)
        return TOW_ERROR_ARGUMENT;
    if (stream->functions.peer == NULL)
        return TOW_ERROR_UNSUPPORTED;
    return stream->functions.peer(stream->carrier, text, size);
}

/* What the carrier tells. */

void tow_byte_stream_tell_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    if (stream == NULL)
        return;
    if (!stream->closed && stream->options.on_bytes != NULL && length > 0)
        stream->options.on_bytes(stream, bytes, length);
}

void tow_byte_stream_tell_writable(tow_byte_stream *stream) {
    if (stream == NULL)
        return;
    if (!stream->closed && !stream->shut && stream->options.on_writable != NULL)
        stream->options.on_writable(stream);
}

void tow_byte_stream_tell_end(tow_byte_stream *stream) {
    if (stream == NULL)
        return;
    if (!stream->closed && stream->options.on_end != NULL)
        stream->options.on_end(stream);
}

void tow_byte_stream_tell_error(tow_byte_stream *stream, int error, const char *text) {
    if (stream == NULL)
        return;
    if (stream->closed || stream->error != 0)
        return;
    stream->error = error;
    if (stream->options.on_error != NULL)
        stream->options.on_error(stream, error, text);
}

void tow_byte_stream_tell_closed(tow_byte_stream *stream) {
    if (stream == NULL)
        return;
    if (stream->options.on_closed != NULL)
        stream->options.on_closed(stream);
    free(stream);
}
