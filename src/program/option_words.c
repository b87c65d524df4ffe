/* The words of a command line, taken into options. */
#include "option_entry.h"

#include <stdio.h>
#include <string.h>
#include <towline/error.h>

typedef struct word_parser {
    tow_options *options;
    const char *const *next; /* word */
    char *error;
} word_parser;

static const tow_option_source command_line = {0};

static bool takes_value(const tow_option *option) {
    return option->kind != TOW_OPTION_FLAG && option->kind != TOW_OPTION_REFUSED;
}

/* The value stands behind '=' or, where `attached` is NULL, in the next word. */
static int option_take(word_parser *parser, tow_option_entry *entry, const char *attached) {
    const tow_option *option = &entry->option;
    char label[TOW_OPTION_LABEL_MAX];
    tow_option_label(option, NULL, label);
    if (option->kind == TOW_OPTION_FLAG && attached != NULL)
        return tow_option_complain(parser->error, "%s takes no value", label);
    const char *text = NULL;
    if (takes_value(option)) {
        text = attached != NULL ? attached : *parser->next;
        if (text == NULL)
            return tow_option_complain(parser->error, "%s needs a value%s%s", label,
                option->value != NULL ? ": " : "", option->value != NULL ? option->value : "");
        if (attached == NULL)
            parser->next++;
    }
    return tow_option_entry_give(parser->options, entry, text, command_line, parser->error);
}

static int unknown_name(const word_parser *parser, const char *name, size_t length) {
    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)(length < 60 ? length : 60), name);
    const char *nearest = tow_option_entry_suggest(parser->options, word);
    if (nearest != NULL)
        return tow_option_complain(parser->error, "no option --%s; did you mean --%s?", word, nearest);
    return tow_option_complain(parser->error, "no option --%s; 'towline %s --help' lists them", word,
        parser->options->command->name);
}

static int name_take(word_parser *parser, const char *word) {
    size_t length = strcspn(word, "=");
    tow_option_entry *entry = tow_option_entry_by_name(parser->options, word, length);
    if (entry == NULL)
        return unknown_name(parser, word, length);
    return option_take(parser, entry, word[length] == '=' ? word + length + 1 : NULL);
}

/* One or more letters behind one dash; the first that takes a value takes the rest of the word. */
static int letters_take(word_parser *parser, const char *letters) {
    for (; *letters != '\0'; letters++) {
        tow_option_entry *entry = tow_option_entry_by_letter(parser->options, *letters);
        if (entry == NULL)
            return tow_option_complain(parser->error, "no option -%c; 'towline %s --help' lists them",
                *letters, parser->options->command->name);
        if (takes_value(&entry->option))
            return option_take(parser, entry, letters[1] != '\0' ? letters + 1 : NULL);
        int problem = option_take(parser, entry, NULL);
        if (problem != 0)
            return problem;
    }
    return 0;
}

static int operand_take(const word_parser *parser, const char *word) {
    return tow_options_add_operand(parser->options, word, parser->error);
}

static int operands_check(const word_parser *parser) {
    const tow_command *command = parser->options->command;
    const char *const *operands = parser->options->operands;
    size_t count = 0;
    while (operands != NULL && operands[count] != NULL)
        count++;
    if (count < command->operands_minimum)
        return tow_option_complain(parser->error,
            "a word is missing: towline %s %s; 'towline %s --help' tells more", command->name,
            command->operands, command->name);
    if (count > command->operands_maximum)
        return tow_option_complain(parser->error, "'%.100s' is one word too many; options begin with a dash",
            operands[command->operands_maximum]);
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

tow_options_result tow_options_take_words(
    tow_options *options, const char *const *words, char error[TOW_OPTIONS_ERROR_MAX]) {
    word_parser parser = {.options = options, .next = words, .error = error};
    bool help = false;
    bool manual = false;
    options->words = words;
    int problem = words_take(&parser, &help, &manual);
    if (problem == 0 && manual)
        return TOW_OPTIONS_MANUAL;
    if (problem == 0 && help)
        return TOW_OPTIONS_HELP;
    if (problem == 0)
        problem = operands_check(&parser);
    return problem == 0 ? TOW_OPTIONS_RUN : TOW_OPTIONS_WRONG;
}
