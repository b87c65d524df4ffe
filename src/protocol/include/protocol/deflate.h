/* deflate: compressing and inflating the payload of messages (RFC 7692, section 7.2).
 *
 * With no context takeover one deflater or inflater serves all connections of a worker in turn, a whole
 * message at a time: while the pieces of one message are being inflated, the inflater can't serve another.
 * With takeover each connection has its own: a deflater takes 2 ^ (window bits + 2) bytes and 22 KiB more at
 * most, an inflater 2 ^ window bits and 8 KiB. */
#ifndef TOW_PROTOCOL_DEFLATE_H
#define TOW_PROTOCOL_DEFLATE_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tow_deflater tow_deflater;
typedef struct tow_inflater tow_inflater;

/* `window_bits` is what was agreed for this direction, 8 to 15; back references never reach further.
 * `takeover`: keep the context from message to message. Errors: MEMORY. */
int tow_deflater_new(tow_deflater **deflater, int window_bits, bool takeover);
void tow_deflater_free(tow_deflater *deflater);

/* Appends the compressed message to `out`, without the final 00 00 FF FF. Errors: MEMORY; after one, `out`
 * may hold a part of the message, and a deflater with takeover must not be used again. */
int tow_deflater_message(tow_deflater *deflater, const void *data, size_t length, tow_buffer *out);

/* `window_bits` and `takeover` as for the deflater. References over more than twice the window
 * always fail. Errors: MEMORY. */
int tow_inflater_new(tow_inflater **inflater, int window_bits, bool takeover);
void tow_inflater_free(tow_inflater *inflater);

/* Inflates from the front of *data (of *length, both advanced), appending to `out`, which grows but never
 * beyond `limit` bytes, of which it has fewer before; `last`: the message ends with the data. Returns 1 when
 * `out` has as many bytes and there may be more, which the next call gets, also without data; 0 when the data
 * is used up and, with `last`, the message has ended. So memory and work are bounded whatever a message says.
 * A message that lies there whole, and fits, is inflated faster than one in pieces. Errors: COMPRESSED_DATA,
 * MEMORY; after one, start anew with tow_inflater_reset. */
int tow_inflater_piece(
    tow_inflater *inflater, const uint8_t **data, size_t *length, bool last, size_t limit, tow_buffer *out);

/* Forgets a message under way and the context. */
void tow_inflater_reset(tow_inflater *inflater);

#endif
