#include "options.h"

#include "number.h"
#include "suggest.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/message.h>

typedef struct word_parser {
    const tow_command *command;
    const char *const *next; /* word */
    void *settings;
    const char *const *operands;
    char *error;
} word_parser;

__attribute__((format(printf, 2, 3))) static int complain(char *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, TOW_OPTIONS_ERROR_MAX, format, arguments);
    va_end(arguments);
    return TOW_ERROR_ARGUMENT;
}

void tow_option_label(const tow_option *option, char out[TOW_OPTION_LABEL_MAX]) {
    if (option->name != NULL)
        snprintf(out, TOW_OPTION_LABEL_MAX, "--%s", option->name);
    else
        snprintf(out, TOW_OPTION_LABEL_MAX, "-%c", option->letter);
}

int tow_list_append(const char *const **list, const char *more) {
    size_t count = 0;
    if (*list != NULL)
        while ((*list)[count] != NULL)
            count++;
    const char **longer = malloc((count + 2) * sizeof *longer);
    if (longer == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        longer[i] = (*list)[i];
    longer[count] = more;
    longer[count + 1] = NULL;
    tow_list_free(*list);
    *list = longer;
    return 0;
}

void tow_list_free(const char *const *list) {
    void *memory;
    memcpy(&memory, &list, sizeof memory);
    free(memory);
}

static void *field_of(const tow_option *option, void *settings) {
    return (char *)settings + option->offset;
}

static void integer_store(const tow_option *option, void *settings, int64_t number) {
    assert(option->width == sizeof(int) || option->width == sizeof(int64_t));
    if (option->width == sizeof(int)) {
        int value = (int)number;
        memcpy(field_of(option, settings), &value, sizeof value);
        return;
    }
    memcpy(field_of(option, settings), &number, sizeof number);
}

static int integer_parse(const tow_option *option, const char *text, int64_t *number) {
    if (option->kind == TOW_OPTION_SIZE)
        return tow_size_parse(text, number);
    if (option->kind == TOW_OPTION_DURATION)
        return tow_duration_parse(text, number);
    return tow_number_parse(text, number);
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

static int integer_set(
    const tow_option *option, void *settings, const char *text, const char *label, char *error) {
    int64_t number;
    int problem = integer_parse(option, text, &number);
    if (problem == TOW_ERROR_ARGUMENT)
        return complain(error, "%s: '%.60s' is not %s%s", label, text, integer_examples(option),
            option->off != NULL ? ", nor off" : "");
    int64_t scale = integer_scale(option);
    int64_t maximum = integer_maximum(option);
    if (problem != 0 || (maximum <= INT64_MAX / scale && number > maximum * scale))
        return complain(error, "%s: %.60s is too much; at most %lld", label, text, (long long)maximum);
    if (number < option->minimum * scale)
        return complain(error, "%s: %.60s is too little; at least %lld%s%s", label, text,
            (long long)option->minimum, option->off != NULL ? ", or off for " : "",
            option->off != NULL ? option->off : "");
    integer_store(option, settings, number);
    return 0;
}

static int choice_set(
    const tow_option *option, void *settings, const char *text, const char *label, char *error) {
    for (const tow_option_choice *choice = option->choices; choice->name != NULL; choice++)
        if (strcmp(choice->name, text) == 0) {
            integer_store(option, settings, choice->value);
            return 0;
        }
    complain(error, "%s: '%.60s' is none of", label, text);
    for (const tow_option_choice *choice = option->choices; choice->name != NULL; choice++) {
        size_t used = strlen(error);
        snprintf(error + used, TOW_OPTIONS_ERROR_MAX - used, "%s %s", choice == option->choices ? "" : ",",
            choice->name);
    }
    return TOW_ERROR_ARGUMENT;
}

static int text_set(
    const tow_option *option, void *settings, const char *text, const char *label, char *error) {
    if (option->check != NULL && option->check(text) != 0)
        return complain(error, "%s: '%.100s' is not %s", label, text, option->expects);
    if (option->kind == TOW_OPTION_TEXT) {
        memcpy(field_of(option, settings), &text, sizeof text);
        return 0;
    }
    const char *const *list;
    memcpy(&list, field_of(option, settings), sizeof list);
    int problem = tow_list_append(&list, text);
    if (problem != 0) {
        complain(error, "%s: %s", label, tow_strerror(problem));
        return problem;
    }
    memcpy(field_of(option, settings), &list, sizeof list);
    return 0;
}

int tow_option_set(
    const tow_option *option, void *settings, const char *text, char error[TOW_OPTIONS_ERROR_MAX]) {
    char label[TOW_OPTION_LABEL_MAX];
    tow_option_label(option, label);
    switch (option->kind) {
    case TOW_OPTION_FLAG:
        *(bool *)field_of(option, settings) = true;
        return 0;
    case TOW_OPTION_TEXT:
    case TOW_OPTION_LIST:
        return text_set(option, settings, text, label, error);
    case TOW_OPTION_NUMBER:
    case TOW_OPTION_SIZE:
    case TOW_OPTION_DURATION:
        if (option->off != NULL && strcmp(text, "off") == 0) {
            integer_store(option, settings, TOW_OFF);
            return 0;
        }
        return integer_set(option, settings, text, label, error);
    case TOW_OPTION_CHOICE:
        return choice_set(option, settings, text, label, error);
    case TOW_OPTION_REFUSED:
        return complain(error, "%s: %s", label, option->help);
    }
    return TOW_ERROR_ARGUMENT;
}

static bool takes_value(const tow_option *option) {
    return option->kind != TOW_OPTION_FLAG && option->kind != TOW_OPTION_REFUSED;
}

/* Which ends a list of rows. */
static bool is_empty(const tow_option *option) {
    return option->name == NULL && option->letter == 0;
}

const tow_option *tow_command_option(const tow_command *command, size_t index, size_t *base) {
    for (const tow_option_section *section = command->sections; section->options != NULL; section++) {
        const tow_option *option = section->options;
        for (; !is_empty(option) && index > 0; option++)
            index--;
        if (is_empty(option))
            continue;
        if (base != NULL)
            *base = section->base;
        return option;
    }
    return NULL;
}

static const tow_option *option_by_name(
    const tow_command *command, const char *name, size_t length, size_t *base) {
    const tow_option *option;
    for (size_t i = 0; (option = tow_command_option(command, i, base)) != NULL; i++)
        if (option->name != NULL && strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

static const tow_option *option_by_letter(const tow_command *command, char letter, size_t *base) {
    const tow_option *option;
    for (size_t i = 0; (option = tow_command_option(command, i, base)) != NULL; i++)
        if (letter != '\0' && option->letter == letter)
            return option;
    return NULL;
}

static int unknown_name(const word_parser *parser, const char *name, size_t length) {
    const char *names[128];
    size_t count = 0;
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(length < 60 ? length : 60), name);
    const tow_option *option;
    for (size_t i = 0; (option = tow_command_option(parser->command, i, NULL)) != NULL && count < 127; i++)
        if (option->name != NULL)
            names[count++] = option->name;
    names[count++] = "help";
    const char *nearest = tow_suggest(word, names, count);
    if (nearest != NULL)
        return complain(parser->error, "no option --%s; did you mean --%s?", word, nearest);
    return complain(
        parser->error, "no option --%s; 'towline %s --help' lists them", word, parser->command->name);
}

/* The value stands behind '=' or, where `attached` is NULL, in the next word. */
static int option_take(word_parser *parser, const tow_option *option, size_t base, const char *attached) {
    char label[TOW_OPTION_LABEL_MAX];
    tow_option_label(option, label);
    if (!takes_value(option)) {
        if (attached != NULL && option->kind == TOW_OPTION_FLAG)
            return complain(parser->error, "%s takes no value", label);
        return tow_option_set(option, (char *)parser->settings + base, "", parser->error);
    }
    if (attached == NULL && *parser->next == NULL)
        return complain(parser->error, "%s needs a value%s%s", label, option->value != NULL ? ": " : "",
            option->value != NULL ? option->value : "");
    const char *text = attached != NULL ? attached : *parser->next++;
    return tow_option_set(option, (char *)parser->settings + base, text, parser->error);
}

static int name_take(word_parser *parser, const char *word) {
    size_t length = strcspn(word, "=");
    size_t base;
    const tow_option *option = option_by_name(parser->command, word, length, &base);
    if (option == NULL)
        return unknown_name(parser, word, length);
    return option_take(parser, option, base, word[length] == '=' ? word + length + 1 : NULL);
}

/* One or more letters behind one dash; the first that takes a value takes the rest of the word. */
static int letters_take(word_parser *parser, const char *letters) {
    for (; *letters != '\0'; letters++) {
        size_t base;
        const tow_option *option = option_by_letter(parser->command, *letters, &base);
        if (option == NULL)
            return complain(parser->error, "no option -%c; 'towline %s --help' lists them", *letters,
                parser->command->name);
        if (takes_value(option))
            return option_take(parser, option, base, letters[1] != '\0' ? letters + 1 : NULL);
        int problem = option_take(parser, option, base, NULL);
        if (problem != 0)
            return problem;
    }
    return 0;
}

static int operand_take(word_parser *parser, const char *word) {
    int problem = tow_list_append(&parser->operands, word);
    if (problem != 0)
        complain(parser->error, "%s", tow_strerror(problem));
    return problem;
}

static int operands_check(const word_parser *parser) {
    const tow_command *command = parser->command;
    size_t count = 0;
    if (parser->operands != NULL)
        while (parser->operands[count] != NULL)
            count++;
    if (count < command->operands_minimum)
        return complain(
            parser->error, "%s is missing; 'towline %s --help' tells more", command->operands, command->name);
    if (count > command->operands_maximum)
        return complain(parser->error, "'%.100s' is one word too many; options begin with a dash",
            parser->operands[command->operands_maximum]);
    return 0;
}

static int defaults_set(const tow_command *command, void *settings, char *error) {
    size_t base;
    const tow_option *option;
    for (size_t i = 0; (option = tow_command_option(command, i, &base)) != NULL; i++) {
        void *part = (char *)settings + base;
        if (option->unset != 0)
            integer_store(option, part, option->unset);
        int problem = option->fallback == NULL ? 0 : tow_option_set(option, part, option->fallback, error);
        if (problem != 0)
            return problem;
    }
    return 0;
}

static int words_take(word_parser *parser, bool *help, bool *manual) {
    int problem = 0;
    while (problem == 0 && *parser->next != NULL) {
        const char *word = *parser->next++;
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            *help = true;
        else if (strcmp(word, "--help=man") == 0)
            *manual = true;
        else if (strcmp(word, "--") == 0)
            break;
        else if (strncmp(word, "--", 2) == 0)
            problem = name_take(parser, word + 2);
        else if (word[0] == '-' && word[1] != '\0')
            problem = letters_take(parser, word + 1);
        else
            problem = operand_take(parser, word);
        if (*help || *manual)
            return 0;
    }
    while (problem == 0 && *parser->next != NULL)
        problem = operand_take(parser, *parser->next++);
    return problem;
}

tow_options_result tow_options_parse(const tow_command *command, const char *const *words, void *settings,
    const char *const **operands, char error[TOW_OPTIONS_ERROR_MAX]) {
    word_parser parser = {.command = command, .next = words, .settings = settings, .error = error};
    bool help = false;
    bool manual = false;
    int problem = defaults_set(command, settings, error);
    if (problem == 0)
        problem = words_take(&parser, &help, &manual);
    *operands = parser.operands;
    if (problem == 0 && manual)
        return TOW_OPTIONS_MANUAL;
    if (problem == 0 && help)
        return TOW_OPTIONS_HELP;
    if (problem == 0)
        problem = operands_check(&parser);
    return problem == 0 ? TOW_OPTIONS_RUN : TOW_OPTIONS_WRONG;
}

void tow_options_clear(const tow_command *command, void *settings, const char *const *operands) {
    tow_list_free(operands);
    size_t base;
    const tow_option *option;
    for (size_t i = 0; (option = tow_command_option(command, i, &base)) != NULL; i++) {
        if (option->kind != TOW_OPTION_LIST)
            continue;
        void *field = field_of(option, (char *)settings + base);
        const char *const *list;
        memcpy(&list, field, sizeof list);
        tow_list_free(list);
        list = NULL;
        memcpy(field, &list, sizeof list);
    }
}
