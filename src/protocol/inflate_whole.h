/* inflate_whole: inflates a message that lies in one piece with libdeflate, up to three times as fast as
 * zlib.
 *
 * Only for the full window of 32 KiB and without a context. It judges nothing: what libdeflate does not take
 * is left to zlib. */
#ifndef TOW_PROTOCOL_INFLATE_WHOLE_H
#define TOW_PROTOCOL_INFLATE_WHOLE_H

#include "base/buffer.h"

#include <libdeflate.h>

/* Appends the message to `out`, whose length is below the limit. Returns 1, 0 if zlib must try (`out` is as
 * before), which begins anew when there is no room for all of it, or MEMORY. */
int tow_inflate_whole(struct libdeflate_decompressor *decompressor, const uint8_t *data, size_t length,
    size_t limit, tow_buffer *out);

#endif
