/* squeeze: compression as the judge does it (RFC 7692, section 7.2): every kind of block when writing, and a
 * window that is truly as small as agreed when reading. */
#ifndef TOW_CONFORM_SQUEEZE_H
#define TOW_CONFORM_SQUEEZE_H

#include "base/buffer.h"

#include <stdbool.h>
#define ZLIB_CONST
#include <zlib.h>

typedef struct squeeze {
    z_stream out; /* what we send */
    bool out_ready;
    bool out_takeover;
    bool in_takeover;
    size_t in_window;
    tow_buffer history; /* of what we received: the last window */
} squeeze;

/* `out_bits` and `in_bits` are 8 to 15. Writing with 8 uses zlib's 9, which reaches back at most 250 bytes.
 */
int tow_conform_squeeze_init(
    squeeze *squeeze, int out_bits, bool out_takeover, int in_bits, bool in_takeover);
void tow_conform_squeeze_clear(squeeze *squeeze);

/* Appends the compressed message, without 00 00 ff ff. `level` 0 stores. Errors: MEMORY. */
int tow_conform_squeeze_message(
    squeeze *squeeze, const uint8_t *data, size_t length, int level, tow_buffer *out);

/* Appends the message that `data` stands for to `out`, which is empty. False with the reason when the data is
 * broken or reaches back beyond the window. */
bool tow_conform_squeeze_read(
    squeeze *squeeze, const uint8_t *data, size_t length, tow_buffer *out, const char **why);

#endif
