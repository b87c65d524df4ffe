/* framing: what the fields of a head say about the message as a whole: its body's end, its connection, its
 * host (RFC 9112, sections 3.2, 6 and 9; RFC 9110, section 10.1.1). */
#ifndef TOW_HTTP_FRAMING_H
#define TOW_HTTP_FRAMING_H

#include "http/head.h"

/* The few fields that matter here, gathered in one pass. Counts tell one from none and from many. */
typedef struct tow_framing {
    tow_slice host;
    tow_slice content_length;
    tow_slice transfer_encoding;
    unsigned host_count;
    unsigned content_length_count;
    unsigned transfer_encoding_count;
    bool close;      /* Connection */
    bool keep_alive; /* Connection */
    bool continue_expected;
} tow_framing;

/* Notes a field if it is one of those. Start with a zeroed framing. */
void tow_framing_note(tow_framing *framing, const tow_field *field);

/* Sets body, body_length, keep_alive, expect_continue, authority. Returns 0 or the status with which to
 * refuse. */
int tow_framing_of_request(const tow_framing *framing, tow_http_head *head);
int tow_framing_of_response(const tow_framing *framing, tow_http_head *head);

#endif
