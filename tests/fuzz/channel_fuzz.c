/* The name of a channel from a path, and a position: what is read is written again as it was. */
#include "fuzz.h"

#include "handler/channel_pattern.h"
#include "hub/name.h"
#include "hub/position.h"

#include <stdint.h>
#include <string.h>

static void check_name(tow_slice path) {
    char name[TOW_CHANNEL_NAME_MAX];
    int length = tow_channel_name_decode(path, name);
    if (length < 0)
        return;
    tow_slice read = {name, (size_t)length};
    CHECK(tow_channel_name_is_valid(read));
    CHECK(tow_channel_prefix_is_valid(read));
    CHECK(tow_channel_name_is_private(read) || memmem(name, read.length, "private-", 8) != name);
}

static void check_position(tow_slice text) {
    tow_position position;
    char written[TOW_POSITION_TEXT_SIZE];
    if (tow_position_read(&position, text) != 0)
        return;
    CHECK(position.epoch != 0);
    CHECK(tow_position_write(written, &position) == text.length);
    CHECK(memcmp(written, text.data, text.length) == 0);
}

/* A pattern, and behind a zero a name. */
static void check_pattern(tow_slice text) {
    const char *zero = text.length > 0 ? memchr(text.data, '\0', text.length) : NULL;
    if (zero == NULL)
        return;
    const tow_slice pattern = {text.data, (size_t)(zero - text.data)};
    const tow_slice name = {zero + 1, text.length - pattern.length - 1};
    if (!tow_channel_pattern_is_valid(pattern) || !tow_channel_name_is_valid(name))
        return;
    bool matches = tow_channel_pattern_matches(pattern, name);
    bool is_name = memchr(pattern.data, '*', pattern.length) == NULL;
    CHECK(is_name ? matches ==
                        (name.length == pattern.length && memcmp(name.data, pattern.data, name.length) == 0)
                  : !matches || name.length + 1 >= pattern.length);
    CHECK(tow_channel_pattern_matches(name, name));
    CHECK(tow_channel_pattern_compare(pattern, pattern) == 0);
    CHECK(
        (tow_channel_pattern_compare(pattern, name) < 0) == (tow_channel_pattern_compare(name, pattern) > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_slice text = {(const char *)data, size};
    check_name(text);
    check_position(text);
    check_pattern(text);
    return 0;
}
