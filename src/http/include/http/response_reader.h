/* response_reader: reads the response to one request as its bytes come, whatever way they are cut: passes
 * interim responses over, then finds the head that counts, the pieces of the body, and its end (RFC 9112,
 * section 6.3; RFC 9110, section 15.2).
 *
 * Bytes in, slices out. Only the head is kept. What tow_http_response_read and tow_body_next refuse is
 * refused, and a 101, which nobody has asked for. */
#ifndef TOW_HTTP_RESPONSE_READER_H
#define TOW_HTTP_RESPONSE_READER_H

#include "base/buffer.h"
#include "http/body.h"

/* In bytes. All heads count together, interim ones too. */
typedef struct tow_response_limits {
    size_t head;
    uint64_t body;
} tow_response_limits;

typedef struct tow_response_reader { /* embedded; private but `head` and what has a comment */
    tow_response_limits limits;
    tow_buffer head; /* of the response that counts, as it was sent; it may be taken away when it is whole */
    size_t scanned;
    size_t interim; /* bytes of interim heads */
    uint64_t body_length;
    tow_body_reader body;
    bool to_head;    /* the request was HEAD: there is no body, whatever the head says */
    bool has_head;   /* it is whole */
    bool keep_alive; /* with it: the connection may be used again when the response has ended */
} tow_response_reader;

/* What was found. */
typedef enum tow_response_part {
    TOW_RESPONSE_MORE,  /* nothing: the bytes are used up */
    TOW_RESPONSE_HEAD,  /* the head, whole and right; once */
    TOW_RESPONSE_PIECE, /* of the body: borrowed from the bytes */
    TOW_RESPONSE_END    /* the response is whole; what is left of the bytes is not its own */
} tow_response_part;

void tow_response_reader_init(tow_response_reader *reader, bool to_head, tow_response_limits limits);

/* Takes the next part from the front of *bytes and advances. Call it again until it answers MORE or END: it
 * may find something where no bytes are left. Errors: HTTP_SYNTAX, HTTP_TOO_LARGE (more than the limits
 * allow: of the body if `has_head`), MEMORY. */
int tow_response_reader_next(
    tow_response_reader *reader, const char **bytes, size_t *length, tow_slice *piece);

/* The connection has ended: 0 if the response has with it, else ENDED. */
int tow_response_reader_end(const tow_response_reader *reader);

/* Frees the head. */
void tow_response_reader_clear(tow_response_reader *reader);

#endif
