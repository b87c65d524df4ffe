#include "json_word.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

const char *tow_json_word(tow_slice value, char word[TOW_JSON_WORD_SIZE]) {
    tow_buffer text = {0};
    size_t length = 0;
    bool is_string = value.length > 0 && tow_json_type_of(value) == TOW_JSON_STRING;
    if (is_string && tow_json_unescape(&text, value) == 0 && text.length > 0) {
        length = tow_text_cut((const char *)text.data, text.length, TOW_JSON_WORD_SIZE - 1);
        memcpy(word, text.data, length);
    }
    word[length] = '\0';
    tow_buffer_clear(&text);
    return word;
}
