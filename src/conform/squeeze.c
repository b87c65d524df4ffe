#include "squeeze.h"

#include <string.h>
#include <towline/error.h>

int squeeze_init(squeeze *self, int out_bits, bool out_takeover, int in_bits, bool in_takeover) {
    *self = (squeeze){.out_takeover = out_takeover, .in_takeover = in_takeover};
    int writing = out_bits < 9 ? 9 : out_bits;
    self->out_ready = deflateInit2(&self->out, 6, Z_DEFLATED, -writing, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    self->in_ready = inflateInit2(&self->in, -in_bits) == Z_OK;
    return self->out_ready && self->in_ready ? 0 : TOW_ERROR_MEMORY;
}

void squeeze_clear(squeeze *self) {
    if (self->out_ready)
        deflateEnd(&self->out);
    if (self->in_ready)
        inflateEnd(&self->in);
    *self = (squeeze){0};
}

/* Runs deflate until it has nothing more to give. */
static int flush(squeeze *self, int mode, tow_buffer *out) {
    do {
        int error = tow_buffer_reserve(out, 4096);
        if (error != 0)
            return error;
        self->out.next_out = out->data + out->length;
        self->out.avail_out = 4096;
        deflate(&self->out, mode);
        out->length += 4096 - self->out.avail_out;
    } while (self->out.avail_out == 0);
    return 0;
}

int squeeze_message(squeeze *self, const uint8_t *data, size_t length, int level, tow_buffer *out) {
    if (!self->out_takeover)
        deflateReset(&self->out);
    int error = tow_buffer_reserve(out, 64);
    if (error != 0)
        return error;
    self->out.next_out = out->data + out->length;
    self->out.avail_out = 64;
    self->out.avail_in = 0;
    deflateParams(&self->out, level, Z_DEFAULT_STRATEGY);
    out->length += 64 - self->out.avail_out;
    self->out.next_in = (Bytef *)(uintptr_t)data;
    self->out.avail_in = (uInt)length;
    error = flush(self, Z_SYNC_FLUSH, out);
    static const uint8_t tail[4] = {0, 0, 0xff, 0xff};
    if (error == 0 && out->length >= 4 && memcmp(out->data + out->length - 4, tail, 4) == 0)
        out->length -= 4;
    else if (error == 0 && length == 0)
        error = tow_buffer_append(out, "", 1); /* nothing to flush: an empty block without its tail */
    return error;
}

/* Inflates one stretch of input; false when it is broken. */
static bool inflate_all(squeeze *self, const uint8_t *data, size_t length, tow_buffer *out) {
    self->in.next_in = (Bytef *)(uintptr_t)data;
    self->in.avail_in = (uInt)length;
    for (;;) {
        if (tow_buffer_reserve(out, 65536) != 0)
            return false;
        self->in.next_out = out->data + out->length;
        self->in.avail_out = 65536;
        int result = inflate(&self->in, Z_SYNC_FLUSH);
        out->length += 65536 - self->in.avail_out;
        if (result == Z_STREAM_END && inflateReset(&self->in) != Z_OK)
            return false;
        if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END)
            return false;
        if (self->in.avail_in == 0 && self->in.avail_out > 0)
            return true;
    }
}

bool squeeze_read(squeeze *self, const uint8_t *data, size_t length, tow_buffer *out) {
    static const uint8_t tail[4] = {0, 0, 0xff, 0xff};
    bool right = inflate_all(self, data, length, out) && inflate_all(self, tail, sizeof(tail), out);
    if (!self->in_takeover)
        inflateReset(&self->in);
    return right;
}
