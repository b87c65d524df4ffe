/* json_plain: what stands in a string of JSON as it is, in ASCII. */
#ifndef TOW_BASE_JSON_PLAIN_H
#define TOW_BASE_JSON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool tow_json_is_plain(char byte) {
    return (unsigned char)byte >= ' ' && (unsigned char)byte < 0x80 && byte != '"' && byte != '\\';
}

/* Eight bytes at once: a byte of the result has its highest bit set if one of them, or one below it, is not
 * plain. */
static inline uint64_t tow_json_not_plain(uint64_t word) {
    const uint64_t ones = 0x0101010101010101U;
    uint64_t quotes = word ^ ones * '"';
    uint64_t backslashes = word ^ ones * '\\';
    return ((word - ones * ' ') | (quotes - ones) | (backslashes - ones) | word) & ones * 0x80;
}

/* How many bytes at the beginning are ASCII that needs no escape. */
static inline size_t tow_json_plain(const char *text, size_t length) {
    size_t at = 0;
    for (uint64_t word; at + sizeof(word) <= length; at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        if (tow_json_not_plain(word) != 0)
            break;
    }
    while (at < length && tow_json_is_plain(text[at]))
        at++;
    return at;
}

#endif
