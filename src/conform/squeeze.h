/* squeeze: the judge's own use of zlib for permessage-deflate (RFC 7692, section 7.2), with a window that is
 * truly as small as agreed when reading, and every kind of block when writing. */
#ifndef TOW_CONFORM_SQUEEZE_H
#define TOW_CONFORM_SQUEEZE_H

#include "base/buffer.h"

#include <stdbool.h>
#include <zlib.h>

typedef struct squeeze {
    z_stream out; /* what we send */
    z_stream in;  /* what we receive */
    bool out_ready;
    bool in_ready;
    bool out_takeover;
    bool in_takeover;
} squeeze;

/* `out_bits` and `in_bits` are 8 to 15. Writing with 8 uses zlib's 9, whose references stay within 256 bytes
 * for small inputs. */
int squeeze_init(squeeze *squeeze, int out_bits, bool out_takeover, int in_bits, bool in_takeover);
void squeeze_clear(squeeze *squeeze);

/* Appends the compressed message, without 00 00 ff ff. `level` 0 stores. Errors: MEMORY. */
int squeeze_message(squeeze *squeeze, const uint8_t *data, size_t length, int level, tow_buffer *out);

/* Appends the inflated message. False when the data is broken or reaches back beyond the window. */
bool squeeze_read(squeeze *squeeze, const uint8_t *data, size_t length, tow_buffer *out);

#endif
