#include "case_reading.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *tow_conform_case_skip_blanks(const char *text) {
    return text + strspn(text, " \t");
}

const char *tow_conform_case_take_word(const char *text, char word[CASE_WORD_MAX]) {
    size_t length = strcspn(text, " \t");
    size_t copied = length < CASE_WORD_MAX - 1 ? length : CASE_WORD_MAX - 1;
    memcpy(word, text, copied);
    word[copied] = 0;
    return tow_conform_case_skip_blanks(text + length);
}

char *tow_conform_case_copy(const char *text, size_t length) {
    length = strnlen(text, length);
    char *out = malloc(length + 1);
    if (out == NULL)
        return NULL;
    memcpy(out, text, length);
    out[length] = 0;
    return out;
}

bool tow_conform_case_takes(const char **text, const char *word) {
    size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0 ||
        ((*text)[length] != 0 && !isblank((unsigned char)(*text)[length])))
        return false;
    *text = tow_conform_case_skip_blanks(*text + length);
    return true;
}

bool tow_conform_case_read_number(const char *text, uint64_t maximum, uint64_t *value) {
    if (!isdigit((unsigned char)*text))
        return false;
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && *end == 0 && *value <= maximum;
}

static int hex_digit(char character) {
    const char *digits = "0123456789abcdef";
    const char *found = character == 0 ? NULL : strchr(digits, tolower((unsigned char)character));
    return found == NULL ? -1 : (int)(found - digits);
}

/* One character of a quoted text, after the backslash. Returns how many characters were used, 0: not valid.
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

const char *tow_conform_case_read_quoted(const char *text, tow_buffer *out) {
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
    return tow_conform_case_skip_blanks(text + 1);
}

/* Whether the word at the front is pairs of hexadecimal digits; `*length` is the word's. */
static bool is_hex(const char *text, size_t *length) {
    *length = strcspn(text, " \t");
    for (size_t i = 0; i < *length; i++) {
        if (hex_digit(text[i]) < 0)
            return false;
    }
    return *length > 0 && *length % 2 == 0;
}

const char *tow_conform_case_read_hex(const char *text, tow_buffer *out) {
    for (size_t length; is_hex(text, &length); text = tow_conform_case_skip_blanks(text + length)) {
        for (size_t i = 0; i < length; i += 2) {
            uint8_t byte = (uint8_t)(hex_digit(text[i]) * 16 + hex_digit(text[i + 1]));
            if (tow_buffer_append(out, &byte, 1) != 0)
                return NULL;
        }
    }
    return text;
}
