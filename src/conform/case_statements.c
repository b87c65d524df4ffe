#include "case_reading.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* Edits of the opening handshake. */

static int add_edit(conform_case *one, edit_kind kind, const char *name, const char *value) {
    case_edit *edits = realloc(one->edits, (one->edit_count + 1) * sizeof(*edits));
    if (edits == NULL)
        return TOW_ERROR_MEMORY;
    one->edits = edits;
    case_edit *edit = &edits[one->edit_count++];
    *edit = (case_edit){.kind = kind,
        .name = tow_conform_case_copy(name, SIZE_MAX),
        .value = tow_conform_case_copy(value, SIZE_MAX)};
    return edit->name == NULL || edit->value == NULL ? TOW_ERROR_MEMORY : 0;
}

/* `header Name: value` replaces, `+Name: value` adds, `-Name` drops. */
static int read_header(conform_case *one, const char *text, bool *understood) {
    edit_kind kind = *text == '-' ? EDIT_DROP : *text == '+' ? EDIT_ADD : EDIT_REPLACE;
    if (kind != EDIT_REPLACE)
        text++;
    size_t length = strcspn(text, ":");
    char name[CASE_WORD_MAX];
    *understood = length > 0 && length < CASE_WORD_MAX && (text[length] == ':' || kind == EDIT_DROP);
    if (!*understood)
        return 0;
    memcpy(name, text, length);
    name[length] = 0;
    return add_edit(
        one, kind, name, text[length] == ':' ? tow_conform_case_skip_blanks(text + length + 1) : "");
}

static int read_raw_head(conform_case *one, const char *text, edit_kind kind, bool *understood) {
    tow_buffer bytes = {0};
    const char *rest = *text == '"' ? tow_conform_case_read_quoted(text, &bytes) : NULL;
    int error = rest == NULL ? 0 : tow_buffer_append(&bytes, "", 1);
    *understood = rest != NULL && *rest == 0;
    if (*understood && error == 0)
        error = add_edit(one, kind, "", (const char *)bytes.data);
    tow_buffer_clear(&bytes);
    return error;
}

/* What a case is. */

static int set_text(char **field, const char *text) {
    free(*field);
    *field = tow_conform_case_copy(text, SIZE_MAX);
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

/* `in-pieces BYTES [MILLISECONDS]` */
static bool set_pieces(conform_case *one, const char *text) {
    char word[CASE_WORD_MAX];
    uint64_t bytes, milliseconds = 0;
    text = tow_conform_case_take_word(text, word);
    if (!tow_conform_case_read_number(word, 65535, &bytes) || bytes == 0 ||
        (*text != 0 && !tow_conform_case_read_number(text, 1000, &milliseconds)))
        return false;
    one->pieces = (size_t)bytes;
    one->pieces_milliseconds = (int)milliseconds;
    return true;
}

static bool set_within(conform_case *one, const char *text) {
    uint64_t milliseconds;
    bool right = tow_conform_case_read_number(text, 60000, &milliseconds);
    one->within = right ? (int)milliseconds : 0;
    return right && milliseconds > 0;
}

/* Statements that keep the rest of the line as a text; false for any other. */
static bool read_text(conform_case *one, const char *text, int *error) {
    const struct {
        const char *word;
        char **field;
    } texts[] = {{"of", &one->section}, {"offer", &one->offer}, {"needs", &one->needs},
        {"unless", &one->unless}, {"refuses", &one->refuses}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (tow_conform_case_takes(&text, texts[i].word))
            return *error = set_text(texts[i].field, text), true;
    }
    return false;
}

static int add_step(conform_case *one, const char *text, int line, bool *understood) {
    case_step *steps = realloc(one->steps, (one->step_count + 1) * sizeof(*steps));
    if (steps == NULL)
        return TOW_ERROR_MEMORY;
    one->steps = steps;
    case_step *step = &steps[one->step_count++];
    *step = (case_step){.final = true, .count = 1, .line = line, .level = 6};
    *understood = tow_conform_case_step_read(step, text);
    return 0;
}

int tow_conform_case_statement_read(conform_case *one, const char *text, int line, bool *understood) {
    *understood = true;
    if (tow_conform_case_takes(&text, "must"))
        return set_level(one, LEVEL_MUST, text);
    if (tow_conform_case_takes(&text, "should"))
        return set_level(one, LEVEL_SHOULD, text);
    if (tow_conform_case_takes(&text, "may"))
        return set_level(one, LEVEL_MAY, text);
    int error;
    if (read_text(one, text, &error))
        return error;
    if (tow_conform_case_takes(&text, "role"))
        return *understood = set_role(one, text), 0;
    if (tow_conform_case_takes(&text, "in-pieces"))
        return *understood = set_pieces(one, text), 0;
    if (tow_conform_case_takes(&text, "within"))
        return *understood = set_within(one, text), 0;
    if (strcmp(text, "early") == 0)
        return one->early = true, 0;
    if (strcmp(text, "may-be-too-large") == 0)
        return one->may_be_too_large = true, 0;
    if (tow_conform_case_takes(&text, "line"))
        return add_edit(one, EDIT_LINE, "", text);
    if (tow_conform_case_takes(&text, "header"))
        return read_header(one, text, understood);
    if (tow_conform_case_takes(&text, "head"))
        return read_raw_head(one, text, EDIT_RAW, understood);
    if (tow_conform_case_takes(&text, "break"))
        return read_raw_head(one, text, EDIT_BREAK, understood);
    return add_step(one, text, line, understood);
}

void tow_conform_case_clear(conform_case *one) {
    for (size_t i = 0; i < one->edit_count; i++) {
        free(one->edits[i].name);
        free(one->edits[i].value);
    }
    for (size_t i = 0; i < one->step_count; i++) {
        free(one->steps[i].payload.literal);
        free(one->steps[i].name);
        free(one->steps[i].value);
    }
    free(one->edits);
    free(one->steps);
    free(one->id);
    free(one->section);
    free(one->says);
    free(one->offer);
    free(one->needs);
    free(one->unless);
    free(one->refuses);
}
