#include "option_value.h"

#include "base/number.h"
#include "suggest.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>
#include <towline/message.h>

/* What is being read. */
typedef struct reading {
    const tow_option *option;
    const char *text;
    const char *label;
    char *error;
} reading;

int tow_option_complain(char error[TOW_OPTIONS_ERROR_MAX], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, TOW_OPTIONS_ERROR_MAX, format, arguments);
    va_end(arguments);
    return TOW_ERROR_ARGUMENT;
}

static int integer_parse(const reading *now, int64_t *number) {
    if (now->option->kind == TOW_OPTION_SIZE)
        return tow_size_parse(now->text, number);
    if (now->option->kind == TOW_OPTION_DURATION)
        return tow_duration_parse(now->text, number);
    return tow_number_parse(now->text, number);
}

static const char *integer_examples(const tow_option *option) {
    if (option->kind == TOW_OPTION_SIZE)
        return "a size such as 512, 64K, 16M or 1G";
    return option->kind == TOW_OPTION_DURATION ? "a number of seconds such as 10 or 0.5" : "a whole number";
}

static int64_t integer_maximum(const tow_option *option) {
    if (option->maximum != 0)
        return option->maximum;
    return option->width == sizeof(int) ? INT_MAX : INT64_MAX;
}

/* The limits of a row are written as one would type them: seconds, not nanoseconds. */
static int64_t integer_scale(const tow_option *option) {
    return option->kind == TOW_OPTION_DURATION ? INT64_C(1000000000) : 1;
}

static int integer_read(const reading *now, int64_t *number) {
    const tow_option *option = now->option;
    if (option->off != NULL && strcmp(now->text, "off") == 0) {
        *number = TOW_OFF;
        return 0;
    }
    int problem = integer_parse(now, number);
    if (problem == TOW_ERROR_ARGUMENT)
        return tow_option_complain(now->error, "%s: '%.60s' is not %s%s", now->label, now->text,
            integer_examples(option), option->off != NULL ? ", nor off" : "");
    int64_t scale = integer_scale(option);
    int64_t maximum = integer_maximum(option);
    if (problem != 0 || (maximum <= INT64_MAX / scale && *number > maximum * scale))
        return tow_option_complain(
            now->error, "%s: %.60s is too much; at most %lld", now->label, now->text, (long long)maximum);
    if (*number < option->minimum * scale)
        return tow_option_complain(now->error, "%s: %.60s is too little; at least %lld%s%s", now->label,
            now->text, (long long)option->minimum, option->off != NULL ? ", or off for " : "",
            option->off != NULL ? option->off : "");
    return 0;
}

/* The choice that somebody may have meant, or NULL. */
static const char *choice_suggest(const tow_option *option, const char *text) {
    enum { CHOICES_MAX = 16 };
    const char *names[CHOICES_MAX];
    size_t count = 0;
    for (const char *const *word = option->meant; word != NULL && *word != NULL; word += 2)
        if (strcmp(word[0], text) == 0)
            return word[1];
    for (; count < CHOICES_MAX && option->choices[count].name != NULL; count++)
        names[count] = option->choices[count].name;
    return tow_suggest(text, names, count);
}

static void add(char error[TOW_OPTIONS_ERROR_MAX], const char *before, const char *text, const char *behind) {
    size_t used = strlen(error);
    snprintf(error + used, TOW_OPTIONS_ERROR_MAX - used, "%s%s%s", before, text, behind);
}

static int choice_read(const reading *now, int64_t *number) {
    const tow_option_choice *choices = now->option->choices;
    for (const tow_option_choice *choice = choices; choice->name != NULL; choice++)
        if (strcmp(choice->name, now->text) == 0) {
            *number = choice->value;
            return 0;
        }
    tow_option_complain(now->error, "%s: '%.60s' is none of", now->label, now->text);
    for (const tow_option_choice *choice = choices; choice->name != NULL; choice++)
        add(now->error, choice == choices ? " " : ", ", choice->name, "");
    const char *nearest = choice_suggest(now->option, now->text);
    if (nearest != NULL)
        add(now->error, "; did you mean ", nearest, "?");
    return TOW_ERROR_ARGUMENT;
}

static int text_read(const reading *now, const char **text) {
    *text = now->text;
    if (now->option->check == NULL || now->option->check(now->text) == 0)
        return 0;
    return tow_option_complain(
        now->error, "%s: '%.100s' is not %s", now->label, now->text, now->option->expects);
}

static int flag_read(const reading *now, bool *flag) {
    *flag = now->text == NULL || strcmp(now->text, "true") == 0;
    if (*flag || strcmp(now->text, "false") == 0)
        return 0;
    return tow_option_complain(now->error, "%s: '%.60s' is neither true nor false", now->label, now->text);
}

int tow_option_value_read(tow_option_value *value, const tow_option *option, const char *text,
    const char *label, char error[TOW_OPTIONS_ERROR_MAX]) {
    const reading now = {.option = option, .text = text, .label = label, .error = error};
    switch (option->kind) {
    case TOW_OPTION_FLAG:
        return flag_read(&now, &value->flag);
    case TOW_OPTION_TEXT:
    case TOW_OPTION_LIST:
        return text_read(&now, &value->text);
    case TOW_OPTION_NUMBER:
    case TOW_OPTION_SIZE:
    case TOW_OPTION_DURATION:
        return integer_read(&now, &value->number);
    case TOW_OPTION_CHOICE:
        return choice_read(&now, &value->number);
    case TOW_OPTION_REFUSED:
        break;
    }
    return tow_option_complain(error, "%s: %s", label, option->help);
}
