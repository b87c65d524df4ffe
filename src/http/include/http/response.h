/* response: writing the head of a response, and what goes with it: reason phrases, dates. */
#ifndef TOW_HTTP_RESPONSE_H
#define TOW_HTTP_RESPONSE_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* "Not Found" for 404; "" for one that is not in the registry. */
const char *tow_http_reason(int status);

/* Begins a head: status line and Date. Further fields by tow_response_field, the end by tow_response_end. Errors: MEMORY. */
int tow_response_begin(tow_buffer *out, int status, int64_t wall_seconds);

/* Errors: ARGUMENT (a name that is no token; CR, LF or NUL in the value), MEMORY. */
int tow_response_field(tow_buffer *out, const char *name, const char *value);
int tow_response_field_number(tow_buffer *out, const char *name, uint64_t value);
int tow_response_end(tow_buffer *out);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7); reading takes all three forms and gives -1 for none of them. */
enum { TOW_HTTP_DATE_LENGTH = 29 };
void tow_http_date(char out[TOW_HTTP_DATE_LENGTH + 1], int64_t seconds);
int64_t tow_http_date_read(const char *text, size_t length);

#endif
