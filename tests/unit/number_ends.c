#include "number_ends.h"

#include "unit.h"

#include <limits.h>
#include <string.h>
#include <towline/error.h>

void option_set(void *options, const option_number *number, int64_t value) {
    int narrow = (int)value;
    memcpy((char *)options + number->offset, number->width == sizeof(value) ? (void *)&value : &narrow,
        number->width);
}

static void expect(option_attempt attempt, const option_number *number, int64_t value, int error) {
    int answer = attempt(number, value);
    if (answer != error)
        fail_msg("%s = %lld: %s", number->name, (long long)value, tow_error_name(answer));
}

static void try_ends(option_attempt attempt, const option_number *number) {
    int64_t widest = number->width == sizeof(int64_t) ? INT64_MAX : INT_MAX;
    expect(attempt, number, number->minimum, 0);
    expect(attempt, number, number->maximum, 0);
    expect(attempt, number, number->minimum - 1, TOW_ERROR_ARGUMENT);
    expect(attempt, number, -widest - 1, TOW_ERROR_ARGUMENT);
    if (number->maximum < widest) {
        expect(attempt, number, number->maximum + 1, TOW_ERROR_ARGUMENT);
        expect(attempt, number, widest, TOW_ERROR_ARGUMENT);
    }
}

void try_number_ends(option_attempt attempt, const option_number *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        try_ends(attempt, &numbers[i]);
}
