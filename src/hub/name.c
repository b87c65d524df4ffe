#include "hub/name.h"

#include "http/percent.h"

#include <towline/error.h>
#include <towline/protocol.h>

/* U+0000 to U+001F, U+007F, and U+0080 to U+009F, which are C2 80 to C2 9F. */
static bool has_control(tow_slice name) {
    for (size_t i = 0; i < name.length; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        unsigned char next = i + 1 < name.length ? (unsigned char)name.data[i + 1] : 0;
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next <= 0x9f))
            return true;
    }
    return false;
}

bool tow_channel_name_is_valid(tow_slice name) {
    return name.length >= 1 && name.length <= TOW_CHANNEL_NAME_MAX && !has_control(name) &&
           tow_utf8_valid(name.data, name.length);
}

bool tow_channel_prefix_is_valid(tow_slice prefix) {
    return prefix.length <= TOW_CHANNEL_NAME_MAX && !has_control(prefix);
}

int tow_channel_name_decode(tow_slice path, char name[TOW_CHANNEL_NAME_MAX]) {
    size_t length = 0;
    while (path.length > 0) {
        if (length == TOW_CHANNEL_NAME_MAX || !tow_percent_take(&path, &name[length]))
            return TOW_ERROR_ARGUMENT;
        length++;
    }
    return tow_channel_name_is_valid((tow_slice){name, length}) ? (int)length : TOW_ERROR_ARGUMENT;
}

/* What a segment begins with where nobody gets in without proof; the last is what Pusher's servers send to
 * one user. */
static const char *const private_beginnings[] = {"private-", "presence-", "#server-to-user-"};

static bool begins_private(tow_slice segment) {
    for (size_t i = 0; i < sizeof(private_beginnings) / sizeof(private_beginnings[0]); i++) {
        size_t length = strlen(private_beginnings[i]);
        if (segment.length >= length && memcmp(segment.data, private_beginnings[i], length) == 0)
            return true;
    }
    return false;
}

bool tow_channel_name_is_private(tow_slice name) {
    for (size_t i = 0; i < name.length; i++)
        if ((i == 0 || name.data[i - 1] == '/') &&
            begins_private((tow_slice){name.data + i, name.length - i}))
            return true;
    return false;
}
