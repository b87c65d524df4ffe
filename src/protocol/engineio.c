#include "protocol/engineio.h"

#include "base/base64.h"

#include "protocol/mask.h"

#include <stdio.h>
#include <string.h>
#include <towline/error.h>

#define SEPARATOR '\x1e'

static int read_base64(tow_packet *packet, char type, tow_slice text, tow_buffer *room) {
    int error = tow_buffer_reserve(room, text.length / 4 * 3 + 3);
    if (error != 0)
        return error;
    if (!tow_base64_read(room->data, &room->length, text))
        return TOW_ERROR_ARGUMENT;
    *packet = (tow_packet){.type = type, .data = room->data, .length = room->length};
    return 0;
}

int tow_engineio_read(tow_packet *packet, const uint8_t *bytes, size_t length, tow_buffer *room) {
    room->length = 0;
    if (length == 0)
        return TOW_ERROR_ARGUMENT;
    tow_slice rest = {.data = (const char *)bytes + 1, .length = length - 1};
    switch (bytes[0]) {
    case TOW_ENGINEIO_BASE64:
        return read_base64(packet, TOW_PACKET_BINARY, rest, room);
    case TOW_ENGINEIO_TEXT_BASE64:
        return read_base64(packet, TOW_PACKET_TEXT, rest, room);
    case TOW_ENGINEIO_MESSAGE:
        *packet = (tow_packet){.type = TOW_PACKET_TEXT, .data = bytes + 1, .length = length - 1};
        return 0;
    case TOW_ENGINEIO_CLOSE:
    case TOW_ENGINEIO_PING:
    case TOW_ENGINEIO_PONG:
    case TOW_ENGINEIO_UPGRADE:
    case TOW_ENGINEIO_NOOP:
        *packet = (tow_packet){.type = (char)bytes[0], .data = bytes + 1, .length = length - 1};
        return 0;
    default:
        return TOW_ERROR_ARGUMENT;
    }
}

bool tow_engineio_next(tow_engineio_body *body, tow_slice *packet) {
    if (body->is_over)
        return false;
    const uint8_t *end = body->length > 0 ? memchr(body->bytes, SEPARATOR, body->length) : NULL;
    size_t size = end != NULL ? (size_t)(end - body->bytes) : body->length;
    size_t used = size + (end != NULL);
    *packet = (tow_slice){.data = (const char *)body->bytes, .length = size};
    body->is_over = end == NULL;
    body->bytes += used;
    body->length -= used;
    return true;
}

/* Type, then what it is made of. */
static int append_base64(tow_buffer *out, char type, const tow_packet *packet) {
    int error = tow_buffer_append(out, &type, 1);
    return error != 0 ? error : tow_base64_append(out, packet->data, packet->length);
}

static int append_text(tow_buffer *out, char type, const tow_packet *packet) {
    int error = tow_buffer_append(out, &type, 1);
    return error != 0 || packet->length == 0 ? error : tow_buffer_append(out, packet->data, packet->length);
}

int tow_engineio_append_alone(tow_buffer *out, const tow_packet *packet) {
    if (packet->type == TOW_PACKET_BINARY)
        return append_base64(out, TOW_ENGINEIO_BASE64, packet);
    char type = packet->type;
    if (type == TOW_PACKET_TEXT)
        type = TOW_ENGINEIO_MESSAGE;
    return append_text(out, type, packet);
}

int tow_engineio_append(tow_buffer *out, const tow_packet *packet, bool extended) {
    static const char separator = SEPARATOR;
    int error = out->length > 0 ? tow_buffer_append(out, &separator, 1) : 0;
    if (error != 0)
        return error;
    bool is_text = packet->type == TOW_PACKET_TEXT && packet->length > 0;
    if (is_text && memchr(packet->data, SEPARATOR, packet->length) != NULL)
        return append_base64(out, extended ? TOW_ENGINEIO_TEXT_BASE64 : TOW_ENGINEIO_BASE64, packet);
    return tow_engineio_append_alone(out, packet);
}

/* A Close. */

static bool read_code(tow_slice digits, uint16_t *code) {
    unsigned number = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        number = number * 10 + (unsigned)(digits.data[i] - '0');
    }
    *code = (uint16_t)number;
    return tow_close_code_is_legal(*code);
}

bool tow_engineio_read_close(tow_engineio_close *close, const tow_packet *packet, bool extended) {
    const char *text = (const char *)packet->data;
    *close = (tow_engineio_close){.code = TOW_CLOSE_NO_STATUS, .reason = {.data = "", .length = 0}};
    if (packet->length == 0 || !extended)
        return true;
    if (packet->length < 4 || packet->length > TOW_ENGINEIO_CLOSE_MAX ||
        !read_code((tow_slice){text, 4}, &close->code))
        return false;
    close->reason = (tow_slice){text + 4, packet->length - 4};
    return tow_utf8_valid((const uint8_t *)close->reason.data, close->reason.length);
}

void tow_engineio_write_close(char out[TOW_ENGINEIO_CLOSE_MAX + 1], uint16_t code, const char *reason) {
    out[0] = '\0';
    if (code != 0 && code != TOW_CLOSE_NO_STATUS)
        snprintf(out, TOW_ENGINEIO_CLOSE_MAX + 1, "%04u%s", code, reason != NULL ? reason : "");
}
