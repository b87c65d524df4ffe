/* unpack: the judge's own reading of DEFLATE (RFC 1951), with a window that is truly as small as agreed.
 *
 * Written for being obviously right, bit by bit. zlib can't tell a reference that reaches back too far while
 * the bytes are still in its output, and what is judged most often uses zlib itself. */
#ifndef TOW_CONFORM_UNPACK_H
#define TOW_CONFORM_UNPACK_H

#include "base/buffer.h"

#include <stdbool.h>

enum { UNPACKED_MAX = 512 << 20 };

/* Appends the bytes that the blocks of `data` stand for to `out`, which may hold what came before them:
 * references reach back into it, `window` bytes at most. The blocks fill the data: behind a final one, at the
 * next whole byte, another may begin (RFC 7692, section 7.2.3.4). False with the reason. */
bool tow_conform_unpack(const uint8_t *data, size_t length, size_t window, tow_buffer *out, const char **why);

#endif
