#include "place.h"

static const char prefix[] = "/sockjs";

/* Where the last slash stands; false: there is none. */
static bool last_slash(tow_slice path, size_t *at) {
    for (*at = path.length; *at > 0; (*at)--) {
        if (path.data[*at - 1] == '/') {
            (*at)--;
            return true;
        }
    }
    return false;
}

/* Takes the last part off, without its slash. */
static bool take_part(tow_slice *path, tow_slice *part) {
    size_t at;
    if (!last_slash(*path, &at))
        return false;
    *part = (tow_slice){path->data + at + 1, path->length - at - 1};
    path->length = at;
    return true;
}

static tow_sockjs_what transport_of(tow_slice part) {
    static const struct {
        const char *name;
        tow_sockjs_what what;
    } rows[] = {{"websocket", TOW_SOCKJS_WEBSOCKET}, {"xhr", TOW_SOCKJS_XHR},
        {"xhr_streaming", TOW_SOCKJS_STREAM}, {"xhr_send", TOW_SOCKJS_SEND}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (tow_slice_equals(part, rows[i].name))
            return rows[i].what;
    }
    return TOW_SOCKJS_NOTHING;
}

static bool is_part(tow_slice part) {
    return part.length > 0 && memchr(part.data, '.', part.length) == NULL;
}

static tow_slice or_root(tow_slice base) {
    return base.length > 0 ? base : tow_slice_from("/");
}

/* BASE/SERVER/SESSION/TRANSPORT */
static tow_sockjs_place session_at(tow_slice path) {
    tow_sockjs_place place = {0};
    tow_slice transport, session, server;
    tow_slice base = path;
    if (!take_part(&base, &transport))
        return place;
    place.name = base;
    if (!take_part(&base, &session) || !take_part(&base, &server) || !is_part(session) || !is_part(server))
        return place;
    place.base = base;
    place.what = transport_of(transport);
    return place;
}

static bool ends_with_prefix(tow_slice *base) {
    const size_t length = sizeof(prefix) - 1;
    if (base->length < length || memcmp(base->data + base->length - length, prefix, length) != 0)
        return false;
    base->length -= length;
    return true;
}

/* PATH/sockjs, with a slash, /info or /websocket behind it. */
static tow_sockjs_place other_at(tow_slice path) {
    tow_sockjs_place place = {.base = path};
    tow_slice part;
    if (ends_with_prefix(&place.base)) {
        place.what = TOW_SOCKJS_GREETING;
        return place;
    }
    if (!take_part(&place.base, &part) || !ends_with_prefix(&place.base))
        return place;
    if (part.length == 0)
        place.what = TOW_SOCKJS_GREETING;
    else if (tow_slice_equals(part, "info"))
        place.what = TOW_SOCKJS_INFO;
    else if (tow_slice_equals(part, "websocket"))
        place.what = TOW_SOCKJS_RAW;
    return place;
}

tow_sockjs_place tow_sockjs_place_below(tow_slice path) {
    tow_sockjs_place place = session_at(path);
    if (place.what == TOW_SOCKJS_NOTHING || !ends_with_prefix(&place.base))
        place = other_at(path);
    place.base = or_root(place.base);
    return place;
}

/* Servers are numbers here. */
static bool has_number(tow_sockjs_place place) {
    const char *at = place.base.data + place.base.length + 1;
    size_t length = 0;
    while (at[length] >= '0' && at[length] <= '9')
        length++;
    return length > 0 && length <= 3 && at[length] == '/';
}

tow_sockjs_place tow_sockjs_place_direct(tow_slice path) {
    tow_sockjs_place place = session_at(path);
    if (place.what == TOW_SOCKJS_NOTHING || place.what == TOW_SOCKJS_WEBSOCKET || !has_number(place))
        return (tow_sockjs_place){0};
    place.base = or_root(place.base);
    return place;
}

tow_sockjs_place tow_sockjs_place_of(tow_slice path) {
    tow_sockjs_place place = tow_sockjs_place_below(path);
    return place.what != TOW_SOCKJS_NOTHING ? place : tow_sockjs_place_direct(path);
}
