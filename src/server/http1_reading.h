/* http1_reading: what comes on a connection of HTTP/1.1: what stands before the requests, heads, bodies.
 *
 * Steps: each does what its state can do with what has come, takes that off *received, and tells whether
 * there is more to do. */
#ifndef TOW_SERVER_HTTP1_READING_H
#define TOW_SERVER_HTTP1_READING_H

#include "http1_state.h"

bool tow_http1_begin_request(tow_http1 *http1, tow_http1_input *received);
bool tow_http1_read_head(tow_http1 *http1, tow_http1_input *received);
bool tow_http1_read_body(tow_http1 *http1, tow_http1_input *received);
bool tow_http1_discard_body(tow_http1 *http1, tow_http1_input *received);

/* Answers with an error, which ends the connection. Returns true, for the step that ends with it. */
bool tow_http1_refuse(tow_http1 *http1, int status, const char *text);

/* In the state for that. */
bool tow_http1_read_raw(tow_http1 *http1, tow_http1_input *received);

#endif
