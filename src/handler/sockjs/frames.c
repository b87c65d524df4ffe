#include "frames.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <towline/error.h>

/* Characters that some clients, or what stands between, change: they go escaped (U+200C to 200F, 2028 to
 * 202F, 2060 to 206F, FFF0 to FFFF). In UTF-8 each has three bytes. */
static bool is_delicate(const uint8_t *at, size_t left) {
    if (left < 3)
        return false;
    unsigned character = (at[0] & 0xfU) << 12 | (at[1] & 0x3fU) << 6 | (at[2] & 0x3fU);
    if (at[0] != 0xe2 && at[0] != 0xef)
        return false;
    return (character >= 0x200c && character <= 0x200f) || (character >= 0x2028 && character <= 0x202f) ||
           (character >= 0x2060 && character <= 0x206f) || character >= 0xfff0;
}

/* A string of JSON, with those escaped too. */
static int append_delicate(tow_buffer *out, const uint8_t *text, size_t length) {
    size_t begin = 0;
    int error = 0;
    for (size_t i = 0; error == 0 && i < length; i++) {
        if (!is_delicate(text + i, length - i))
            continue;
        unsigned character = (text[i] & 0xfU) << 12 | (text[i + 1] & 0x3fU) << 6 | (text[i + 2] & 0x3fU);
        error = tow_buffer_append(out, text + begin, i - begin);
        if (error == 0)
            error = tow_buffer_append_format(out, "\\u%04x", character);
        begin = i + 3;
        i += 2;
    }
    return error != 0 ? error : tow_buffer_append(out, text + begin, length - begin);
}

static int append_text(tow_buffer *out, const tow_packet *packet) {
    tow_buffer string = {0};
    int error = tow_json_append_string(&string, (tow_slice){(const char *)packet->data, packet->length});
    if (error == 0)
        error = append_delicate(out, string.data, string.length);
    tow_buffer_clear(&string);
    return error;
}

static int take_close(tow_buffer *out, tow_packets *packets) {
    tow_packet close = tow_packets_first(packets);
    int error = tow_buffer_append(out, close.data, close.length);
    if (error == 0)
        tow_packets_take(packets);
    return error;
}

int tow_sockjs_append(tow_buffer *out, tow_packets *packets, size_t max, bool *is_close) {
    size_t before = out->length;
    *is_close = tow_packets_first(packets).type == TOW_SOCKJS_CLOSE;
    if (*is_close)
        return take_close(out, packets);
    int error = tow_buffer_append_text(out, "a");
    char open = '[';
    do {
        tow_packet packet = tow_packets_first(packets);
        if (packet.type == TOW_SOCKJS_CLOSE)
            break;
        error = error != 0 ? error : tow_buffer_append(out, &open, 1);
        if (error == 0)
            error = append_text(out, &packet);
        if (error == 0)
            tow_packets_take(packets);
        open = ',';
    } while (error == 0 && !tow_packets_are_empty(packets) && out->length - before < max);
    return error != 0 ? error : tow_buffer_append_text(out, "]");
}

int tow_sockjs_append_close(tow_buffer *out, unsigned code, const char *reason) {
    int error = tow_buffer_append_format(out, "c[%u,", code);
    if (error == 0)
        error = tow_json_append_string(out, tow_slice_from(reason));
    return error != 0 ? error : tow_buffer_append_text(out, "]");
}

static bool are_strings(tow_json_walk items) {
    tow_slice name, value;
    while (tow_json_next(&items, &name, &value)) {
        if (tow_json_type_of(value) != TOW_JSON_STRING)
            return false;
    }
    return true;
}

bool tow_sockjs_read(tow_slice text, bool alone, tow_json_walk *messages, tow_slice *single) {
    tow_slice value;
    *single = (tow_slice){0};
    *messages = (tow_json_walk){0};
    if (tow_json_read(text, &value) != 0)
        return false;
    tow_json_type type = tow_json_type_of(value);
    if (alone && type == TOW_JSON_STRING) {
        *single = value;
        return true;
    }
    if (type != TOW_JSON_ARRAY)
        return false;
    *messages = tow_json_items(value);
    return are_strings(*messages);
}
