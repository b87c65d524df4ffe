/* body: finds the end of an HTTP/1.1 body: by length, chunked, or until the connection ends (RFC 9112,
 * sections 6 and 7). */
#ifndef TOW_HTTP_BODY_H
#define TOW_HTTP_BODY_H

#include "http/head.h"

/* What is read over and dropped is bounded: a chunk's line with its extensions, and all trailer fields
 * together, in bytes. */
enum { TOW_CHUNK_LINE_MAX = 4096, TOW_TRAILER_MAX = 16384 };

typedef struct tow_body_reader { /* plain data */
    tow_body_kind kind;
    uint64_t remaining;
    uint8_t state;
    uint16_t line_length; /* of a chunk's line or the trailer so far: bounded */
} tow_body_reader;

void tow_body_reader_init(tow_body_reader *reader, const tow_http_head *head);

/* Takes from the front of *bytes the next piece of the body's data (borrowed from the bytes) and advances.
 * Returns 1 with a piece, 0 when the bytes are used up, 2 when the body has ended (the rest is the next
 * message), or HTTP_SYNTAX. Trailer fields are checked and dropped. A body of the kind UNTIL_END never ends
 * here. */
int tow_body_next(tow_body_reader *reader, const char **bytes, size_t *length, tow_slice *piece);

#endif
