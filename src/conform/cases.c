#include "cases.h"

#include "case_reading.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    LINES_MAX = 200,
    LOOPS_MAX = 4,
    NAMES_MAX = 4,
    VALUES_MAX = 128,
    CASES_MAX = 5000 /* a text that makes more is a mistake */
};

/* A `for` line: names that get their values together. */
struct loop {
    char names[NAMES_MAX][CASE_WORD_MAX];
    size_t name_count;
    char *values[VALUES_MAX]; /* owned; those of the first turn, then those of the second … */
    size_t count;
    size_t at; /* the first value of the current turn */
};

/* A case as it stands in the text, before values are filled in. */
struct block {
    char *lines[LINES_MAX]; /* owned; the first is the case's name */
    int numbers[LINES_MAX];
    size_t count;
    struct loop loops[LOOPS_MAX];
    size_t loop_count;
};

struct reader {
    case_list *list;
    const char *name; /* of the text, for messages */
    tow_buffer *error;
    char group[CASE_WORD_MAX];
    char section[CASE_WORD_MAX];
    struct block block;
    int line;
};

static int fail(struct reader *reader, int line, const char *what, const char *where) {
    tow_buffer_append_format(reader->error, "%s:%d: %s: %s", reader->name, line, what, where);
    return TOW_ERROR_ARGUMENT;
}

/* Values. */

/* The current value of the name at the front of the text, which ends with a brace; NULL if no loop has it. */
static const char *value_of(const struct block *block, const char *text, size_t *length) {
    for (size_t i = 0; i < block->loop_count; i++) {
        const struct loop *loop = &block->loops[i];
        for (size_t k = 0; k < loop->name_count; k++) {
            *length = strlen(loop->names[k]);
            if (strncmp(text, loop->names[k], *length) == 0 && text[*length] == '}')
                return loop->values[loop->at + k];
        }
    }
    return NULL;
}

/* Appends `text` with {NAME} replaced by the loops' current values; other braces stay. */
static int substitute(const struct block *block, const char *text, tow_buffer *out) {
    while (*text != 0) {
        size_t plain = strcspn(text, "{");
        int error = tow_buffer_append(out, text, plain);
        text += plain;
        size_t length = 0;
        const char *value = *text == '{' ? value_of(block, text + 1, &length) : NULL;
        if (error == 0 && value != NULL)
            error = tow_buffer_append_text(out, value);
        else if (error == 0)
            error = tow_buffer_append(out, text, *text == '{');
        if (error != 0)
            return error;
        text += value != NULL ? length + 2 : *text == '{';
    }
    return tow_buffer_append(out, "", 1);
}

/* Moves to the next combination of values; false after the last. */
static bool next_values(struct block *block) {
    for (size_t i = block->loop_count; i-- > 0;) {
        struct loop *loop = &block->loops[i];
        loop->at += loop->name_count;
        if (loop->at < loop->count)
            return true;
        loop->at = 0;
    }
    return false;
}

/* Cases. */

static conform_case *add_case(case_list *list) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        conform_case *cases = realloc(list->cases, capacity * sizeof(*cases));
        if (cases == NULL)
            return NULL;
        list->cases = cases;
        list->capacity = capacity;
    }
    conform_case *one = &list->cases[list->count++];
    *one = (conform_case){0};
    return one;
}

/* What is not fit for an id becomes one hyphen. */
static void make_id(char *text) {
    char *out = text;
    for (const char *at = text; *at != 0; at++) {
        bool fits = isalnum((unsigned char)*at) || strchr("._=-", *at) != NULL;
        if (fits || (out > text && out[-1] != '-'))
            *out++ = (char)(fits ? *at : '-');
    }
    while (out > text && out[-1] == '-')
        out--;
    *out = 0;
}

static bool is_known(const case_list *list, const char *id) {
    for (size_t i = 0; i + 1 < list->count; i++) {
        if (strcmp(list->cases[i].id, id) == 0)
            return true;
    }
    return false;
}

static int name_case(struct reader *reader, conform_case *one, const char *name) {
    tow_buffer id = {0};
    int error = tow_buffer_append_format(&id, "%s.%s", reader->group, name);
    if (error != 0)
        return error;
    one->id = (char *)id.data;
    make_id(one->id);
    one->section = tow_conform_case_copy(reader->section, SIZE_MAX);
    if (one->section == NULL)
        return TOW_ERROR_MEMORY;
    return is_known(reader->list, one->id)
               ? fail(reader, reader->block.numbers[0], "there is a case of this id already", one->id)
               : 0;
}

static int read_case_line(struct reader *reader, conform_case *one, size_t index, const char *text) {
    if (index == 0)
        return name_case(reader, one, text);
    bool understood;
    int error = tow_conform_case_statement_read(one, text, reader->block.numbers[index], &understood);
    return error == 0 && !understood ? fail(reader, reader->block.numbers[index], "not understood", text)
                                     : error;
}

/* Reads the block's lines with the current values into a case. */
static int read_case(struct reader *reader, conform_case *one) {
    const struct block *block = &reader->block;
    tow_buffer text = {0};
    int error = 0;
    for (size_t i = 0; i < block->count && error == 0; i++) {
        text.length = 0;
        error = substitute(block, block->lines[i], &text);
        if (error == 0)
            error = read_case_line(reader, one, i, (const char *)text.data);
    }
    tow_buffer_clear(&text);
    if (error == 0 && (one->says == NULL || one->step_count == 0))
        error = fail(reader, block->numbers[0], "a case needs must, should or may, and steps", one->id);
    one->line = block->numbers[0];
    return error;
}

/* The case for the current values; what can't be read does not stay in the list. */
static int expand_once(struct reader *reader) {
    if (reader->list->count == CASES_MAX)
        return fail(reader, reader->block.numbers[0], "too many cases", reader->block.lines[0]);
    conform_case *one = add_case(reader->list);
    if (one == NULL)
        return TOW_ERROR_MEMORY;
    int error = read_case(reader, one);
    if (error != 0) {
        tow_conform_case_clear(one);
        reader->list->count--;
    }
    return error;
}

/* Blocks. */

static void clear_block(struct block *block) {
    for (size_t i = 0; i < block->count; i++)
        free(block->lines[i]);
    for (size_t i = 0; i < block->loop_count; i++) {
        for (size_t k = 0; k < block->loops[i].count; k++)
            free(block->loops[i].values[k]);
    }
    *block = (struct block){0};
}

static int end_block(struct reader *reader) {
    int error = 0;
    if (reader->block.count > 0) {
        do
            error = expand_once(reader);
        while (error == 0 && next_values(&reader->block));
    }
    clear_block(&reader->block);
    return error;
}

/* A value with blanks stands in double quotes; \" is a quote in it, all else stays as it is. Returns what
 * follows, NULL when out of memory. */
static const char *take_value(const char *text, char **value) {
    bool quoted = *text == '"';
    const char *end = text + quoted;
    while (quoted && *end != 0 && *end != '"')
        end += *end == '\\' && end[1] != 0 ? 2 : 1;
    if (!quoted)
        end += strcspn(end, " \t");
    char *copy = tow_conform_case_copy(text + quoted, (size_t)(end - text) - quoted);
    char *out = copy;
    *value = copy;
    if (copy == NULL)
        return NULL;
    /* The copy is the caller's already. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    for (const char *at = copy; quoted && *at != 0; at++) {
        at += *at == '\\' && at[1] == '"';
        *out++ = *at;
    }
    if (quoted)
        *out = 0;
    return tow_conform_case_skip_blanks(end + (quoted && *end == '"'));
}

/* `NAME, NAME …` in front of `in` */
static const char *take_names(const char *text, struct loop *loop) {
    while (loop->name_count < NAMES_MAX) {
        char *name = loop->names[loop->name_count++];
        text = tow_conform_case_take_word(text, name);
        size_t length = strlen(name);
        if (length > 0 && name[length - 1] != ',')
            return tow_conform_case_takes(&text, "in") ? text : NULL;
        if (length < 2)
            return NULL;
        name[length - 1] = 0;
    }
    return NULL;
}

/* `for NAME in VALUE VALUE …`, or `for A, B in A1 B1 A2 B2 …` */
static int add_loop(struct reader *reader, const char *text) {
    struct block *block = &reader->block;
    if (block->loop_count == LOOPS_MAX)
        return fail(reader, reader->line, "too many loops", text);
    struct loop *loop = &block->loops[block->loop_count++];
    const char *line = text;
    text = take_names(text, loop);
    if (text == NULL)
        return fail(reader, reader->line, "expected: for NAME in VALUES", line);
    while (*text != 0) {
        if (loop->count == VALUES_MAX)
            return fail(reader, reader->line, "too many values", loop->names[0]);
        text = take_value(text, &loop->values[loop->count++]);
        if (text == NULL)
            return TOW_ERROR_MEMORY;
    }
    return loop->count > 0 && loop->count % loop->name_count == 0
               ? 0
               : fail(reader, reader->line, "not a value for each name", line);
}

static int add_line(struct reader *reader, const char *text) {
    struct block *block = &reader->block;
    if (block->count == LINES_MAX)
        return fail(reader, reader->line, "a case with too many lines", text);
    block->lines[block->count] = tow_conform_case_copy(text, SIZE_MAX);
    block->numbers[block->count] = reader->line;
    return block->lines[block->count++] == NULL ? TOW_ERROR_MEMORY : 0;
}

static int read_group(struct reader *reader, const char *text) {
    const char *section = tow_conform_case_take_word(text, reader->group);
    reader->section[0] = 0;
    strncat(reader->section, section, CASE_WORD_MAX - 1);
    return reader->group[0] != 0 && *section != 0
               ? 0
               : fail(reader, reader->line, "expected: group NAME SECTION", text);
}

static int read_line(struct reader *reader, const char *text) {
    bool indented = isblank((unsigned char)*text);
    text = tow_conform_case_skip_blanks(text);
    if (*text == 0 || *text == '#')
        return 0;
    if (indented && reader->block.count == 0)
        return fail(reader, reader->line, "an indented line outside a case", text);
    if (indented)
        return tow_conform_case_takes(&text, "for") ? add_loop(reader, text) : add_line(reader, text);
    int error = end_block(reader);
    if (error != 0)
        return error;
    if (tow_conform_case_takes(&text, "group"))
        return read_group(reader, text);
    if (tow_conform_case_takes(&text, "case") && *text != 0 && reader->group[0] != 0)
        return add_line(reader, text);
    return fail(reader, reader->line, "expected group, or a group's case", text);
}

int tow_conform_case_list_read(case_list *list, const char *name, const char *text, tow_buffer *error_text) {
    struct reader reader = {.list = list, .name = name, .error = error_text};
    int error = 0;
    while (*text != 0 && error == 0) {
        size_t length = strcspn(text, "\n");
        char *line = tow_conform_case_copy(text, length);
        if (line == NULL) {
            error = TOW_ERROR_MEMORY;
            break;
        }
        reader.line++;
        error = read_line(&reader, line);
        free(line);
        text += length + (text[length] == '\n');
    }
    if (error == 0)
        error = end_block(&reader);
    clear_block(&reader.block);
    return error;
}

void tow_conform_case_list_clear(case_list *list) {
    for (size_t i = 0; i < list->count; i++)
        tow_conform_case_clear(&list->cases[i]);
    free(list->cases);
    *list = (case_list){0};
}
