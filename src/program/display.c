#include "display.h"

#include "paint.h"

#include <stdio.h>
#include <string.h>

enum { HEX_COLUMNS = 16 };

typedef struct range {
    uint32_t first;
    uint32_t last;
} range;

/* What is not shown as it is: controls, marks of direction, separators and joiners without width, tags. */
static const range hidden[] = {{0x00, 0x08}, {0x0B, 0x1F}, {0x7F, 0x9F}, {0xAD, 0xAD}, {0x061C, 0x061C},
    {0x180E, 0x180E}, {0x200B, 0x200C}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
    {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};

static bool is_hidden(uint32_t character) {
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (character >= hidden[i].first && character <= hidden[i].last)
            return true;
    return false;
}

static bool is_continuation(char byte) {
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Reads the character at the front of valid UTF-8; returns its length, 1 with *character above 0x10FFFF for a
 * byte that is none. */
static size_t character_read(const char *text, size_t length, uint32_t *character) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t size = first < 0x80    ? 1
                  : first >= 0xF8 ? 0
                  : first >= 0xF0 ? 4
                  : first >= 0xE0 ? 3
                  : first >= 0xC0 ? 2
                                  : 0;
    uint32_t value = size == 1 ? first : (uint32_t)first & (0x7FU >> size);
    *character = UINT32_MAX;
    if (size == 0 || size > length)
        return 1;
    for (size_t i = 1; i < size; i++) {
        if (!is_continuation(text[i]))
            return 1;
        value = value << 6 | ((unsigned char)text[i] & 0x3FU);
    }
    if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 1;
    *character = value;
    return size;
}

static int escape_append(tow_buffer *out, uint32_t character, unsigned char byte, bool painted) {
    char escape[16];
    if (character == '\r')
        snprintf(escape, sizeof(escape), "\\r");
    else if (character > 0x10FFFF || character < 0x80)
        snprintf(escape, sizeof(escape), "\\x%02x", byte);
    else if (character <= 0xFFFF)
        snprintf(escape, sizeof(escape), "\\u%04x", character);
    else
        snprintf(escape, sizeof(escape), "\\u{%x}", character);
    return tow_buffer_append_format(
        out, "%s%s%s", tow_paint(painted, TOW_COLOUR_DIM), escape, tow_paint_end(painted));
}

int tow_display_text(tow_buffer *out, const char *text, size_t length, int indent, bool painted) {
    int error = 0;
    size_t plain = 0; /* where the characters that need no change begin */
    for (size_t i = 0; error == 0 && i < length;) {
        uint32_t character;
        size_t size = character_read(text + i, length - i, &character);
        if (character == '\n') {
            error = tow_buffer_append(out, text + plain, i - plain);
            if (error == 0)
                error = tow_buffer_append_format(out, "\n%*s", indent, "");
            plain = i + 1;
        } else if (character > 0x10FFFF || is_hidden(character)) {
            error = tow_buffer_append(out, text + plain, i - plain);
            if (error == 0)
                error = escape_append(out, character, (unsigned char)text[i], painted);
            plain = i + size;
        }
        i += size;
    }
    return error != 0 ? error : tow_buffer_append(out, text + plain, length - plain);
}

static void hex_line(char *line, const uint8_t *bytes, size_t count) {
    char *at = line;
    for (size_t i = 0; i < HEX_COLUMNS; i++) {
        if (i % 8 == 0)
            *at++ = ' ';
        at += i < count ? sprintf(at, " %02x", bytes[i]) : sprintf(at, "   ");
    }
    at += sprintf(at, "  |");
    for (size_t i = 0; i < count; i++)
        *at++ = (char)(bytes[i] >= 0x20 && bytes[i] < 0x7F ? bytes[i] : '.');
    memcpy(at, "|", 2);
}

int tow_display_hex(tow_buffer *out, const uint8_t *bytes, size_t length, int indent) {
    int error = 0;
    for (size_t offset = 0; error == 0 && offset < length; offset += HEX_COLUMNS) {
        char line[96];
        size_t count = length - offset < HEX_COLUMNS ? length - offset : HEX_COLUMNS;
        hex_line(line, bytes + offset, count);
        error = tow_buffer_append_format(out, "%*s%08zx%s\n", indent, "", offset, line);
    }
    return error;
}
