#include "opened.h"

#include "base/json.h"
#include "http/percent.h"
#include "protocol/engineio.h"

#include <string.h>
#include <towline/error.h>

/* Of times in milliseconds: more is no better. */
enum { DAY_MILLISECONDS = 24 * 60 * 60 * 1000 };

/* A string with one to `max` bytes, or none where `may_lack`. */
static int read_text(tow_buffer *text, tow_slice object, const char *name, size_t max, bool may_lack) {
    tow_slice value;
    text->length = 0;
    if (!tow_json_member(object, name, &value))
        return may_lack ? 0 : TOW_ERROR_PACKET;
    if (tow_json_type_of(value) != TOW_JSON_STRING)
        return TOW_ERROR_PACKET;
    int error = tow_json_unescape(text, value);
    if (error == TOW_ERROR_MEMORY)
        return error;
    bool is_one = error == 0 && text->length <= max && (text->length > 0 || may_lack) &&
                  (text->length == 0 || memchr(text->data, '\0', text->length) == NULL);
    return is_one ? 0 : TOW_ERROR_PACKET;
}

static int read_number(tow_slice object, const char *name, int64_t least, int64_t most, int64_t *out) {
    tow_slice value;
    bool is_one = tow_json_member(object, name, &value) && tow_json_type_of(value) == TOW_JSON_NUMBER &&
                  tow_json_integer(value, out) == 0 && *out >= least && *out <= most;
    return is_one ? 0 : TOW_ERROR_PACKET;
}

static int write_sid(tow_opened *opened, const tow_buffer *sid) {
    tow_buffer encoded = {0};
    int error = tow_percent_append(&encoded, (tow_slice){(const char *)sid->data, sid->length}, "");
    if (error == 0)
        memcpy(opened->sid, encoded.data, encoded.length);
    tow_buffer_clear(&encoded);
    return error;
}

static bool has_upgrade(tow_slice object) {
    tow_slice list, name, value;
    if (!tow_json_member(object, "upgrades", &list) || tow_json_type_of(list) != TOW_JSON_ARRAY)
        return false;
    tow_json_walk items = tow_json_items(list);
    while (tow_json_next(&items, &name, &value))
        if (tow_json_type_of(value) == TOW_JSON_STRING && tow_json_string_is(value, "websocket"))
            return true;
    return false;
}

/* Older servers do not say it. */
static int read_max_payload(tow_opened *opened, tow_slice object) {
    tow_slice value;
    opened->max_payload = INT64_MAX;
    if (!tow_json_member(object, "maxPayload", &value))
        return 0;
    return read_number(object, "maxPayload", 1, INT64_MAX, &opened->max_payload);
}

static int read_extended(tow_opened *opened, tow_slice object, tow_buffer *room) {
    tow_slice value;
    opened->is_extended = tow_json_member(object, "towline", &value) && tow_slice_equals(value, "1");
    if (!opened->is_extended)
        return 0;
    int error = read_number(object, "linger", 1, DAY_MILLISECONDS, &opened->linger_milliseconds);
    if (error == 0)
        error = read_text(room, object, "protocol", TOW_OPENED_PROTOCOL_MAX, true);
    if (error == 0 && room->length > 0)
        memcpy(opened->protocol, room->data, room->length);
    return error;
}

static int read_object(tow_opened *opened, tow_slice object, tow_buffer *room) {
    int error = read_text(room, object, "sid", TOW_OPENED_SID_MAX, false);
    if (error == 0)
        error = write_sid(opened, room);
    if (error != 0)
        return error;
    opened->may_upgrade = has_upgrade(object);
    error = read_number(object, "pingInterval", 1, DAY_MILLISECONDS, &opened->ping_milliseconds);
    if (error == 0)
        error = read_number(object, "pingTimeout", 1, DAY_MILLISECONDS, &opened->pong_milliseconds);
    if (error == 0)
        error = read_max_payload(opened, object);
    return error != 0 ? error : read_extended(opened, object, room);
}

int tow_opened_read(tow_opened *opened, tow_slice body) {
    tow_slice object;
    tow_buffer room = {0};
    tow_opened read = {0};
    if (body.length == 0 || body.data[0] != TOW_ENGINEIO_OPEN ||
        tow_json_read((tow_slice){body.data + 1, body.length - 1}, &object) != 0 ||
        tow_json_type_of(object) != TOW_JSON_OBJECT)
        return TOW_ERROR_PACKET;
    int error = read_object(&read, object, &room);
    tow_buffer_clear(&room);
    if (error == 0)
        *opened = read;
    return error;
}
