#include "options_text.h"

#include "paint.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>

enum { LABEL_COLUMN = 2, TEXT_COLUMN = 30 };

static const tow_option help_option = {.name = "help", .letter = 'h', .help = "print this"};

/* Printed length in columns: characters, as our texts have no wide ones. */
static int columns_of(const char *text) {
    int columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xC0) != 0x80;
    return columns;
}

static int spaces_append(tow_buffer *out, int count) {
    return count <= 0 ? 0 : tow_buffer_append_format(out, "%*s", count, "");
}

int tow_text_wrap(tow_buffer *out, const char *text, int at, int indent, int columns) {
    int error = 0;
    bool first = true;
    while (error == 0 && *text != '\0') {
        size_t length = strcspn(text, " ");
        char word[256];
        snprintf(word, sizeof(word), "%.*s", (int)(length < 255 ? length : 255), text);
        int width = columns_of(word);
        if (!first && at + 1 + width > columns) {
            error = tow_buffer_append_text(out, "\n");
            if (error == 0)
                error = spaces_append(out, indent);
            at = indent;
        } else if (!first) {
            error = tow_buffer_append_text(out, " ");
            at++;
        }
        if (error == 0)
            error = tow_buffer_append_text(out, word);
        at += width;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    return error != 0 ? error : tow_buffer_append_text(out, "\n");
}

/* "auto, io_uring or epoll" with the separators given. */
static void choices_text(
    const tow_option *option, char *out, size_t size, const char *between, const char *last) {
    out[0] = '\0';
    for (const tow_option_choice *choice = option->choices; choice->name != NULL; choice++) {
        size_t used = strlen(out);
        const char *separator = choice[1].name == NULL ? last : between;
        snprintf(out + used, size - used, "%s%s", choice == option->choices ? "" : separator, choice->name);
    }
}

static void value_text(const tow_option *option, char *out, size_t size) {
    if (option->kind == TOW_OPTION_CHOICE)
        choices_text(option, out, size, "|", "|");
    else
        snprintf(out, size, "%s", option->value != NULL ? option->value : "");
}

/* Opens the bracket behind the help, or goes on in it. */
static int remark(tow_buffer *out, bool *open, const char *name, const char *text) {
    const char *before = *open ? "; " : " (";
    *open = true;
    return tow_buffer_append_format(out, "%s%s%s", before, name, text);
}

/* The help with what the row says besides, ended by a zero: "... (default 16M; off: no limit)". */
static int full_help(tow_buffer *out, const tow_option *option) {
    bool open = false;
    int error = tow_buffer_append_text(out, option->help);
    if (error == 0 && option->fallback != NULL)
        error = remark(out, &open, "default ", option->fallback);
    if (error == 0 && option->note != NULL)
        error = remark(out, &open, "default: ", option->note);
    if (error == 0 && option->off != NULL)
        error = remark(out, &open, "off: ", option->off);
    if (error == 0 && option->kind == TOW_OPTION_LIST)
        error = remark(out, &open, "may stand several times", "");
    if (error == 0 && open)
        error = tow_buffer_append_text(out, ")");
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

static int option_label_append(tow_buffer *out, const tow_option *option, int *columns) {
    char label[160];
    char value[120];
    value_text(option, value, sizeof(value));
    const char *space = value[0] != '\0' ? " " : "";
    if (option->letter == 0)
        snprintf(label, sizeof(label), "    --%s%s%s", option->name, space, value);
    else if (option->name == NULL)
        snprintf(label, sizeof(label), "-%c%s%s", option->letter, space, value);
    else
        snprintf(label, sizeof(label), "-%c, --%s%s%s", option->letter, option->name, space, value);
    *columns = LABEL_COLUMN + columns_of(label);
    return tow_buffer_append_format(out, "%*s%s", LABEL_COLUMN, "", label);
}

static int option_help(tow_buffer *out, const tow_option *option, int columns) {
    tow_buffer text = {0};
    int at = 0;
    int error = full_help(&text, option);
    if (error == 0)
        error = option_label_append(out, option, &at);
    if (error == 0 && at + 2 > TEXT_COLUMN) {
        error = tow_buffer_append_text(out, "\n");
        at = 0;
    }
    if (error == 0)
        error = spaces_append(out, TEXT_COLUMN - at);
    if (error == 0)
        error = tow_text_wrap(out, (const char *)text.data, TEXT_COLUMN, TEXT_COLUMN, columns);
    tow_buffer_clear(&text);
    return error;
}

static int heading(tow_buffer *out, const char *text, bool painted) {
    return tow_buffer_append_format(
        out, "\n%s%s%s\n", tow_paint(painted, TOW_COLOUR_BOLD), text, tow_paint_end(painted));
}

static int options_help(tow_buffer *out, const tow_command *command, int columns, bool painted) {
    int error = 0;
    tow_option option;
    for (size_t i = 0; error == 0 && tow_command_option(command, i, &option); i++) {
        if (option.kind == TOW_OPTION_REFUSED)
            continue;
        if (option.group != NULL)
            error = heading(out, option.group, painted);
        if (error == 0)
            error = option_help(out, &option, columns);
    }
    if (error == 0)
        error = tow_buffer_append_text(out, "\n");
    return error != 0 ? error : option_help(out, &help_option, columns);
}

static int examples_help(tow_buffer *out, const tow_command *command, bool painted) {
    int error = command->examples[0] == NULL ? 0 : heading(out, "Examples", painted);
    for (const char *const *example = command->examples; error == 0 && *example != NULL; example += 2)
        error = tow_buffer_append_format(out, "  %s\n      %s\n", example[0], example[1]);
    return error;
}

int tow_options_help(tow_buffer *out, const tow_command *command, int columns, bool painted) {
    const char *space = command->operands[0] != '\0' ? " " : "";
    int error = tow_buffer_append_format(
        out, "usage: towline %s [OPTIONS]%s%s\n", command->name, space, command->operands);
    for (const char *const *paragraph = command->description; error == 0 && *paragraph != NULL; paragraph++) {
        error = tow_buffer_append_text(out, "\n");
        if (error == 0)
            error = tow_text_wrap(out, *paragraph, 0, 0, columns);
    }
    if (error == 0)
        error = options_help(out, command, columns, painted);
    return error != 0 ? error : examples_help(out, command, painted);
}

/* Characters that roff would take for an escape, a hyphen or the end of a quoted argument. */
static int manual_argument(tow_buffer *out, const char *text) {
    int error = 0;
    for (; error == 0 && *text != '\0'; text++) {
        if (*text == '\\')
            error = tow_buffer_append_text(out, "\\e");
        else if (*text == '-')
            error = tow_buffer_append_text(out, "\\-");
        else if (*text == '"')
            error = tow_buffer_append_text(out, "\\(dq");
        else if (*text == '\'')
            error = tow_buffer_append_text(out, "\\(aq");
        else
            error = tow_buffer_append(out, text, 1);
    }
    return error;
}

/* A line of running text for mdoc(7): what roff would take for a request or an escape is protected. */
static int manual_text(tow_buffer *out, const char *text) {
    assert(text[0] != ' ');
    int error = text[0] == '.' || text[0] == '\'' ? tow_buffer_append_text(out, "\\&") : 0;
    for (; error == 0 && *text != '\0'; text++) {
        if (*text == '\\')
            error = tow_buffer_append_text(out, "\\e");
        else if (*text == '-' && text[1] == '-')
            error = tow_buffer_append_text(out, "\\-");
        else if (*text == ' ' && text[-1] == '.' && text[1] >= 'A' && text[1] <= 'Z')
            error = tow_buffer_append_text(out, "\n"); /* mdoc wants each sentence on a line of its own */
        else
            error = tow_buffer_append(out, text, 1);
    }
    return error != 0 ? error : tow_buffer_append_text(out, "\n");
}

static int manual_item(tow_buffer *out, const tow_option *option) {
    char value[120];
    value_text(option, value, sizeof(value));
    const char *argument = value[0] != '\0' ? " Ar " : "";
    if (option->letter == 0)
        return tow_buffer_append_format(out, ".It Fl -%s%s%s\n", option->name, argument, value);
    if (option->name == NULL)
        return tow_buffer_append_format(out, ".It Fl %c%s%s\n", option->letter, argument, value);
    return tow_buffer_append_format(
        out, ".It Fl %c , Fl -%s%s%s\n", option->letter, option->name, argument, value);
}

static int manual_option(tow_buffer *out, const tow_option *option) {
    tow_buffer text = {0};
    int error = full_help(&text, option);
    if (error == 0)
        error = manual_item(out, option);
    if (error == 0)
        error = manual_text(out, (const char *)text.data);
    tow_buffer_clear(&text);
    return error;
}

static int manual_options(tow_buffer *out, const tow_command *command) {
    int error = 0;
    bool open = false;
    tow_option option;
    for (size_t i = 0; error == 0 && tow_command_option(command, i, &option); i++) {
        if (option.kind == TOW_OPTION_REFUSED)
            continue;
        if (option.group != NULL || !open) {
            error = tow_buffer_append_format(out, "%s.Pp\n%s:\n.Bl -tag -width Ds -compact\n",
                open ? ".El\n" : "", option.group != NULL ? option.group : "Options");
            open = true;
        }
        if (error == 0)
            error = manual_option(out, &option);
    }
    if (error == 0)
        error = manual_option(out, &help_option);
    return error != 0 ? error : tow_buffer_append_text(out, ".El\n");
}

static int manual_examples(tow_buffer *out, const tow_command *command) {
    int error = command->examples[0] == NULL
                    ? 0
                    : tow_buffer_append_text(out, ".Pp\nExamples:\n.Bl -tag -width Ds -compact\n");
    for (const char *const *example = command->examples; error == 0 && *example != NULL; example += 2) {
        error = tow_buffer_append_text(out, ".It Li \"");
        if (error == 0)
            error = manual_argument(out, example[0]);
        if (error == 0)
            error = tow_buffer_append_text(out, "\"\n");
        if (error == 0)
            error = manual_text(out, example[1]);
    }
    return error != 0 || command->examples[0] == NULL ? error : tow_buffer_append_text(out, ".El\n");
}

int tow_options_manual(tow_buffer *out, const tow_command *command) {
    const char *argument = command->operands[0] != '\0' ? " Ar " : "";
    int error = tow_buffer_append_format(
        out, ".Ss towline %s Oo Ar OPTIONS Oc%s%s\n", command->name, argument, command->operands);
    for (const char *const *paragraph = command->description; error == 0 && *paragraph != NULL; paragraph++) {
        if (paragraph != command->description)
            error = tow_buffer_append_text(out, ".Pp\n");
        if (error == 0)
            error = manual_text(out, *paragraph);
    }
    if (error == 0)
        error = manual_options(out, command);
    return error != 0 ? error : manual_examples(out, command);
}
