/* What a peer sends is shown on a terminal: whatever it is, the terminal gets valid UTF-8 without control
 * characters but tabs and the line feeds that stand before our indent. */
#include "display.h"
#include "fuzz.h"

#include <stdbool.h>

/* Passes over one character of what was written; NULL if it is none, or one that a terminal must not get. */
static const uint8_t *character_skip(const uint8_t *at, const uint8_t *end) {
    uint8_t first = *at;
    size_t size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (size == 1)
        return first >= 0x20 && first != 0x7F ? at + 1 : NULL;
    if (first < 0xC2 || first > 0xF4 || (size_t)(end - at) < size)
        return NULL;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xC0) != 0x80)
            return NULL;
    bool is_c1 = first == 0xC2 && at[1] < 0xA0;
    return is_c1 ? NULL : at + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_buffer text = {0};
    if (tow_display_text(&text, (const char *)data, size, 2, false) != 0)
        return 0;
    const uint8_t *end = text.data == NULL ? NULL : text.data + text.length;
    for (const uint8_t *at = text.data; at < end;) {
        if (*at == '\n')
            CHECK(end - at >= 3 && at[1] == ' ' && at[2] == ' ');
        at = *at == '\n' ? at + 3 : *at == '\t' ? at + 1 : character_skip(at, end);
        CHECK(at != NULL);
    }
    tow_buffer_clear(&text);
    tow_buffer hex = {0};
    size_t lines = (size + 15) / 16;
    if (tow_display_hex(&hex, data, size, 0) == 0)
        CHECK(hex.length == 0 ? lines == 0 : hex.data[hex.length - 1] == '\n');
    tow_buffer_clear(&hex);
    return 0;
}
