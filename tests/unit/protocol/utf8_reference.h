/* utf8_reference: UTF-8 read straight from the grammar of RFC 3629, section 4, to judge the fast checks by.
 */
#ifndef TOW_TESTS_UTF8_REFERENCE_H
#define TOW_TESTS_UTF8_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a text is: where its first byte stands that no valid text can have there (its length if none), and
 * whether it ends inside a character. */
struct utf8_verdict {
    size_t first_bad;
    bool incomplete;
};

static const struct utf8_row {
    size_t size;
    uint8_t bounds[4][2];
} utf8_grammar[] = {
    {1, {{0x00, 0x7f}}},
    {2, {{0xc2, 0xdf}, {0x80, 0xbf}}},
    {3, {{0xe0, 0xe0}, {0xa0, 0xbf}, {0x80, 0xbf}}},
    {3, {{0xe1, 0xec}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {3, {{0xed, 0xed}, {0x80, 0x9f}, {0x80, 0xbf}}},
    {3, {{0xee, 0xef}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {4, {{0xf0, 0xf0}, {0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {4, {{0xf1, 0xf3}, {0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}},
    {4, {{0xf4, 0xf4}, {0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}}},
};

static inline bool utf8_within(uint8_t byte, const uint8_t bounds[2]) {
    return byte >= bounds[0] && byte <= bounds[1];
}

static inline const struct utf8_row *utf8_row_of(uint8_t lead) {
    for (size_t i = 0; i < sizeof(utf8_grammar) / sizeof(utf8_grammar[0]); i++) {
        if (utf8_within(lead, utf8_grammar[i].bounds[0]))
            return &utf8_grammar[i];
    }
    return NULL;
}

static inline struct utf8_verdict utf8_judge(const uint8_t *bytes, size_t length) {
    size_t at = 0;
    while (at < length) {
        const struct utf8_row *row = utf8_row_of(bytes[at]);
        if (row == NULL)
            return (struct utf8_verdict){at, false};
        for (size_t i = 1; i < row->size; i++) {
            if (at + i == length)
                return (struct utf8_verdict){length, true};
            if (!utf8_within(bytes[at + i], row->bounds[i]))
                return (struct utf8_verdict){at + i, false};
        }
        at += row->size;
    }
    return (struct utf8_verdict){length, false};
}

#endif
