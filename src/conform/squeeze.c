#include "squeeze.h"

#include "unpack.h"

#include <string.h>
#include <towline/error.h>

int tow_conform_squeeze_init(squeeze *self, int out_bits, bool out_takeover, int in_bits, bool in_takeover) {
    *self = (squeeze){
        .out_takeover = out_takeover, .in_takeover = in_takeover, .in_window = (size_t)1 << in_bits};
    int writing = out_bits < 9 ? 9 : out_bits;
    self->out_ready = deflateInit2(&self->out, 6, Z_DEFLATED, -writing, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    return self->out_ready ? 0 : TOW_ERROR_MEMORY;
}

void tow_conform_squeeze_clear(squeeze *self) {
    if (self->out_ready)
        deflateEnd(&self->out);
    tow_buffer_clear(&self->history);
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

int tow_conform_squeeze_message(
    squeeze *self, const uint8_t *data, size_t length, int level, tow_buffer *out) {
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
    self->out.next_in = data;
    self->out.avail_in = (uInt)length;
    error = flush(self, Z_SYNC_FLUSH, out);
    static const uint8_t tail[4] = {0, 0, 0xff, 0xff};
    if (error == 0 && out->length >= 4 && memcmp(out->data + out->length - 4, tail, 4) == 0)
        out->length -= 4;
    else if (error == 0 && length == 0)
        error = tow_buffer_append(out, "", 1); /* nothing to flush: an empty block without its tail */
    return error;
}

/* Keeps the end of what came, for the next message. */
static bool remember(squeeze *self, const tow_buffer *all) {
    size_t kept = all->length < self->in_window ? all->length : self->in_window;
    self->history.length = 0;
    return !self->in_takeover || tow_buffer_append(&self->history, all->data + all->length - kept, kept) == 0;
}

bool tow_conform_squeeze_read(
    squeeze *self, const uint8_t *data, size_t length, tow_buffer *out, const char **why) {
    static const uint8_t tail[4] = {0, 0, 0xff, 0xff};
    tow_buffer packed = {0};
    size_t before = self->history.length;
    bool right = tow_buffer_append(&packed, data, length) == 0 && tow_buffer_append(&packed, tail, 4) == 0 &&
                 tow_buffer_append(out, self->history.data, before) == 0;
    *why = "out of memory";
    right = right && tow_conform_unpack(packed.data, packed.length, self->in_window, out, why) &&
            remember(self, out);
    tow_buffer_clear(&packed);
    tow_buffer_consume(out, before < out->length ? before : out->length);
    return right;
}
