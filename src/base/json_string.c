#include "base/json.h"

#include "base/text.h"
#include "json_plain.h"

#include <assert.h>
#include <towline/error.h>

/* What stands behind a backslash for a character, and those characters (RFC 8259, section 7). */
static const char escapes[] = "\"\\/bfnrt";
static const char escaped[] = "\"\\/\b\f\n\r\t";

enum { UTF8_MAX = 4 };

/* Reading. */

static uint32_t hexadecimal(const char *digits) {
    uint32_t number = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t digit = (uint32_t)(digits[i] <= '9' ? digits[i] - '0' : (digits[i] | 0x20) - 'a' + 10);
        number = number << 4 | digit;
    }
    return number;
}

static size_t encode_utf8(uint32_t character, char out[UTF8_MAX]) {
    size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(leads[length] | character);
    return length;
}

static bool is_surrogate(uint32_t unit, uint32_t first) {
    return (unit & 0xfc00) == first;
}

/* \uXXXX, or two of them; 0: half of a pair, which is no character. */
static size_t unescape_units(const char **at, const char *end, char out[UTF8_MAX]) {
    uint32_t unit = hexadecimal(*at + 2);
    *at += 6;
    if (is_surrogate(unit, 0xdc00))
        return 0;
    if (!is_surrogate(unit, 0xd800))
        return encode_utf8(unit, out);
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return 0;
    uint32_t second = hexadecimal(*at + 2);
    if (!is_surrogate(second, 0xdc00))
        return 0;
    *at += 6;
    return encode_utf8(0x10000 + ((unit & 0x3ff) << 10 | (second & 0x3ff)), out);
}

/* What the inside of a string says next: a run without escapes where it lies, or one character in `out`.
 * Empty: half of a surrogate pair. */
static tow_slice next_piece(const char **at, const char *end, char out[UTF8_MAX]) {
    if (**at != '\\') {
        const char *begin = *at;
        const char *escape = memchr(begin, '\\', (size_t)(end - begin));
        *at = escape == NULL ? end : escape;
        return (tow_slice){begin, (size_t)(*at - begin)};
    }
    if ((*at)[1] == 'u')
        return (tow_slice){out, unescape_units(at, end, out)};
    out[0] = escaped[strchr(escapes, (*at)[1]) - escapes];
    *at += 2;
    return (tow_slice){out, 1};
}

bool tow_json_string_is(tow_slice value, const char *text) {
    if (tow_json_type_of(value) != TOW_JSON_STRING)
        return false;
    const char *at = value.data + 1;
    const char *end = value.data + value.length - 1;
    size_t left = strlen(text);
    char room[UTF8_MAX];
    while (at < end) {
        tow_slice piece = next_piece(&at, end, room);
        if (piece.length == 0 || piece.length > left || memcmp(piece.data, text, piece.length) != 0)
            return false;
        text += piece.length;
        left -= piece.length;
    }
    return left == 0;
}

bool tow_json_member(tow_slice object, const char *name, tow_slice *value) {
    tow_json_walk walk = tow_json_items(object);
    tow_slice named;
    tow_slice one;
    bool found = false;
    while (walk.is_object && tow_json_next(&walk, &named, &one)) {
        if (!tow_json_string_is(named, name))
            continue;
        *value = one;
        found = true;
    }
    return found;
}

int tow_json_unescape(tow_buffer *out, tow_slice string) {
    assert(tow_json_type_of(string) == TOW_JSON_STRING);
    const char *at = string.data + 1;
    const char *end = string.data + string.length - 1;
    size_t before = out->length;
    char room[UTF8_MAX];
    int error = 0;
    while (error == 0 && at < end) {
        tow_slice piece = next_piece(&at, end, room);
        error = piece.length == 0 ? TOW_ERROR_UTF8 : tow_buffer_append(out, piece.data, piece.length);
    }
    if (error != 0)
        out->length = before;
    return error;
}

/* Writing. */

static int append_escape(tow_buffer *out, char byte) {
    const char *known = byte == '\0' ? NULL : strchr(escaped, byte);
    if (known == NULL)
        return tow_buffer_append_format(out, "\\u%04x", (unsigned char)byte);
    return tow_buffer_append(out, (char[]){'\\', escapes[known - escaped]}, 2);
}

/* A run that needs no escapes, or one character that does or is longer than a byte. */
static int append_some(tow_buffer *out, tow_slice *rest) {
    size_t length = tow_json_plain(rest->data, rest->length);
    if (length == 0)
        length = tow_text_character(rest->data, rest->length);
    if (length == 0)
        return TOW_ERROR_UTF8;
    char first = rest->data[0];
    bool is_escaped = first == '"' || first == '\\' || (unsigned char)first < ' ';
    int error = is_escaped ? append_escape(out, first) : tow_buffer_append(out, rest->data, length);
    rest->data += length;
    rest->length -= length;
    return error;
}

int tow_json_append_string(tow_buffer *out, tow_slice text) {
    size_t before = out->length;
    int error = tow_buffer_append(out, "\"", 1);
    while (error == 0 && text.length > 0)
        error = append_some(out, &text);
    if (error == 0)
        error = tow_buffer_append(out, "\"", 1);
    if (error != 0)
        out->length = before;
    return error;
}
