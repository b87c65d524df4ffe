/* date: the dates of HTTP (RFC 9110, section 5.6.7), from and to seconds since 1970. Asks no clock. */
#ifndef TOW_HTTP_DATE_H
#define TOW_HTTP_DATE_H

#include <stddef.h>
#include <stdint.h>

enum { TOW_HTTP_DATE_LENGTH = 29 };

/* "Sun, 06 Nov 1994 08:49:37 GMT", ends with a zero. Seconds before 1970 or after 9999 become the first or
 * last that can be written. */
void tow_http_date(char out[TOW_HTTP_DATE_LENGTH + 1], int64_t seconds);

/* Reads any of the three forms, and gives -1 for none of them; dates before 1970 are read as 0. A year of two
 * digits is one of 1970 to 2069. */
int64_t tow_http_date_read(const char *text, size_t length);

#endif
