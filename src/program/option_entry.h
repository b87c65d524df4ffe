/* option_entry: what options remember of each row; for who reads or writes options. */
#ifndef TOW_PROGRAM_OPTION_ENTRY_H
#define TOW_PROGRAM_OPTION_ENTRY_H

#include "options.h"

struct tow_option_entry {
    tow_option option;
    bool given;
    tow_option_source source; /* if it was given: of the value that holds */
};

/* NULL if there is none. */
tow_option_entry *tow_option_entry_by_name(const tow_options *options, const char *name, size_t length);
tow_option_entry *tow_option_entry_by_letter(const tow_options *options, char letter);

/* Takes a value, as tow_options_take. */
int tow_option_entry_give(tow_options *options, tow_option_entry *entry, const char *text,
    tow_option_source source, char error[TOW_OPTIONS_ERROR_MAX]);

/* Where in a text of this option the name of a file or folder is; NULL: nowhere. */
const char *tow_option_path_in(const tow_option *option, const char *text);

/* What the field of a row holds: of flags, of numbers and choices, of texts, of lists. */
bool tow_option_flag_of(const tow_options *options, const tow_option *option);
int64_t tow_option_number(const tow_options *options, const tow_option *option);
const char *tow_option_text_of(const tow_options *options, const tow_option *option);
const char *const *tow_option_list_of(const tow_options *options, const tow_option *option);

/* The name that is like this word, or NULL. */
const char *tow_option_entry_suggest(const tow_options *options, const char *word);

int tow_options_add_operand(tow_options *options, const char *word, char error[TOW_OPTIONS_ERROR_MAX]);

#endif
