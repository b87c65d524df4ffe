/* http1_writing: what a connection of HTTP/1.1 says: answers, in order, and its end. */
#ifndef TOW_SERVER_HTTP1_WRITING_H
#define TOW_SERVER_HTTP1_WRITING_H

#include "http1_state.h"

/* tow_exchange_class. */
int tow_http1_write(tow_exchange *exchange, const tow_answer_head *head, const void *body, size_t length);
int tow_http1_end_body(tow_exchange *exchange);
int tow_http1_write_bytes(tow_exchange *exchange, const void *bytes, size_t length);
void tow_http1_end_all(tow_exchange *exchange);
size_t tow_http1_buffered(const tow_exchange *exchange);
void tow_http1_pull(tow_exchange *exchange, const tow_body_source *source, uint64_t length);

/* "100 Continue" (RFC 9110, section 10.1.1). Errors: MEMORY. */
int tow_http1_continue(tow_http1 *http1);

/* Gives the stream of the output what it takes in this turn: see tow_output_pump. */
tow_output_result tow_http1_pump(tow_http1 *http1, bool *moved);

/* The step of an answer that is on its way. Tells whether there is more to do, as the next does. */
bool tow_http1_write_answer(tow_http1 *http1);

/* Ends our side, as soon as the answer is out; what still comes is dropped. */
bool tow_http1_linger(tow_http1 *http1);

/* An answer that was corked and not taken is written while the next request is awaited already. */
void tow_http1_write_rest(tow_http1 *http1);

#endif
