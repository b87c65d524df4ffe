/* The name of a channel from a path, and a position: what is read is written again as it was. */
#include "fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_slice text = {(const char *)data, size};
    check_name(text);
    check_position(text);
    return 0;
}
