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

static tow_slice last_segment(tow_slice name) {
    const char *slash = name.length > 0 ? memrchr(name.data, '/', name.length) : NULL;
    if (slash == NULL)
        return name;
    size_t before = (size_t)(slash - name.data) + 1;
    return (tow_slice){name.data + before, name.length - before};
}

/* What Pusher's servers send to one user. The id of the user may have slashes in it, and begin with anything.
 */
static bool is_to_one_user(tow_slice name) {
    static const char prefix[] = "#server-to-user-";
    const size_t length = sizeof(prefix) - 1;
    for (size_t i = 0; i + length <= name.length; i++)
        if ((i == 0 || name.data[i - 1] == '/') && memcmp(name.data + i, prefix, length) == 0)
            return true;
    return false;
}

tow_channel_class tow_channel_name_class(tow_slice name) {
    static const struct {
        const char *prefix;
        tow_channel_class class;
    } classes[] = {
        {"private-encrypted-", TOW_CHANNEL_PRIVATE_ENCRYPTED},
        {"private-", TOW_CHANNEL_PRIVATE},
        {"presence-", TOW_CHANNEL_PRESENCE},
    };
    tow_slice segment = last_segment(name);
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        size_t length = strlen(classes[i].prefix);
        if (segment.length >= length && memcmp(segment.data, classes[i].prefix, length) == 0)
            return classes[i].class;
    }
    return is_to_one_user(name) ? TOW_CHANNEL_PRIVATE : TOW_CHANNEL_OPEN;
}
