/* option_value: what people type for an option, read as its row says. Pure: nothing is stored. */
#ifndef TOW_PROGRAM_OPTION_VALUE_H
#define TOW_PROGRAM_OPTION_VALUE_H

#include "handler/option.h"

#include <stdbool.h>

typedef union tow_option_value {
    bool flag;        /* of flags */
    int64_t number;   /* of numbers, sizes, durations and choices; TOW_OFF */
    const char *text; /* of texts and lists: the one that was read */
} tow_option_value;

enum { TOW_OPTIONS_ERROR_MAX = 320 };

/* Reads a text. `label` is what errors call the option. A flag's text is true or false, NULL: true. Errors:
 * ARGUMENT; error[] then holds one line. */
int tow_option_value_read(tow_option_value *value, const tow_option *option, const char *text,
    const char *label, char error[TOW_OPTIONS_ERROR_MAX]);

/* Writes the line; returns ARGUMENT. */
__attribute__((format(printf, 2, 3))) int tow_option_complain(
    char error[TOW_OPTIONS_ERROR_MAX], const char *format, ...);

#endif
