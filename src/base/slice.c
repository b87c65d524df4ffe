#include "base/slice.h"

static char lower(char character) {
    if (character >= 'A' && character <= 'Z')
        return (char)(character + ('a' - 'A'));
    return character;
}

bool tow_slices_match(tow_slice one, tow_slice other) {
    if (one.length != other.length)
        return false;
    for (size_t i = 0; i < one.length; i++) {
        if (lower(one.data[i]) != lower(other.data[i]))
            return false;
    }
    return true;
}

bool tow_slice_equals_ignoring_case(tow_slice slice, const char *text) {
    return tow_slices_match(slice, tow_slice_from(text));
}

bool tow_slice_has_control(tow_slice slice) {
    for (size_t i = 0; i < slice.length; i++)
        if ((unsigned char)slice.data[i] < ' ' || slice.data[i] == 0x7f)
            return true;
    return false;
}
