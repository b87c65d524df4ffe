/* options: one table says everything about an option; the command line, --help and the manual page come from
 * it.
 *
 * A row tells the field of the command's settings that it fills. In: words as main gets them. Out: settings,
 * operands, or one line that says what is wrong. Knows no particular option. */
#ifndef TOW_PROGRAM_OPTIONS_H
#define TOW_PROGRAM_OPTIONS_H

#include "handler/option.h"

#include <stdbool.h>

/* Rows of a command; their fields lie in a struct that is its settings, or a part of them. */
typedef struct tow_option_section {
    const tow_option *options; /* ends with an empty row; NULL ends the sections */
    size_t base;               /* where that struct begins */
} tow_option_section;

typedef struct tow_command {
    const char *name;
    const char *operands; /* as usage shows them, "" if none */
    size_t operands_minimum;
    size_t operands_maximum;
    const char *summary;            /* a line, without a full stop */
    const char *const *description; /* paragraphs, ends with NULL */
    const char *const *examples;    /* a command line and what it does, in turns; ends with NULL */
    const tow_option_section *sections;
    size_t settings_size;
    int (*run)(const void *settings, const char *const *operands); /* returns the exit status */
} tow_command;

enum { TOW_OPTIONS_ERROR_MAX = 320 };

typedef enum tow_options_result {
    TOW_OPTIONS_RUN,
    TOW_OPTIONS_HELP,   /* --help was asked for */
    TOW_OPTIONS_MANUAL, /* --help=man: this command's sections of the manual page */
    TOW_OPTIONS_WRONG   /* error[] tells */
} tow_options_result;

/* Fills `settings` (zeroed, settings_size bytes) with the defaults, then with what the words say (`words`
 * ends with NULL and outlives the settings), and hands out the operands, which end with NULL. Whatever the
 * result, tow_options_clear frees what settings and operands own. */
tow_options_result tow_options_parse(const tow_command *command, const char *const *words, void *settings,
    const char *const **operands, char error[TOW_OPTIONS_ERROR_MAX]);
void tow_options_clear(const tow_command *command, void *settings, const char *const *operands);

/* The options of a command in order: the one at `index`, and in *base (may be NULL) where the settings begin
 * that its row speaks of; NULL behind the last. */
const tow_option *tow_command_option(const tow_command *command, size_t index, size_t *base);

/* Sets one option from its text; `settings` are those that its row speaks of. Returns 0, ARGUMENT or MEMORY;
 * error[] then holds one line that names the option. */
int tow_option_set(
    const tow_option *option, void *settings, const char *text, char error[TOW_OPTIONS_ERROR_MAX]);

/* Appends `more` to a list that ends with NULL. Errors: MEMORY. */
int tow_list_append(const char *const **list, const char *more);
void tow_list_free(const char *const *list);

/* "--port" or, without a name, "-x". */
enum { TOW_OPTION_LABEL_MAX = 64 };
void tow_option_label(const tow_option *option, char out[TOW_OPTION_LABEL_MAX]);

#endif
