/* number_ends: numbers in structs of options, tried at the ends of what they may be and beyond. */
#ifndef TOW_TESTS_NUMBER_ENDS_H
#define TOW_TESTS_NUMBER_ENDS_H

#include <stddef.h>
#include <stdint.h>

typedef struct option_number {
    const char *name;
    size_t offset;
    size_t width;
    int64_t minimum;
    int64_t maximum;
} option_number;

#define OPTION_NUMBER(type, field, minimum, maximum)                                                         \
    { #field, offsetof(type, field), sizeof(((type *)NULL)->field), (minimum), (maximum) }

/* The limits of both roles, for each of which LIMIT(field, minimum, maximum) makes an option_number; the low
 * mark lies below what the high one is by default. */
#define LIMIT_NUMBERS(LIMIT)                                                                                 \
    LIMIT(max_message, TOW_OFF, INT64_MAX), LIMIT(max_queue, TOW_OFF, INT64_MAX),                            \
        LIMIT(overflow, TOW_OVERFLOW_DEFAULT, TOW_OVERFLOW_DROP_OLDEST),                                     \
        LIMIT(high_mark, TOW_OFF, INT64_MAX), LIMIT(low_mark, 0, 256 * 1024 - 1),                            \
        LIMIT(message_seconds, TOW_OFF, INT_MAX), LIMIT(message_rate, TOW_OFF, INT64_MAX),                   \
        LIMIT(stall_seconds, TOW_OFF, INT_MAX), LIMIT(ping_seconds, TOW_OFF, INT_MAX),                       \
        LIMIT(idle_seconds, TOW_OFF, INT_MAX), LIMIT(close_seconds, TOW_OFF, INT_MAX),                       \
        LIMIT(compression, TOW_COMPRESSION_DEFAULT, TOW_COMPRESSION_TAKEOVER),                               \
        LIMIT(compression_min, TOW_OFF, INT64_MAX), LIMIT(compression_max, TOW_OFF, INT64_MAX)

/* What answers a tow_error for options in which one number has this value. */
typedef int (*option_attempt)(const option_number *number, int64_t value);

void option_set(void *options, const option_number *number, int64_t value);

/* Both ends are taken, what lies beyond is refused with ARGUMENT. */
void try_number_ends(option_attempt attempt, const option_number *numbers, size_t count);

#define TRY_NUMBER_ENDS(attempt, numbers)                                                                    \
    try_number_ends(attempt, numbers, sizeof(numbers) / sizeof((numbers)[0]))

#endif
