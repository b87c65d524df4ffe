/* json_word: a short text of JSON that is shown to people, or compared. */
#ifndef TOW_PROGRAM_JSON_WORD_H
#define TOW_PROGRAM_JSON_WORD_H

#include "base/slice.h"

enum { TOW_JSON_WORD_SIZE = 201 };

/* What a string says, cut where it is long; "" if the value is none. Returns `word`. */
const char *tow_json_word(tow_slice value, char word[TOW_JSON_WORD_SIZE]);

#endif
