/* field_text: a header field as options have it: "Name: value". */
#ifndef TOW_HANDLER_FIELD_TEXT_H
#define TOW_HANDLER_FIELD_TEXT_H

#include <towline/http.h>

/* Between the name and the value, and what errors call it. */
#define TOW_FIELD_TEXT_PAIR ": "
#define TOW_FIELD_TEXT_EXPECTED                                                                              \
    "a field for answers, such as 'Cache-Control: no-store'; those of the connection are the server's"

/* 0 if it is one that an answer may have (server/fields.h), else ARGUMENT. */
int tow_field_text_check(const char *text);

/* Takes a list that ends with NULL (or is NULL) apart: fields that end with a NULL name, in one piece of
 * memory, for free(3). NULL: there is no memory. */
tow_header_field *tow_field_texts_read(const char *const *texts);

#endif
