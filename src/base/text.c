#include "base/text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char cut_mark[] = "...";

enum { CONTINUATIONS_MAX = 3, ESCAPE_LENGTH = 4 };

/* RFC 3629, section 3. */
static int is_continuation(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t tow_text_cut(const char *text, size_t length, size_t max) {
    if (length <= max)
        return length;
    size_t border = max;
    while (border > 0 && max - border < CONTINUATIONS_MAX && is_continuation(text[border]))
        border--;
    return is_continuation(text[border]) ? max : border;
}

/* Section 4: the second byte has narrower bounds behind E0, ED, F0 and F4. */
static bool is_second(unsigned char lead, unsigned char byte) {
    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return byte >= low && byte <= high;
}

size_t tow_text_character(const char *text, size_t length) {
    if (length == 0)
        return 0;
    unsigned char lead = (unsigned char)text[0];
    if (lead < 0x80)
        return 1;
    size_t whole = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (whole == 0 || whole > length || !is_second(lead, (unsigned char)text[1]))
        return 0;
    for (size_t i = 2; i < whole; i++) {
        if (!is_continuation(text[i]))
            return 0;
    }
    return whole;
}

size_t tow_text_format_list(char *out, size_t size, const char *format, va_list arguments) {
    assert(size >= sizeof(cut_mark));
    int length = vsnprintf(out, size, format, arguments);
    if (length < 0)
        out[0] = '\0';
    if (length < 0 || (size_t)length < size)
        return length < 0 ? 0 : (size_t)length;
    size_t kept = tow_text_cut(out, size - 1, size - sizeof(cut_mark));
    memcpy(out + kept, cut_mark, sizeof(cut_mark));
    return kept + sizeof(cut_mark) - 1;
}

size_t tow_text_format(char *out, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t length = tow_text_format_list(out, size, format, arguments);
    va_end(arguments);
    return length;
}

size_t tow_text_make_printable(char *out, size_t size, const char *text) {
    size_t length = 0;
    for (; *text != '\0' && length + ESCAPE_LENGTH + sizeof(cut_mark) <= size; text++) {
        if (*text >= ' ' && *text <= '~')
            out[length++] = *text;
        else
            length += (size_t)snprintf(out + length, ESCAPE_LENGTH + 1, "\\x%02X", (unsigned char)*text);
    }
    size_t mark = *text != '\0' ? sizeof(cut_mark) - 1 : 0;
    memcpy(out + length, cut_mark, mark);
    out[length + mark] = '\0';
    return length + mark;
}
