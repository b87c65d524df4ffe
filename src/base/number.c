#include "base/number.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

/* Reads the digits at the front of *text and moves it behind them. */
static int digits_read(const char **text, int64_t *number) {
    const char *at = *text;
    int64_t value = 0;
    if (!is_digit(*at))
        return TOW_ERROR_ARGUMENT;
    for (; is_digit(*at); at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return TOW_ERROR_LIMIT;
    *text = at;
    *number = value;
    return 0;
}

int tow_number_parse(const char *text, int64_t *number) {
    int64_t value;
    int error = digits_read(&text, &value);
    if (error != 0)
        return error;
    if (*text != '\0')
        return TOW_ERROR_ARGUMENT;
    *number = value;
    return 0;
}

/* The power of two that a unit stands for, or -1. */
static int unit_shift(const char *unit) {
    static const char letters[] = "KMGT";
    if (*unit == '\0' || strcmp(unit, "B") == 0)
        return 0;
    const char *letter = strchr(letters, *unit & ~0x20);
    if (letter == NULL || *letter == '\0')
        return -1;
    if (unit[1] != '\0' && strcasecmp(unit + 1, "B") != 0 && strcasecmp(unit + 1, "iB") != 0)
        return -1;
    return 10 * (int)(letter - letters + 1);
}

int tow_size_parse(const char *text, int64_t *bytes) {
    int64_t value;
    int error = digits_read(&text, &value);
    if (error != 0)
        return error;
    int shift = unit_shift(text);
    if (shift < 0)
        return TOW_ERROR_ARGUMENT;
    if (__builtin_mul_overflow(value, INT64_C(1) << shift, &value))
        return TOW_ERROR_LIMIT;
    *bytes = value;
    return 0;
}

/* The nanoseconds that stand behind the decimal point. */
static int decimals_read(const char *text, int64_t *nanoseconds) {
    int64_t unit = 100000000;
    int64_t value = 0;
    if (!is_digit(*text))
        return TOW_ERROR_ARGUMENT;
    for (; is_digit(*text) && unit > 0; text++, unit /= 10)
        value += (*text - '0') * unit;
    if (*text != '\0')
        return TOW_ERROR_ARGUMENT;
    *nanoseconds = value;
    return 0;
}

int tow_duration_parse(const char *text, int64_t *nanoseconds) {
    int64_t value;
    int64_t decimals = 0;
    int error = digits_read(&text, &value);
    if (error == 0 && *text == '.')
        error = decimals_read(text + 1, &decimals);
    else if (error == 0 && *text != '\0')
        error = TOW_ERROR_ARGUMENT;
    if (error != 0)
        return error;
    if (__builtin_mul_overflow(value, INT64_C(1000000000), &value) ||
        __builtin_add_overflow(value, decimals, &value))
        return TOW_ERROR_LIMIT;
    *nanoseconds = value;
    return 0;
}

void tow_size_text(uint64_t bytes, char out[TOW_SIZE_TEXT_MAX]) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(out, TOW_SIZE_TEXT_MAX, "%u B", (unsigned)bytes);
        return;
    }
    size_t unit = 0;
    uint64_t tenths = bytes * 10 / 1024;
    if (bytes > UINT64_MAX / 10)
        tenths = bytes / 1024 * 10;
    for (; tenths >= 10240 && unit < 5; unit++)
        tenths /= 1024;
    if (tenths % 10 == 0 || tenths >= 1000)
        snprintf(out, TOW_SIZE_TEXT_MAX, "%u %s", (unsigned)(tenths / 10), units[unit]);
    else
        snprintf(out, TOW_SIZE_TEXT_MAX, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
            units[unit]);
}
