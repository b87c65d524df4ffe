/* tokens: those that let in whoever has one, read from a file: a token a line, as it is or as "sha256:" and
 * the digest of it in hexadecimal digits; '#' begins a comment. Kept are digests. A list is made whole and
 * never changed: whoever uses one holds a reference, from any thread. */
#ifndef TOW_HANDLER_ADMISSION_TOKENS_H
#define TOW_HANDLER_ADMISSION_TOKENS_H

#include "base/slice.h"

enum { TOW_TOKENS_TEXT_MAX = 200 };

typedef struct tow_tokens tow_tokens;

/* Reads the text of a file. Errors: ARGUMENT, MEMORY; `why` then says what is wrong, with the number of the
 * line. */
int tow_tokens_read(tow_tokens **tokens, const char *text, size_t length, char why[TOW_TOKENS_TEXT_MAX]);

tow_tokens *tow_tokens_retain(tow_tokens *tokens);
void tow_tokens_release(tow_tokens *tokens); /* NULL is allowed */

/* Takes the same time whichever it is, and for one that is not there. */
bool tow_tokens_have(const tow_tokens *tokens, tow_slice token);

#endif
