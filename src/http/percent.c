#include "http/percent.h"

#include "character.h"

#include <assert.h>
#include <string.h>

bool tow_percent_take(tow_slice *text, char *character) {
    assert(text->length > 0);
    const char *at = text->data;
    size_t taken = at[0] == '%' ? 3 : 1;
    if (taken == 3) {
        if (text->length < taken || !tow_characters_are((tow_slice){at + 1, 2}, TOW_CHARACTER_HEX))
            return false;
        *character = (char)(tow_character_hex(at[1]) << 4 | tow_character_hex(at[2]));
    } else {
        *character = at[0];
    }
    *text = (tow_slice){at + taken, text->length - taken};
    return true;
}

char *tow_percent_decode(char *out, tow_slice text) {
    for (; text.length > 0; out++)
        if (!tow_percent_take(&text, out) || *out == '\0')
            return NULL;
    *out++ = '\0';
    return out;
}

static bool stands_for_itself(unsigned char byte, const char *also) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte != '\0' && (strchr("-._~", byte) != NULL || strchr(also, byte) != NULL));
}

int tow_percent_append(tow_buffer *out, tow_slice text, const char *also) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        error = stands_for_itself(byte, also) ? tow_buffer_append(out, &byte, 1)
                                              : tow_buffer_append_format(out, "%%%02X", byte);
    }
    return error;
}
