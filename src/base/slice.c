#include "base/slice.h"

static char lower(char character) {
    return character >= 'A' && character <= 'Z' ? (char)(character + ('a' - 'A')) : character;
}

bool tow_slice_equals_ignoring_case(tow_slice slice, const char *text) {
    if (slice.length != strlen(text))
        return false;
    for (size_t i = 0; i < slice.length; i++) {
        if (lower(slice.data[i]) != lower(text[i]))
            return false;
    }
    return true;
}
