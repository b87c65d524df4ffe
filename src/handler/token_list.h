/* token_list: tokens, those that let in whoever has one, read from a file: a token a line, as it is or as
 * "sha256:" and the digest of it in hexadecimal digits; '#' begins a comment. Kept are digests. A list is
 * made whole and never changed: whoever uses one holds a reference, from any thread. */
#ifndef TOW_HANDLER_TOKEN_LIST_H
#define TOW_HANDLER_TOKEN_LIST_H

#include "base/slice.h"

enum { TOW_TOKEN_LIST_TEXT_MAX = 200 };

typedef struct tow_token_list tow_token_list;

/* Reads the text of a file. Errors: ARGUMENT, MEMORY; `why` then says what is wrong, with the number of the
 * line. */
int tow_token_list_read(
    tow_token_list **tokens, const char *text, size_t length, char why[TOW_TOKEN_LIST_TEXT_MAX]);

tow_token_list *tow_token_list_retain(tow_token_list *tokens);
void tow_token_list_release(tow_token_list *tokens); /* NULL is allowed */

/* Takes the same time whichever it is, and for one that is not there. */
bool tow_token_list_have(const tow_token_list *tokens, tow_slice token);

#endif
