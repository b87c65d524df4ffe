#include "handler/channel_pattern.h"

#include "hub/name.h"

static bool is_prefix(tow_slice pattern) {
    return pattern.length > 0 && pattern.data[pattern.length - 1] == '*';
}

bool tow_channel_pattern_is_valid(tow_slice pattern) {
    bool prefix = is_prefix(pattern);
    const tow_slice name = {pattern.data, pattern.length - prefix};
    if (name.length > 0 && memchr(name.data, '*', name.length) != NULL)
        return false;
    return prefix ? tow_channel_prefix_is_valid(name) : tow_channel_name_is_valid(name);
}

bool tow_channel_pattern_matches(tow_slice pattern, tow_slice name) {
    size_t length = pattern.length - is_prefix(pattern);
    bool begins = name.length >= length && memcmp(pattern.data, name.data, length) == 0;
    return begins && (name.length == length || is_prefix(pattern));
}

int tow_channel_pattern_compare(tow_slice one, tow_slice other) {
    bool one_is_prefix = is_prefix(one), other_is_prefix = is_prefix(other);
    if (one_is_prefix != other_is_prefix)
        return one_is_prefix ? 1 : -1;
    return one.length > other.length ? -1 : one.length < other.length;
}
