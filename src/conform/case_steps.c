#include "case_reading.h"

#include <stdlib.h>
#include <string.h>

static const char *read_literal(const char *text, case_payload *payload, bool quoted) {
    if (payload->kind != PAYLOAD_LITERAL)
        return NULL;
    tow_buffer bytes = {.data = payload->literal, .length = payload->size, .capacity = payload->size};
    const char *rest =
        quoted ? tow_conform_case_read_quoted(text, &bytes) : tow_conform_case_read_hex(text, &bytes);
    payload->literal = bytes.data;
    payload->size = bytes.length;
    return rest;
}

static bool append_literal(case_step *step, const void *bytes, size_t length) {
    if (step->payload.kind != PAYLOAD_LITERAL)
        return false;
    tow_buffer buffer = {
        .data = step->payload.literal, .length = step->payload.size, .capacity = step->payload.size};
    bool fits = tow_buffer_append(&buffer, bytes, length) == 0;
    step->payload.literal = buffer.data;
    step->payload.size = buffer.length;
    return fits;
}

/* Puts a status code in front of a Close frame's payload. */
static bool set_close_code(case_step *step, uint64_t code) {
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    return append_literal(step, bytes, 2);
}

/* So many letters behind what the payload has. */
static bool add_letters(case_step *step, uint64_t count) {
    enum { LETTERS_MAX = 1 << 20 };
    char letters[256];
    bool fits = count <= LETTERS_MAX;
    memset(letters, 'x', sizeof(letters));
    for (uint64_t left = count; left > 0 && fits;) {
        size_t piece = left < sizeof(letters) ? (size_t)left : sizeof(letters);
        fits = append_literal(step, letters, piece);
        left -= piece;
    }
    return fits;
}

/* Options of a frame. */

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
            return payload->literal == NULL && size <= STEP_SIZE_MAX;
        }
    }
    return false;
}

static bool set_bits(case_step *step, uint64_t bits) {
    step->reserved_bits = (uint8_t)(bits & 7);
    step->has_reserved_bits = true;
    return bits <= 7;
}

static bool set_length_bytes(case_step *step, uint64_t bytes) {
    step->length_bytes = (uint8_t)(bytes & 15);
    return bytes == 1 || bytes == 3 || bytes == 9;
}

static bool set_claim(case_step *step, uint64_t length) {
    step->claimed_length = length;
    step->has_claim = true;
    return true;
}

static bool set_size(size_t *field, uint64_t value, uint64_t maximum) {
    *field = (size_t)value;
    return value > 0 && value <= maximum;
}

static bool set_option(case_step *step, const char *name, uint64_t value) {
    if (strcmp(name, "fin") == 0)
        return step->final = value != 0, value <= 1;
    if (strcmp(name, "rsv") == 0)
        return set_bits(step, value);
    if (strcmp(name, "length") == 0)
        return set_length_bytes(step, value);
    if (strcmp(name, "claim") == 0)
        return set_claim(step, value);
    if (strcmp(name, "fragment") == 0)
        return set_size(&step->fragment, value, STEP_SIZE_MAX);
    if (strcmp(name, "times") == 0)
        return set_size(&step->count, value, STEP_COUNT_MAX);
    if (strcmp(name, "period") == 0)
        return set_size(&step->payload.period, value, STEP_SIZE_MAX);
    if (strcmp(name, "level") == 0)
        return step->level = (uint8_t)(value & 15), value <= 9;
    if (strcmp(name, "letters") == 0)
        return add_letters(step, value);
    return read_generated(name, value, &step->payload);
}

static bool set_flag(case_step *step, const char *name) {
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"wrongly-masked", &step->wrongly_masked}, {"zero-key", &step->zero_key},
        {"deflate", &step->deflate}, {"any", &step->any_payload}, {"eventually", &step->eventually}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(name, flags[i].name) == 0)
            return *flags[i].flag = true;
    }
    return false;
}

/* One word after `send WHAT` or `expect WHAT`: a quoted text, hex, option=number, a flag or a status code. */
static const char *read_argument(const char *text, case_step *step) {
    char word[CASE_WORD_MAX];
    uint64_t number;
    if (*text == '"')
        return read_literal(text, &step->payload, true);
    if (tow_conform_case_takes(&text, "hex"))
        return read_literal(text, &step->payload, false);
    const char *rest = tow_conform_case_take_word(text, word);
    char *equals = strchr(word, '=');
    if (equals != NULL) {
        *equals = 0;
        return tow_conform_case_read_number(equals + 1, UINT64_MAX, &number) && set_option(step, word, number)
                   ? rest
                   : NULL;
    }
    if (step->opcode == 8 && tow_conform_case_read_number(word, 65535, &number))
        return set_close_code(step, number) ? rest : NULL;
    return set_flag(step, word) ? rest : NULL;
}

static bool read_opcode(const char *word, uint8_t *opcode) {
    static const struct {
        const char *name;
        uint8_t opcode;
    } names[] = {{"continuation", 0}, {"text", 1}, {"binary", 2}, {"close", 8}, {"ping", 9}, {"pong", 10}};
    uint64_t number;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(word, names[i].name) == 0)
            return *opcode = names[i].opcode, true;
    }
    if (strncmp(word, "opcode=", 7) != 0 || !tow_conform_case_read_number(word + 7, 15, &number))
        return false;
    *opcode = (uint8_t)number;
    return true;
}

static bool read_frame(const char *text, case_step *step) {
    char word[CASE_WORD_MAX];
    text = tow_conform_case_take_word(text, word);
    if (!read_opcode(word, &step->opcode))
        return false;
    while (text != NULL && *text != 0)
        text = read_argument(text, step);
    return text != NULL;
}

/* The rest of a statement. */

/* Numbers; "4xx" is a class of statuses and becomes 4. */
static bool read_codes(const char *text, case_step *step) {
    char word[CASE_WORD_MAX];
    while (*text != 0) {
        uint64_t number;
        text = tow_conform_case_take_word(text, word);
        if (strlen(word) == 3 && strcmp(word + 1, "xx") == 0)
            word[1] = 0;
        if (!tow_conform_case_read_number(word, 65535, &number) || step->code_count == STEP_CODES_MAX)
            return false;
        step->codes[step->code_count++] = (unsigned)number;
    }
    return true;
}

static bool read_milliseconds(const char *text, case_step *step) {
    uint64_t number;
    bool right = tow_conform_case_read_number(text, 60000, &number);
    step->milliseconds = (int)(right ? number : 0);
    return right;
}

/* `BYTES [MILLISECONDS [FIRST]]` */
static bool read_chop(const char *text, case_step *step) {
    const uint64_t maxima[] = {STEP_SIZE_MAX, 60000, STEP_SIZE_MAX};
    uint64_t numbers[] = {0, 0, 0};
    char word[CASE_WORD_MAX];
    size_t count = 0;
    for (; *text != 0 && count < 3; count++) {
        text = tow_conform_case_take_word(text, word);
        if (!tow_conform_case_read_number(word, maxima[count], &numbers[count]))
            return false;
    }
    step->count = (size_t)numbers[0];
    step->milliseconds = (int)numbers[1];
    step->first = (size_t)numbers[2];
    return count > 0 && *text == 0;
}

static bool read_end(const char *text, case_step *step) {
    step->cleanly = tow_conform_case_takes(&text, "cleanly");
    return *text == 0;
}

/* `NAME` or `NAME: VALUE`, with `when STATUS` before it. */
static bool read_field(const char *text, case_step *step) {
    char word[CASE_WORD_MAX];
    uint64_t number;
    if (tow_conform_case_takes(&text, "when")) {
        text = tow_conform_case_take_word(text, word);
        if (!tow_conform_case_read_number(word, 999, &number))
            return false;
        step->codes[step->code_count++] = (unsigned)number;
    }
    size_t length = strcspn(text, ":");
    step->name = tow_conform_case_copy(text, length);
    if (text[length] == ':')
        step->value = tow_conform_case_copy(tow_conform_case_skip_blanks(text + length + 1), SIZE_MAX);
    return length > 0 && step->name != NULL && (text[length] == 0 || step->value != NULL);
}

static bool read_expect(const char *text, case_step *step) {
    static const struct {
        const char *word;
        step_kind kind;
        bool (*read)(const char *text, case_step *step);
    } kinds[] = {{"close", STEP_EXPECT_CLOSE, read_codes}, {"fail", STEP_EXPECT_FAIL, read_codes},
        {"status", STEP_EXPECT_STATUS, read_codes}, {"field", STEP_EXPECT_FIELD, read_field},
        {"silence", STEP_EXPECT_SILENCE, read_milliseconds},
        {"no-message", STEP_EXPECT_NO_MESSAGE, read_milliseconds}, {"end", STEP_EXPECT_END, read_end}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tow_conform_case_takes(&text, kinds[i].word))
            return step->kind = kinds[i].kind, kinds[i].read(text, step);
    }
    step->kind = STEP_EXPECT;
    return read_frame(text, step);
}

static bool read_bare(const char *text, case_step *step) {
    static const struct {
        const char *word;
        step_kind kind;
    } bare[] = {{"together", STEP_TOGETHER}, {"apart", STEP_APART}, {"shutdown", STEP_SHUTDOWN},
        {"reset", STEP_RESET}, {"finish", STEP_FINISH}};
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        if (strcmp(text, bare[i].word) == 0)
            return step->kind = bare[i].kind, true;
    }
    return false;
}

bool tow_conform_case_step_read(case_step *step, const char *text) {
    if (read_bare(text, step))
        return true;
    if (tow_conform_case_takes(&text, "send"))
        return step->kind = STEP_SEND, read_frame(text, step);
    if (tow_conform_case_takes(&text, "raw")) {
        text = read_literal(text, &step->payload, *text == '"');
        return step->kind = STEP_RAW, text != NULL && *text == 0;
    }
    if (tow_conform_case_takes(&text, "chop"))
        return step->kind = STEP_CHOP, read_chop(text, step);
    if (tow_conform_case_takes(&text, "wait"))
        return step->kind = STEP_WAIT, read_milliseconds(text, step);
    return tow_conform_case_takes(&text, "expect") && read_expect(text, step);
}
