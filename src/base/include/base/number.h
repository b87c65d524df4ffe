/* number: what people type for amounts: "12", "64K", "16M", "1.5". No signs, no spaces. */
#ifndef TOW_BASE_NUMBER_H
#define TOW_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* A whole number. Errors: ARGUMENT (not one), LIMIT (beyond 63 bits). */
int tow_number_parse(const char *text, int64_t *number);

/* Bytes: a number and, if wanted, K, M, G or T (1024 and its powers; k, KiB and KB mean the same). Errors as
 * above. */
int tow_size_parse(const char *text, int64_t *bytes);

/* Seconds with at most nine decimals, as nanoseconds. Errors as above. */
int tow_duration_parse(const char *text, int64_t *nanoseconds);

/* Bytes as people read them: "17 B", "64 KiB", "1.5 MiB". */
enum { TOW_SIZE_TEXT_MAX = 24 };
void tow_size_text(uint64_t bytes, char out[TOW_SIZE_TEXT_MAX]);

#endif
