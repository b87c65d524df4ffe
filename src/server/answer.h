/* answer: writing the answer to a request into the output of its conversation. */
#ifndef TOW_SERVER_ANSWER_H
#define TOW_SERVER_ANSWER_H

#include "conversation.h"

enum { TOW_REFUSAL_MAX = 1000 };

/* Answers with one line of text that says what is wrong; the connection ends after it. What is longer than
 * TOW_REFUSAL_MAX bytes is cut, and the log says so. What tow_answer_field added goes along. `advice` (may be
 * NULL) is for the log only. Without memory for all that the connection is reset. */
void tow_answer_refuse(tow_exchange *exchange, int status, const char *text, const char *advice);

/* The same as tow_exchange_field, for the server itself. */
int tow_answer_field(tow_exchange *exchange, const char *name, const char *value);

/* "100 Continue" (RFC 9110, section 10.1.1). Errors: MEMORY. */
int tow_answer_continue(tow_exchange *exchange);

/* Counts a limit of the worker's counters as reached; the log's next line names its option. */
void tow_answer_limit(tow_exchange *exchange, uint64_t *counter);

/* A line for the log: peer, request and status (0: no answer). */
void tow_answer_report(tow_exchange *exchange, int level, int status, const char *text);

/* The same for an end without an answer, by the limit that was reached. */
void tow_answer_report_end(tow_exchange *exchange);

#endif
