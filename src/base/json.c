#include "base/json.h"

#include "base/text.h"
#include "json_plain.h"

#include <assert.h>
#include <towline/error.h>

enum { LEVELS_IN_WORD = 64 };

/* Where a text is read, and for each level that is open whether it is an object. */
typedef struct scanner {
    const char *at;
    const char *end;
    size_t depth;
    bool is_fresh; /* the innermost level has been opened, and nothing stands in it yet */
    uint64_t objects[TOW_JSON_DEPTH_MAX / LEVELS_IN_WORD];
} scanner;

static void skip_space(scanner *scan) {
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool at_byte(const scanner *scan, char byte) {
    return scan->at < scan->end && *scan->at == byte;
}

static bool take_byte(scanner *scan, char byte) {
    if (!at_byte(scan, byte))
        return false;
    scan->at++;
    return true;
}

static bool take_literal(scanner *scan, const char *literal) {
    size_t length = strlen(literal);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, literal, length) != 0)
        return false;
    scan->at += length;
    return true;
}

/* Numbers: section 6. */

static bool take_digits(scanner *scan) {
    const char *begin = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > begin;
}

static bool take_number(scanner *scan) {
    take_byte(scan, '-');
    if (!take_byte(scan, '0') && !take_digits(scan))
        return false;
    if (take_byte(scan, '.') && !take_digits(scan))
        return false;
    if (!take_byte(scan, 'e') && !take_byte(scan, 'E'))
        return true;
    if (!take_byte(scan, '-'))
        take_byte(scan, '+');
    return take_digits(scan);
}

/* Strings: section 7. */

static bool is_hexadecimal(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool take_escape(scanner *scan) {
    if (scan->end - scan->at < 2)
        return false;
    char kind = scan->at[1];
    if (kind != 'u') {
        scan->at += 2;
        return kind != '\0' && strchr("\"\\/bfnrt", kind) != NULL;
    }
    if (scan->end - scan->at < 6)
        return false;
    for (size_t i = 2; i < 6; i++) {
        if (!is_hexadecimal(scan->at[i]))
            return false;
    }
    scan->at += 6;
    return true;
}

static bool take_string(scanner *scan) {
    if (!take_byte(scan, '"'))
        return false;
    for (;;) {
        scan->at += tow_json_plain(scan->at, (size_t)(scan->end - scan->at));
        if (take_byte(scan, '"'))
            return true;
        if (at_byte(scan, '\\')) {
            if (!take_escape(scan))
                return false;
            continue;
        }
        size_t length = tow_text_character(scan->at, (size_t)(scan->end - scan->at));
        if (length < 2) /* the end, a control character, or no UTF-8 */
            return false;
        scan->at += length;
    }
}

/* Arrays and objects: sections 4 and 5. */

static bool in_object(const scanner *scan) {
    size_t level = scan->depth - 1;
    return (scan->objects[level / LEVELS_IN_WORD] >> level % LEVELS_IN_WORD & 1) != 0;
}

static bool take_name(scanner *scan) {
    skip_space(scan);
    if (!take_string(scan))
        return false;
    skip_space(scan);
    return take_byte(scan, ':');
}

static int open_level(scanner *scan) {
    if (scan->depth == TOW_JSON_DEPTH_MAX)
        return TOW_ERROR_LIMIT;
    uint64_t bit = (uint64_t)1 << scan->depth % LEVELS_IN_WORD;
    uint64_t *word = &scan->objects[scan->depth / LEVELS_IN_WORD];
    *word = *scan->at == '{' ? *word | bit : *word & ~bit;
    scan->at++;
    scan->depth++;
    scan->is_fresh = true;
    return 0;
}

/* A value, or of an array and an object the beginning. */
static int take_value(scanner *scan) {
    skip_space(scan);
    if (at_byte(scan, '{') || at_byte(scan, '['))
        return open_level(scan);
    scan->is_fresh = false;
    bool taken = at_byte(scan, '"')   ? take_string(scan)
                 : at_byte(scan, 't') ? take_literal(scan, "true")
                 : at_byte(scan, 'f') ? take_literal(scan, "false")
                 : at_byte(scan, 'n') ? take_literal(scan, "null")
                                      : take_number(scan);
    return taken ? 0 : TOW_ERROR_ARGUMENT;
}

/* What stands between a value (or a beginning) and the next value: ends, a comma, a name. */
static bool take_between(scanner *scan) {
    while (scan->depth > 0) {
        skip_space(scan);
        if (take_byte(scan, in_object(scan) ? '}' : ']')) {
            scan->depth--;
            scan->is_fresh = false;
            continue;
        }
        if (!scan->is_fresh && !take_byte(scan, ','))
            return false;
        return !in_object(scan) || take_name(scan);
    }
    return true;
}

int64_t tow_json_skip(const char *text, size_t length) {
    scanner scan = {.at = text, .end = text + length};
    do {
        int error = take_value(&scan);
        if (error != 0)
            return error;
        if (!take_between(&scan))
            return TOW_ERROR_ARGUMENT;
    } while (scan.depth > 0);
    return scan.at - text;
}

int tow_json_read(tow_slice text, tow_slice *value) {
    scanner scan = {.at = text.data, .end = text.data + text.length};
    skip_space(&scan);
    const char *begin = scan.at;
    int64_t length = tow_json_skip(begin, (size_t)(scan.end - begin));
    if (length < 0)
        return (int)length;
    scan.at += length;
    skip_space(&scan);
    if (scan.at < scan.end)
        return TOW_ERROR_ARGUMENT;
    *value = (tow_slice){begin, (size_t)length};
    return 0;
}

tow_json_type tow_json_type_of(tow_slice value) {
    assert(value.length > 0);
    switch (value.data[0]) {
    case 'n':
        return TOW_JSON_NULL;
    case 'f':
        return TOW_JSON_FALSE;
    case 't':
        return TOW_JSON_TRUE;
    case '"':
        return TOW_JSON_STRING;
    case '[':
        return TOW_JSON_ARRAY;
    case '{':
        return TOW_JSON_OBJECT;
    default:
        return TOW_JSON_NUMBER;
    }
}

tow_json_walk tow_json_items(tow_slice value) {
    tow_json_type type = tow_json_type_of(value);
    if (type != TOW_JSON_ARRAY && type != TOW_JSON_OBJECT)
        return (tow_json_walk){0};
    return (tow_json_walk){value.data + 1, value.data + value.length - 1, type == TOW_JSON_OBJECT};
}

bool tow_json_next(tow_json_walk *walk, tow_slice *name, tow_slice *value) {
    scanner scan = {.at = walk->at, .end = walk->end};
    skip_space(&scan);
    take_byte(&scan, ',');
    skip_space(&scan);
    if (scan.at == scan.end)
        return false;
    const char *begin = scan.at;
    if (walk->is_object)
        take_string(&scan);
    *name = (tow_slice){begin, (size_t)(scan.at - begin)};
    skip_space(&scan);
    if (walk->is_object)
        take_byte(&scan, ':');
    skip_space(&scan);
    int64_t length = tow_json_skip(scan.at, (size_t)(scan.end - scan.at));
    assert(length > 0);
    *value = (tow_slice){scan.at, (size_t)length};
    walk->at = scan.at + length;
    return true;
}

int tow_json_integer(tow_slice value, int64_t *out) {
    bool is_negative = value.length > 0 && value.data[0] == '-';
    int64_t number = 0;
    if (value.length == is_negative)
        return TOW_ERROR_ARGUMENT;
    for (size_t i = is_negative; i < value.length; i++) {
        int digit = value.data[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, digit, &number)) /* negative ones reach one further */
            return TOW_ERROR_ARGUMENT;
    }
    if (!is_negative && number == INT64_MIN)
        return TOW_ERROR_ARGUMENT;
    *out = is_negative ? number : -number;
    return 0;
}
