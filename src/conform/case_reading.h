/* case_reading: what the files that read cases share: words, numbers and quoted text of a line.
 *
 * Every function takes the rest of a line and returns what follows what it took, or NULL. */
#ifndef TOW_CONFORM_CASE_READING_H
#define TOW_CONFORM_CASE_READING_H

#include "cases.h"

enum { CASE_WORD_MAX = 64 };

const char *tow_conform_case_skip_blanks(const char *text);

/* Copies the word at the front (cut to fit); what follows it, without blanks. */
const char *tow_conform_case_take_word(const char *text, char word[CASE_WORD_MAX]);

/* Copies at most `length` bytes of a text; the caller frees them. NULL when out of memory. */
char *tow_conform_case_copy(const char *text, size_t length);

/* If the word at the front is `word`, moves behind it. */
bool tow_conform_case_takes(const char **text, const char *word);

/* The whole text is a number, in C's notation, of at most `maximum`. */
bool tow_conform_case_read_number(const char *text, uint64_t maximum, uint64_t *value);

/* A text in double quotes, with the escapes of C, appended to `out`. NULL when it is not one, or out of
 * memory. */
const char *tow_conform_case_read_quoted(const char *text, tow_buffer *out);

/* Words of pairs of hexadecimal digits, appended to `out`. NULL when out of memory. */
const char *tow_conform_case_read_hex(const char *text, tow_buffer *out);

/* case_statements.c: a line of a case. Errors: MEMORY. */
int tow_conform_case_statement_read(conform_case *one, const char *text, int line, bool *understood);
void tow_conform_case_clear(conform_case *one);

/* case_steps.c: a statement that is a step, into a step of which `line` is set. False when it is not one. */
bool tow_conform_case_step_read(case_step *step, const char *text);

#endif
