#include "options.h"

#include "option_entry.h"
#include "suggest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

struct tow_option_text {
    tow_option_text *next;
    char text[];
};

/* The rows. */

/* Which ends a list of rows. */
static bool is_empty(const tow_option *option) {
    return option->name == NULL && option->letter == 0;
}

static const tow_option_change *change_of(const tow_option_section *section, const tow_option *option) {
    const tow_option_change *change = section->changes;
    for (; change != NULL && change->name != NULL; change++)
        if (option->name != NULL && strcmp(change->name, option->name) == 0)
            return change;
    return NULL;
}

static const char *first_of(const char *text, const char *otherwise) {
    return text != NULL ? text : otherwise;
}

static tow_option changed(
    const tow_option *row, const tow_option_change *change, const tow_option_section *section) {
    tow_option option = *row;
    option.offset += section->base;
    if (section->inherits) {
        option.fallback = NULL;
        option.unset = 0;
    }
    if (change != NULL) {
        option.fallback = first_of(change->fallback, row->fallback);
        option.help = first_of(change->help, row->help);
        option.group = first_of(change->group, row->group);
    }
    return option;
}

bool tow_command_option(const tow_command *command, size_t index, tow_option *option) {
    for (const tow_option_section *section = command->sections; section->options != NULL; section++) {
        const char *group = NULL;
        for (const tow_option *row = section->options; !is_empty(row); row++) {
            const tow_option_change *change = change_of(section, row);
            group = first_of(row->group, group);
            if (change != NULL && change->left_out)
                continue;
            if (index-- == 0) {
                *option = changed(row, change, section);
                option->group = first_of(option->group, group);
                return true;
            }
            group = NULL;
        }
    }
    return false;
}

/* Fields. */

static void *field_of(const tow_options *options, const tow_option *option) {
    return (char *)options->settings + option->offset;
}

static void integer_store(const tow_options *options, const tow_option *option, int64_t number) {
    assert(option->width == sizeof(int) || option->width == sizeof(int64_t));
    if (option->width == sizeof(int)) {
        int value = (int)number;
        memcpy(field_of(options, option), &value, sizeof(value));
        return;
    }
    memcpy(field_of(options, option), &number, sizeof(number));
}

int64_t tow_option_number(const tow_options *options, const tow_option *option) {
    int narrow;
    int64_t wide;
    memcpy(&narrow, field_of(options, option), sizeof(narrow));
    if (option->width == sizeof(int))
        return narrow;
    memcpy(&wide, field_of(options, option), sizeof(wide));
    return wide;
}

bool tow_option_flag_of(const tow_options *options, const tow_option *option) {
    return *(const bool *)field_of(options, option);
}

const char *tow_option_text_of(const tow_options *options, const tow_option *option) {
    const char *text;
    memcpy(&text, field_of(options, option), sizeof(text));
    return text;
}

const char *const *tow_option_list_of(const tow_options *options, const tow_option *option) {
    const char *const *list;
    memcpy(&list, field_of(options, option), sizeof(list));
    return list;
}

/* Owned by the options from then on; NULL: there is no memory. */
static const char *text_keep(tow_options *options, const char *text) {
    size_t size = strlen(text) + 1;
    tow_option_text *kept = malloc(sizeof(*kept) + size);
    if (kept == NULL)
        return NULL;
    memcpy(kept->text, text, size);
    kept->next = options->texts;
    options->texts = kept;
    return kept->text;
}

static void list_free(const char *const *list) {
    void *memory;
    memcpy(&memory, &list, sizeof(memory));
    free(memory);
}

size_t tow_list_length(const char *const *list) {
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    return count;
}

/* Puts one more behind a list that ends with NULL, or begins it. */
static int list_append(tow_options *options, const char *const **list, const char *text) {
    size_t count = tow_list_length(*list);
    const char *kept = text_keep(options, text);
    const char **longer = kept == NULL ? NULL : malloc((count + 2) * sizeof(*longer));
    if (longer == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        longer[i] = (*list)[i];
    longer[count] = kept;
    longer[count + 1] = NULL;
    list_free(*list);
    *list = longer;
    return 0;
}

static int list_store(tow_options *options, const tow_option *option, const char *text) {
    const char *const *list = tow_option_list_of(options, option);
    int problem = list_append(options, &list, text);
    if (problem == 0)
        memcpy(field_of(options, option), &list, sizeof(list));
    return problem;
}

static void list_forget(const tow_options *options, const tow_option *option) {
    const char *const *list = NULL;
    list_free(tow_option_list_of(options, option));
    memcpy(field_of(options, option), &list, sizeof(list));
}

static int text_store(tow_options *options, const tow_option *option, const char *text) {
    const char *kept = text_keep(options, text);
    if (kept == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(field_of(options, option), &kept, sizeof(kept));
    return 0;
}

static int value_store(tow_options *options, const tow_option *option, tow_option_value value) {
    switch (option->kind) {
    case TOW_OPTION_FLAG:
        *(bool *)field_of(options, option) = value.flag;
        return 0;
    case TOW_OPTION_TEXT:
        return text_store(options, option, value.text);
    case TOW_OPTION_LIST:
        return list_store(options, option, value.text);
    case TOW_OPTION_NUMBER:
    case TOW_OPTION_SIZE:
    case TOW_OPTION_DURATION:
    case TOW_OPTION_CHOICE:
        integer_store(options, option, value.number);
        return 0;
    case TOW_OPTION_REFUSED:
        break;
    }
    assert(false); /* it has no value */
    return TOW_ERROR_ARGUMENT;
}

/* What is given. */

void tow_option_label(
    const tow_option *option, const tow_option_source *source, char out[TOW_OPTION_LABEL_MAX]) {
    const char letter[] = {option->letter, '\0'};
    if (source != NULL && source->file != NULL)
        snprintf(out, TOW_OPTION_LABEL_MAX, "%.100s:%zu:%zu: %s", source->file, source->line, source->column,
            first_of(option->name, letter));
    else if (option->name != NULL)
        snprintf(out, TOW_OPTION_LABEL_MAX, "--%s", option->name);
    else
        snprintf(out, TOW_OPTION_LABEL_MAX, "-%s", letter);
}

void tow_options_tell(const tow_options *options, const char *text, char out[TOW_OPTIONS_ERROR_MAX]) {
    char label[TOW_OPTION_LABEL_MAX];
    const size_t length = strcspn(text, ": ");
    const tow_option_entry *entry = tow_option_entry_by_name(options, text, length);
    if (entry == NULL) {
        snprintf(out, TOW_OPTIONS_ERROR_MAX, "%s", text);
        return;
    }
    tow_option_label(&entry->option, entry->given ? &entry->source : NULL, label);
    snprintf(out, TOW_OPTIONS_ERROR_MAX, "%s%s", label, text + length);
}

/* Whether what stands there holds against the other. */
static bool goes_before(const tow_option_source *source, const tow_option_source *other) {
    return source->file == NULL && other->file != NULL;
}

int tow_option_entry_give(tow_options *options, tow_option_entry *entry, const char *text,
    tow_option_source source, char error[TOW_OPTIONS_ERROR_MAX]) {
    char label[TOW_OPTION_LABEL_MAX];
    tow_option_value value;
    tow_option_label(&entry->option, &source, label);
    int problem = tow_option_value_read(&value, &entry->option, text, label, error);
    if (problem != 0 || (entry->given && goes_before(&entry->source, &source)))
        return problem;
    if (entry->option.kind == TOW_OPTION_LIST && entry->given && goes_before(&source, &entry->source))
        list_forget(options, &entry->option);
    problem = value_store(options, &entry->option, value);
    if (problem != 0) {
        tow_option_complain(error, "%s: %s", label, tow_strerror(problem));
        return problem;
    }
    entry->given = true;
    entry->source = source;
    return 0;
}

tow_option_entry *tow_option_entry_by_name(const tow_options *options, const char *name, size_t length) {
    for (size_t i = 0; i < options->count; i++) {
        const char *its = options->entries[i].option.name;
        if (its != NULL && strlen(its) == length && memcmp(its, name, length) == 0)
            return &options->entries[i];
    }
    return NULL;
}

tow_option_entry *tow_option_entry_by_letter(const tow_options *options, char letter) {
    for (size_t i = 0; i < options->count; i++)
        if (letter != '\0' && options->entries[i].option.letter == letter)
            return &options->entries[i];
    return NULL;
}

const char *tow_option_entry_suggest(const tow_options *options, const char *word) {
    const char *names[128];
    size_t count = 0;
    for (size_t i = 0; i < options->count && count < 127; i++)
        if (options->entries[i].option.name != NULL)
            names[count++] = options->entries[i].option.name;
    names[count++] = "help";
    return tow_suggest(word, names, count);
}

int tow_options_take(tow_options *options, const char *name, const char *text, tow_option_source source,
    char error[TOW_OPTIONS_ERROR_MAX]) {
    tow_option_entry *entry = tow_option_entry_by_name(options, name, strlen(name));
    if (entry != NULL)
        return tow_option_entry_give(options, entry, text, source, error);
    const char *nearest = tow_option_entry_suggest(options, name);
    return tow_option_complain(error, "%.100s:%zu:%zu: no option %.60s%s%s%s", source.file, source.line,
        source.column, name, nearest != NULL ? "; did you mean " : "", first_of(nearest, ""),
        nearest != NULL ? "?" : "");
}

int tow_options_add_operand(tow_options *options, const char *word, char error[TOW_OPTIONS_ERROR_MAX]) {
    int problem = list_append(options, &options->operands, word);
    if (problem != 0)
        tow_option_complain(error, "%s", tow_strerror(problem));
    return problem;
}

const tow_option_source *tow_options_source(const tow_options *options, const char *name) {
    const tow_option_entry *entry = tow_option_entry_by_name(options, name, strlen(name));
    if (entry == NULL && strlen(name) == 1)
        entry = tow_option_entry_by_letter(options, name[0]);
    return entry != NULL && entry->given ? &entry->source : NULL;
}

static bool is_among(const tow_option *option, const char *const *names) {
    for (; *names != NULL; names++)
        if (option->name != NULL && strcmp(option->name, *names) == 0)
            return true;
    return false;
}

const tow_option *tow_options_beside(const tow_options *options, const char *const *names) {
    for (size_t i = 0; i < options->count; i++)
        if (options->entries[i].given && !is_among(&options->entries[i].option, names))
            return &options->entries[i].option;
    return NULL;
}

const tow_option *tow_options_useless(const tow_options *options, unsigned lacking) {
    for (size_t i = 0; i < options->count; i++)
        if (options->entries[i].given && (options->entries[i].option.needs & lacking) != 0)
            return &options->entries[i].option;
    return NULL;
}

/* Beginning and end. */

static int64_t default_of(const tow_option *option) {
    tow_option_value value = {.number = option->unset};
    char error[TOW_OPTIONS_ERROR_MAX];
    if (option->fallback != NULL) {
        int problem = tow_option_value_read(&value, option, option->fallback, "", error);
        assert(problem == 0);
        (void)problem;
    }
    return value.number;
}

static void default_set(const tow_options *options, const tow_option *option) {
    if (option->unset != 0 || option->fallback != NULL)
        integer_store(options, option, default_of(option)); /* no text has a default */
}

bool tow_options_changed(const tow_options *options, const char *name) {
    const tow_option_entry *entry = tow_option_entry_by_name(options, name, strlen(name));
    return entry != NULL && entry->given &&
           tow_option_number(options, &entry->option) != default_of(&entry->option);
}

int tow_options_init(tow_options *options, const tow_command *command) {
    tow_option option;
    *options = (tow_options){.command = command};
    while (tow_command_option(command, options->count, &option))
        options->count++;
    options->settings = calloc(1, command->settings_size);
    options->entries = calloc(options->count + 1, sizeof(options->entries[0]));
    if (options->settings == NULL || options->entries == NULL) {
        options->count = 0;
        tow_options_clear(options);
        return TOW_ERROR_MEMORY;
    }
    for (size_t i = 0; i < options->count; i++) {
        tow_command_option(command, i, &options->entries[i].option);
        default_set(options, &options->entries[i].option);
    }
    return 0;
}

void tow_options_clear(tow_options *options) {
    for (size_t i = 0; i < options->count; i++)
        if (options->entries[i].option.kind == TOW_OPTION_LIST)
            list_forget(options, &options->entries[i].option);
    list_free(options->operands);
    for (tow_option_text *text = options->texts, *next; text != NULL; text = next) {
        next = text->next;
        free(text);
    }
    free(options->entries);
    free(options->settings);
    *options = (tow_options){0};
}
