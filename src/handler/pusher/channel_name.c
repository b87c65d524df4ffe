#include "channel_name.h"

#include "hub/view.h"

static const char user_prefix[] = "#server-to-user-";

/* Longer prefixes first. */
static const struct {
    const char *prefix;
    tow_pusher_access access;
    bool is_cache;
} prefixes[] = {
    {"private-encrypted-cache-", TOW_PUSHER_ENCRYPTED, true},
    {"private-encrypted-", TOW_PUSHER_ENCRYPTED, false},
    {"private-cache-", TOW_PUSHER_PRIVATE, true},
    {"private-", TOW_PUSHER_PRIVATE, false},
    {"presence-cache-", TOW_PUSHER_PRESENCE, true},
    {"presence-", TOW_PUSHER_PRESENCE, false},
    {"cache-", TOW_PUSHER_PUBLIC, true},
    {"", TOW_PUSHER_PUBLIC, false},
};

bool tow_pusher_begins(tow_slice text, const char *prefix) {
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.data, prefix, length) == 0;
}

static bool has_room(tow_slice text, size_t max) {
    return text.length > 0 && text.length <= max;
}

bool tow_pusher_user_is_valid(tow_slice id) {
    return has_room(id, TOW_PUSHER_USER_MAX) && !tow_slice_has_control(id);
}

static bool is_channel_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_-=@,.;", c) != NULL);
}

static bool is_plain_name(tow_slice name) {
    for (size_t i = 0; i < name.length; i++)
        if (!is_channel_character(name.data[i]))
            return false;
    return has_room(name, TOW_PUSHER_CHANNEL_MAX);
}

static tow_pusher_channel_name users_name(tow_slice name) {
    const size_t length = sizeof(user_prefix) - 1;
    const tow_slice user = {name.data + length, name.length - length};
    if (!tow_pusher_user_is_valid(user))
        return (tow_pusher_channel_name){TOW_PUSHER_INVALID};
    return (tow_pusher_channel_name){.access = TOW_PUSHER_USER, .user = user};
}

tow_pusher_channel_name tow_pusher_channel_name_read(tow_slice name) {
    size_t i = 0;
    if (tow_pusher_begins(name, user_prefix))
        return users_name(name);
    if (!is_plain_name(name))
        return (tow_pusher_channel_name){TOW_PUSHER_INVALID};
    while (!tow_pusher_begins(name, prefixes[i].prefix))
        i++;
    return (tow_pusher_channel_name){.access = prefixes[i].access, .is_cache = prefixes[i].is_cache};
}

bool tow_pusher_event_is_valid(tow_slice event) {
    return has_room(event, TOW_PUSHER_EVENT_MAX) && !tow_slice_has_control(event) &&
           tow_client_event_is_free(TOW_CLIENT_PUSHER, event);
}

bool tow_pusher_event_is_clients(tow_slice event) {
    return tow_pusher_begins(event, "client-") && tow_pusher_event_is_valid(event);
}
