/* head: the head of an HTTP/1.1 request or response, read strictly (RFC 9110, RFC 9112).
 *
 * Bytes in, slices out: nothing is copied or allocated, and the slices point into the caller's bytes.
 * Refused: bare LF or CR, folded lines, white space before the colon, control characters, a name that is no
 * token, more than 128 fields, Content-Length together with Transfer-Encoding, a Content-Length that is no
 * number or stands twice, a Transfer-Encoding other than one "chunked", two Host fields or none in HTTP/1.1,
 * a Host that is no host, a target that is neither origin-form nor absolute-form nor "*" (for OPTIONS), an
 * HTTP version other than 1.0 and 1.1. */
#ifndef TOW_HTTP_HEAD_H
#define TOW_HTTP_HEAD_H

#include "base/slice.h"

#include <stdint.h>

enum { TOW_FIELDS_MAX = 128 };

/* How the body's end is known (RFC 9112, section 6.3). */
typedef enum tow_body_kind {
    TOW_BODY_NONE,
    TOW_BODY_LENGTH,
    TOW_BODY_CHUNKED,
    TOW_BODY_UNTIL_END
} tow_body_kind;

typedef struct tow_http_head {
    /* request */
    tow_slice method;
    tow_slice target;    /* as sent */
    tow_slice path;      /* of the target, as sent, without query; "*" for OPTIONS *; never empty */
    tow_slice query;     /* without the '?' */
    tow_slice authority; /* HOST[:PORT] of an absolute-form target (which replaces Host), else Host's value: a
                          * valid host, a port that may be empty and is at most 65535; data is NULL if there
                          * is none, as HTTP/1.0 allows */
    /* response */
    int status; /* 100 to 999 */
    tow_slice reason;
    /* both */
    tow_slice version; /* "HTTP/1.1" or "HTTP/1.0" */
    tow_body_kind body;
    uint64_t body_length; /* with TOW_BODY_LENGTH: more than 0, at most INT64_MAX */
    bool keep_alive;      /* by version and Connection */
    bool expect_continue; /* Expect: 100-continue */
    size_t field_count;
    tow_field fields[TOW_FIELDS_MAX];
} tow_http_head;

/* Reads a whole head from the front of `bytes`. Returns its length in bytes (with the empty line that may
 * precede a request), 0 while it is not complete (but right so far), or HTTP_SYNTAX: as soon as a byte comes
 * that can't be part of a head, and when it is complete for what its lines mean. HTTP_TOO_LARGE from 16 MiB
 * on; callers have their own, lower limit. `scanned` (may be NULL) starts at 0, remembers between calls how
 * far the bytes were checked, so that a head that comes byte by byte costs linear time, and is 0 again behind
 * a whole head; it is no plain offset. The bytes may move between calls. */
int tow_http_request_read(tow_http_head *head, const char *bytes, size_t length, size_t *scanned);
int tow_http_response_read(tow_http_head *head, const char *bytes, size_t length, size_t *scanned);

/* The status with which to answer a request that was refused: 400, 431 (more than 128 fields), 501 (CONNECT,
 * or a transfer coding we do not know), 505. Valid after an error of tow_http_request_read. */
int tow_http_refusal_status(const tow_http_head *head);

/* The value of the first field of this name, without regard to case; data is NULL if there is none. */
tow_slice tow_http_field(const tow_http_head *head, const char *name);

#endif
