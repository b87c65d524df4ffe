/* character: what a byte may be part of in an HTTP message (RFC 9110, section 5.6.2; RFC 9112; RFC 3986). */
#ifndef TOW_HTTP_CHARACTER_H
#define TOW_HTTP_CHARACTER_H

#include "base/slice.h"

#include <stdint.h>

enum {
    TOW_CHARACTER_TOKEN = 1,  /* tchar: methods and field names */
    TOW_CHARACTER_TARGET = 2, /* visible ASCII but '#', as no fragment is ever sent (RFC 9110, section 7.1) */
    TOW_CHARACTER_VALUE = 4,  /* field-vchar, obs-text, SP and HTAB: field values and reason phrases */
    TOW_CHARACTER_HOST = 8,   /* unreserved and sub-delims: a registered name without its percent-encodings */
    TOW_CHARACTER_HEX = 16,
    TOW_CHARACTER_DIGIT = 32
};

extern const uint8_t tow_character_classes[256];

static inline bool tow_character_is(char character, unsigned class) {
    return (tow_character_classes[(uint8_t)character] & class) != 0;
}

/* How many bytes at the front of the text are of the class. */
static inline size_t tow_character_span(const char *text, size_t length, unsigned class) {
    size_t span = 0;
    while (span < length && tow_character_is(text[span], class))
        span++;
    return span;
}

static inline bool tow_characters_are(tow_slice text, unsigned class) {
    return tow_character_span(text.data, text.length, class) == text.length;
}

/* 0 to 15; the character is of class HEX. */
static inline uint8_t tow_character_hex(char character) {
    return (uint8_t)((character & 15) + (tow_character_is(character, TOW_CHARACTER_DIGIT) ? 0 : 9));
}

#endif
