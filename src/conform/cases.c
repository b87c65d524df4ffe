#include "cases.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { LINES_MAX = 200, VARIABLES_MAX = 4, VALUES_MAX = 64, WORD_MAX = 64 };

/* A case as it stands in the text, before its variables are filled in. */
struct variable {
    char name[WORD_MAX];
    char *values[VALUES_MAX]; /* owned */
    size_t count;
    size_t at;
};

struct block {
    char *lines[LINES_MAX]; /* owned; the first is the case's name */
    int numbers[LINES_MAX];
    size_t count;
    struct variable variables[VARIABLES_MAX];
    size_t variable_count;
};

struct reader {
    case_list *list;
    const char *name; /* of the text, for messages */
    tow_buffer *error;
    char group[WORD_MAX];
    char section[WORD_MAX];
    struct block block;
    int line;
};

static int fail(struct reader *reader, int line, const char *what, const char *where) {
    tow_buffer_append_format(reader->error, "%s:%d: %s: %s", reader->name, line, what, where);
    return TOW_ERROR_ARGUMENT;
}

static const char *skip_blanks(const char *text) {
    return text + strspn(text, " \t");
}

/* Copies the word at the front to `word`; returns what follows it, without blanks. */
static const char *take_word(const char *text, char word[WORD_MAX]) {
    size_t length = strcspn(text, " \t");
    size_t copied = length < WORD_MAX - 1 ? length : WORD_MAX - 1;
    memcpy(word, text, copied);
    word[copied] = 0;
    return skip_blanks(text + length);
}

/* If the word at the front is `word`, moves behind it. */
static bool takes(const char **text, const char *word) {
    size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0 ||
        ((*text)[length] != 0 && !isblank((unsigned char)(*text)[length])))
        return false;
    *text = skip_blanks(*text + length);
    return true;
}

/* ---- payloads ---- */

static int hex_digit(char character) {
    const char *digits = "0123456789abcdef";
    const char *found = character == 0 ? NULL : strchr(digits, tolower((unsigned char)character));
    return found == NULL ? -1 : (int)(found - digits);
}

/* One character of a quoted text, after the backslash. Returns how many characters were used, 0 for an error.
 */
static size_t read_escape(const char *text, uint8_t *out) {
    static const char names[] = "nrt0\\\"";
    static const uint8_t values[] = "\n\r\t\0\\\"";
    const char *found = *text == 0 ? NULL : strchr(names, *text);
    if (found != NULL) {
        *out = values[found - names];
        return 1;
    }
    if (*text != 'x' || hex_digit(text[1]) < 0 || hex_digit(text[2]) < 0)
        return 0;
    *out = (uint8_t)(hex_digit(text[1]) * 16 + hex_digit(text[2]));
    return 3;
}

/* A text in double quotes; returns what follows, NULL for an error. */
static const char *read_quoted(const char *text, tow_buffer *out) {
    for (text++; *text != '"'; text++) {
        uint8_t byte = (uint8_t)*text;
        if (byte == 0)
            return NULL;
        if (byte == '\\') {
            size_t used = read_escape(text + 1, &byte);
            if (used == 0)
                return NULL;
            text += used;
        }
        if (tow_buffer_append(out, &byte, 1) != 0)
            return NULL;
    }
    return skip_blanks(text + 1);
}

/* Pairs of hexadecimal digits up to the end of the line or something else. */
static const char *read_hex(const char *text, tow_buffer *out) {
    while (hex_digit(text[0]) >= 0 && hex_digit(text[1]) >= 0) {
        uint8_t byte = (uint8_t)(hex_digit(text[0]) * 16 + hex_digit(text[1]));
        if (tow_buffer_append(out, &byte, 1) != 0)
            return NULL;
        text = skip_blanks(text + 2);
    }
    return text;
}

static const char *read_literal(const char *text, case_payload *payload, bool quoted) {
    tow_buffer bytes = {.data = payload->literal, .length = payload->size, .capacity = payload->size};
    const char *rest = quoted ? read_quoted(text, &bytes) : read_hex(text, &bytes);
    payload->kind = PAYLOAD_LITERAL;
    payload->literal = bytes.data;
    payload->size = bytes.length;
    return rest;
}

static bool read_number(const char *text, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == 0;
}

static bool read_generated(const char *name, uint64_t size, case_payload *payload) {
    static const struct {
        const char *name;
        payload_kind kind;
    } kinds[] = {{"ascii", PAYLOAD_ASCII}, {"unicode", PAYLOAD_UNICODE}, {"binary", PAYLOAD_BINARY},
        {"random", PAYLOAD_RANDOM}, {"zeros", PAYLOAD_ZEROS}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            payload->kind = kinds[i].kind;
            payload->size = (size_t)size;
            return true;
        }
    }
    return false;
}

/* ---- steps ---- */

/* A reason of so many letters behind the status code. */
static bool add_reason(case_step *step, size_t length) {
    tow_buffer buffer = {
        .data = step->payload.literal, .length = step->payload.size, .capacity = step->payload.size};
    bool fits = tow_buffer_reserve(&buffer, length) == 0;
    if (fits) {
        memset(buffer.data + buffer.length, 'r', length);
        buffer.length += length;
    }
    step->payload.literal = buffer.data;
    step->payload.size = buffer.length;
    return fits;
}

static bool set_option(case_step *step, const char *name, uint64_t value) {
    if (strcmp(name, "fin") == 0) {
        step->final = value != 0;
    } else if (strcmp(name, "rsv") == 0) {
        step->reserved_bits = (uint8_t)value;
        step->has_reserved_bits = true;
    } else if (strcmp(name, "length") == 0) {
        step->length_bytes = (uint8_t)value;
    } else if (strcmp(name, "claim") == 0) {
        step->claimed_length = value;
        step->has_claim = true;
    } else if (strcmp(name, "fragment") == 0) {
        step->fragment = (size_t)value;
    } else if (strcmp(name, "times") == 0) {
        step->count = (size_t)value;
    } else if (strcmp(name, "level") == 0) {
        step->level = (uint8_t)value;
    } else if (strcmp(name, "reason") == 0) {
        return add_reason(step, (size_t)value);
    } else {
        return read_generated(name, value, &step->payload);
    }
    return true;
}

static bool set_flag(case_step *step, const char *name) {
    if (strcmp(name, "wrongly-masked") == 0)
        step->wrongly_masked = true;
    else if (strcmp(name, "zero-key") == 0)
        step->zero_key = true;
    else if (strcmp(name, "deflate") == 0)
        step->deflate = true;
    else if (strcmp(name, "any") == 0)
        step->any_payload = true;
    else
        return false;
    return true;
}

/* Puts a status code in front of a Close frame's payload. */
static bool set_close_code(case_step *step, uint64_t code) {
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    tow_buffer buffer = {
        .data = step->payload.literal, .length = step->payload.size, .capacity = step->payload.size};
    if (tow_buffer_append(&buffer, bytes, 2) != 0)
        return false;
    step->payload.literal = buffer.data;
    step->payload.size = buffer.length;
    return true;
}

/* One word after `send WHAT` or `expect WHAT`: a quoted text, hex, option=number, a flag or a status code. */
static const char *read_argument(const char *text, case_step *step) {
    char word[WORD_MAX];
    uint64_t number;
    if (*text == '"')
        return read_literal(text, &step->payload, true);
    if (takes(&text, "hex"))
        return read_literal(text, &step->payload, false);
    const char *rest = take_word(text, word);
    char *equals = strchr(word, '=');
    if (equals != NULL) {
        *equals = 0;
        return read_number(equals + 1, &number) && set_option(step, word, number) ? rest : NULL;
    }
    if (step->opcode == 8 && read_number(word, &number))
        return set_close_code(step, number) ? rest : NULL;
    return set_flag(step, word) ? rest : NULL;
}

static const struct opcode_name {
    const char *name;
    uint8_t opcode;
} opcode_names[] = {{"continuation", 0}, {"text", 1}, {"binary", 2}, {"close", 8}, {"ping", 9}, {"pong", 10}};

static bool read_opcode(const char *word, uint8_t *opcode) {
    uint64_t number;
    for (size_t i = 0; i < sizeof(opcode_names) / sizeof(opcode_names[0]); i++) {
        if (strcmp(word, opcode_names[i].name) == 0) {
            *opcode = opcode_names[i].opcode;
            return true;
        }
    }
    if (strncmp(word, "opcode=", 7) != 0 || !read_number(word + 7, &number) || number > 15)
        return false;
    *opcode = (uint8_t)number;
    return true;
}

static bool read_frame(const char *text, case_step *step) {
    char word[WORD_MAX];
    text = take_word(text, word);
    if (!read_opcode(word, &step->opcode))
        return false;
    while (text != NULL && *text != 0)
        text = read_argument(text, step);
    return text != NULL;
}

/* Numbers; "4xx" is a class of statuses and becomes 4. */
static bool read_codes(const char *text, case_step *step) {
    char word[WORD_MAX];
    while (*text != 0) {
        uint64_t number;
        text = take_word(text, word);
        if (strlen(word) == 3 && strcmp(word + 1, "xx") == 0)
            word[1] = 0;
        if (!read_number(word, &number) || step->code_count == STEP_CODES_MAX)
            return false;
        step->codes[step->code_count++] = (unsigned)number;
    }
    return true;
}

static bool read_milliseconds(const char *text, case_step *step) {
    uint64_t number;
    if (!read_number(text, &number) || number > 60000)
        return false;
    step->milliseconds = (int)number;
    return true;
}

static bool read_chop(const char *text, case_step *step) {
    char word[WORD_MAX];
    uint64_t number;
    text = take_word(text, word);
    if (!read_number(word, &number))
        return false;
    step->count = (size_t)number;
    return *text == 0 || read_milliseconds(text, step);
}

static bool read_expect(const char *text, case_step *step) {
    if (takes(&text, "close"))
        return step->kind = STEP_EXPECT_CLOSE, read_codes(text, step);
    if (takes(&text, "fail"))
        return step->kind = STEP_EXPECT_FAIL, read_codes(text, step);
    if (takes(&text, "status"))
        return step->kind = STEP_EXPECT_STATUS, read_codes(text, step);
    if (takes(&text, "silence"))
        return step->kind = STEP_EXPECT_SILENCE, read_milliseconds(text, step);
    if (takes(&text, "end"))
        return step->kind = STEP_EXPECT_END, *text == 0;
    step->kind = STEP_EXPECT;
    return read_frame(text, step);
}

/* A statement that is a step; false when it is not one, or not right. */
static bool read_step(const char *text, case_step *step) {
    static const struct {
        const char *word;
        step_kind kind;
    } bare[] = {{"together", STEP_TOGETHER}, {"apart", STEP_APART}, {"shutdown", STEP_SHUTDOWN},
        {"reset", STEP_RESET}, {"finish", STEP_FINISH}};
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        if (takes(&text, bare[i].word))
            return step->kind = bare[i].kind, *text == 0;
    }
    if (takes(&text, "send"))
        return step->kind = STEP_SEND, read_frame(text, step);
    if (takes(&text, "raw")) {
        text = read_literal(text, &step->payload, *text == '"');
        return step->kind = STEP_RAW, text != NULL && *text == 0;
    }
    if (takes(&text, "chop"))
        return step->kind = STEP_CHOP, read_chop(text, step);
    if (takes(&text, "wait"))
        return step->kind = STEP_WAIT, read_milliseconds(text, step);
    return takes(&text, "expect") && read_expect(text, step);
}

static int add_step(conform_case *one, const char *text, int line, bool *understood) {
    case_step *steps = realloc(one->steps, (one->step_count + 1) * sizeof(*steps));
    if (steps == NULL)
        return TOW_ERROR_MEMORY;
    one->steps = steps;
    case_step *step = &steps[one->step_count++];
    *step = (case_step){.final = true, .count = 1, .line = line, .level = 6};
    *understood = read_step(text, step);
    return 0;
}

/* ---- edits of the opening handshake ---- */

static int add_edit(conform_case *one, edit_kind kind, const char *name, const char *value) {
    case_edit *edits = realloc(one->edits, (one->edit_count + 1) * sizeof(*edits));
    if (edits == NULL)
        return TOW_ERROR_MEMORY;
    one->edits = edits;
    case_edit *edit = &edits[one->edit_count++];
    *edit = (case_edit){.kind = kind, .name = strdup(name), .value = strdup(value)};
    return edit->name == NULL || edit->value == NULL ? TOW_ERROR_MEMORY : 0;
}

/* `header Name: value` replaces, `+Name: value` adds, `-Name` drops; escapes as in a quoted text when quoted.
 */
static int read_header(conform_case *one, const char *text, bool *understood) {
    edit_kind kind = *text == '-' ? EDIT_DROP : *text == '+' ? EDIT_ADD : EDIT_REPLACE;
    if (kind != EDIT_REPLACE)
        text++;
    size_t length = strcspn(text, ":");
    char name[WORD_MAX];
    *understood = length > 0 && length < WORD_MAX && (text[length] == ':' || kind == EDIT_DROP);
    if (!*understood)
        return 0;
    memcpy(name, text, length);
    name[length] = 0;
    return add_edit(one, kind, name, text[length] == ':' ? skip_blanks(text + length + 1) : "");
}

static int read_raw_head(conform_case *one, const char *text, edit_kind kind, bool *understood) {
    tow_buffer bytes = {0};
    const char *rest = *text == '"' ? read_quoted(text, &bytes) : NULL;
    int error = rest == NULL ? 0 : tow_buffer_append(&bytes, "", 1);
    *understood = rest != NULL && *rest == 0;
    if (*understood && error == 0)
        error = add_edit(one, kind, "", (const char *)bytes.data);
    tow_buffer_clear(&bytes);
    return error;
}

/* ---- statements ---- */

static int set_text(char **field, const char *text) {
    free(*field);
    *field = strdup(text);
    return *field == NULL ? TOW_ERROR_MEMORY : 0;
}

static int set_level(conform_case *one, case_level level, const char *text) {
    one->level = level;
    return set_text(&one->says, text);
}

static bool set_role(conform_case *one, const char *text) {
    one->role = strcmp(text, "server") == 0 ? ROLE_SERVER_TESTED : ROLE_CLIENT_TESTED;
    return strcmp(text, "server") == 0 || strcmp(text, "client") == 0;
}

static int read_statement(conform_case *one, const char *text, int line, bool *understood) {
    *understood = true;
    if (takes(&text, "must"))
        return set_level(one, LEVEL_MUST, text);
    if (takes(&text, "should"))
        return set_level(one, LEVEL_SHOULD, text);
    if (takes(&text, "may"))
        return set_level(one, LEVEL_MAY, text);
    if (takes(&text, "of"))
        return set_text(&one->section, text);
    if (takes(&text, "offer"))
        return set_text(&one->offer, text);
    if (takes(&text, "needs"))
        return set_text(&one->needs, text);
    if (takes(&text, "refuses"))
        return set_text(&one->refuses, text);
    if (takes(&text, "role"))
        return *understood = set_role(one, text), 0;
    if (takes(&text, "early"))
        return one->early = true, 0;
    if (takes(&text, "line"))
        return add_edit(one, EDIT_LINE, "", text);
    if (takes(&text, "header"))
        return read_header(one, text, understood);
    if (takes(&text, "head"))
        return read_raw_head(one, text, EDIT_RAW, understood);
    if (takes(&text, "break"))
        return read_raw_head(one, text, EDIT_BREAK, understood);
    return add_step(one, text, line, understood);
}

/* ---- blocks and variables ---- */

/* Appends `text` with {NAME} replaced by the variables' current values; other braces stay. */
static int substitute(const struct block *block, const char *text, tow_buffer *out) {
    while (*text != 0) {
        size_t plain = strcspn(text, "{");
        int error = tow_buffer_append(out, text, plain);
        text += plain;
        const char *value = NULL;
        for (size_t i = 0; i < block->variable_count && *text == '{' && value == NULL; i++) {
            const struct variable *variable = &block->variables[i];
            size_t length = strlen(variable->name);
            if (strncmp(text + 1, variable->name, length) == 0 && text[1 + length] == '}') {
                value = variable->values[variable->at];
                text += length + 2;
            }
        }
        if (error == 0 && value != NULL)
            error = tow_buffer_append_text(out, value);
        else if (error == 0 && *text == '{')
            error = tow_buffer_append(out, text++, 1);
        if (error != 0)
            return error;
    }
    return tow_buffer_append(out, "", 1);
}

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
            *out++ = fits ? *at : '-';
    }
    while (out > text && out[-1] == '-')
        out--;
    *out = 0;
}

static int name_case(struct reader *reader, conform_case *one, const char *name) {
    tow_buffer id = {0};
    int error = tow_buffer_append_format(&id, "%s.%s", reader->group, name);
    if (error == 0)
        make_id((char *)id.data);
    if (error == 0)
        error = set_text(&one->id, (const char *)id.data);
    if (error == 0)
        error = set_text(&one->section, reader->section);
    tow_buffer_clear(&id);
    return error;
}

/* The case for the current values of the variables. */
static int expand_once(struct reader *reader) {
    struct block *block = &reader->block;
    conform_case *one = add_case(reader->list);
    int error = one == NULL ? TOW_ERROR_MEMORY : 0;
    tow_buffer text = {0};
    for (size_t i = 0; i < block->count && error == 0; i++) {
        bool understood = true;
        text.length = 0;
        error = substitute(block, block->lines[i], &text);
        if (error == 0)
            error = i == 0 ? name_case(reader, one, (const char *)text.data)
                           : read_statement(one, (const char *)text.data, block->numbers[i], &understood);
        if (error == 0 && !understood)
            error = fail(reader, block->numbers[i], "not understood", (const char *)text.data);
    }
    if (error == 0 && (one->says == NULL || one->step_count == 0))
        error = fail(reader, block->numbers[0], "a case needs must, should or may, and steps", one->id);
    if (error == 0)
        one->line = block->numbers[0];
    tow_buffer_clear(&text);
    return error;
}

/* Moves to the next combination of values; false after the last. */
static bool next_values(struct block *block) {
    for (size_t i = block->variable_count; i-- > 0;) {
        if (++block->variables[i].at < block->variables[i].count)
            return true;
        block->variables[i].at = 0;
    }
    return false;
}

static void clear_block(struct block *block) {
    for (size_t i = 0; i < block->count; i++)
        free(block->lines[i]);
    for (size_t i = 0; i < block->variable_count; i++) {
        for (size_t k = 0; k < block->variables[i].count; k++)
            free(block->variables[i].values[k]);
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

/* `for NAME in VALUE VALUE …`; a value with blanks stands in double quotes. */
static int add_variable(struct reader *reader, const char *text) {
    struct block *block = &reader->block;
    if (block->variable_count == VARIABLES_MAX)
        return fail(reader, reader->line, "too many variables", text);
    struct variable *variable = &block->variables[block->variable_count++];
    text = take_word(text, variable->name);
    if (!takes(&text, "in"))
        return fail(reader, reader->line, "expected: for NAME in VALUES", text);
    while (*text != 0) {
        bool quoted = *text == '"';
        text += quoted;
        size_t length = strcspn(text, quoted ? "\"" : " \t");
        if (variable->count == VALUES_MAX)
            return fail(reader, reader->line, "too many values", variable->name);
        char *value = strndup(text, length);
        if (value == NULL)
            return TOW_ERROR_MEMORY;
        variable->values[variable->count++] = value;
        text = skip_blanks(text + length + (quoted && text[length] == '"'));
    }
    return variable->count > 0 ? 0 : fail(reader, reader->line, "a variable without values", variable->name);
}

static int add_line(struct reader *reader, const char *text) {
    struct block *block = &reader->block;
    if (block->count == LINES_MAX)
        return fail(reader, reader->line, "a case with too many lines", text);
    block->lines[block->count] = strdup(text);
    block->numbers[block->count] = reader->line;
    return block->lines[block->count++] == NULL ? TOW_ERROR_MEMORY : 0;
}

static int read_group(struct reader *reader, const char *text) {
    const char *section = take_word(text, reader->group);
    strncpy(reader->section, section, WORD_MAX - 1);
    return reader->group[0] != 0 && *section != 0
               ? 0
               : fail(reader, reader->line, "expected: group NAME SECTION", text);
}

static int read_line(struct reader *reader, const char *text) {
    bool indented = isblank((unsigned char)*text);
    text = skip_blanks(text);
    if (*text == 0 || *text == '#')
        return 0;
    if (indented && reader->block.count == 0)
        return fail(reader, reader->line, "an indented line outside a case", text);
    if (indented)
        return takes(&text, "for") ? add_variable(reader, text) : add_line(reader, text);
    int error = end_block(reader);
    if (error != 0)
        return error;
    if (takes(&text, "group"))
        return read_group(reader, text);
    if (takes(&text, "case") && *text != 0)
        return add_line(reader, text);
    return fail(reader, reader->line, "expected group or case", text);
}

int case_list_read(case_list *list, const char *name, const char *text, tow_buffer *error_text) {
    struct reader reader = {.list = list, .name = name, .error = error_text};
    int error = 0;
    while (*text != 0 && error == 0) {
        size_t length = strcspn(text, "\n");
        char *line = strndup(text, length);
        if (line == NULL)
            return TOW_ERROR_MEMORY;
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

static void clear_case(conform_case *one) {
    for (size_t i = 0; i < one->edit_count; i++) {
        free(one->edits[i].name);
        free(one->edits[i].value);
    }
    for (size_t i = 0; i < one->step_count; i++)
        free(one->steps[i].payload.literal);
    free(one->edits);
    free(one->steps);
    free(one->id);
    free(one->section);
    free(one->says);
    free(one->offer);
    free(one->needs);
    free(one->refuses);
}

void case_list_clear(case_list *list) {
    for (size_t i = 0; i < list->count; i++)
        clear_case(&list->cases[i]);
    free(list->cases);
    *list = (case_list){0};
}
