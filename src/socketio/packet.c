#include "packet.h"

#include "base/json.h"
#include "hub/view.h"
#include "placeholders.h"

#include <inttypes.h>
#include <stdio.h>
#include <towline/error.h>

static bool take_digit(tow_slice *rest, int *digit) {
    if (rest->length == 0 || rest->data[0] < '0' || rest->data[0] > '9')
        return false;
    *digit = rest->data[0] - '0';
    rest->data++;
    rest->length--;
    return true;
}

static int take_type(tow_socketio_packet *packet, tow_slice *rest) {
    int digit;
    if (!take_digit(rest, &digit) || digit > TOW_PACKET_BINARY_ACK)
        return TOW_ERROR_ARGUMENT;
    packet->type = (tow_socketio_packet_type)digit;
    return 0;
}

static int take_attachments(tow_socketio_packet *packet, tow_slice *rest) {
    int digit;
    packet->attachments = 0;
    if (packet->type != TOW_PACKET_BINARY_EVENT && packet->type != TOW_PACKET_BINARY_ACK)
        return 0;
    if (!take_digit(rest, &digit))
        return TOW_ERROR_ARGUMENT;
    do {
        packet->attachments = packet->attachments * 10 + (size_t)digit;
        if (packet->attachments > TOW_PACKET_ATTACHMENTS_MAX)
            return TOW_ERROR_LIMIT;
    } while (take_digit(rest, &digit));
    if (rest->length == 0 || rest->data[0] != '-')
        return TOW_ERROR_ARGUMENT;
    rest->data++;
    rest->length--;
    return 0;
}

/* Up to the first comma, or the end of the text. */
static void take_scope(tow_socketio_packet *packet, tow_slice *rest) {
    packet->scope = tow_slice_from("/");
    if (rest->length == 0 || rest->data[0] != '/')
        return;
    const char *comma = memchr(rest->data, ',', rest->length);
    size_t length = comma == NULL ? rest->length : (size_t)(comma - rest->data);
    packet->scope = (tow_slice){rest->data, length};
    size_t used = length + (comma != NULL);
    *rest = (tow_slice){rest->data + used, rest->length - used};
}

static int take_id(tow_socketio_packet *packet, tow_slice *rest) {
    int digit;
    packet->id = TOW_PACKET_NO_ID;
    while (take_digit(rest, &digit)) {
        packet->id = (packet->id == TOW_PACKET_NO_ID ? 0 : packet->id * 10) + digit;
        if (packet->id > TOW_PACKET_ID_MAX)
            return TOW_ERROR_ARGUMENT;
    }
    return 0;
}

/* What is between the brackets of an array. */
static tow_slice inside_of(tow_slice array) {
    tow_json_walk walk = tow_json_items(array);
    tow_slice name;
    tow_slice value;
    if (!tow_json_next(&walk, &name, &value))
        return (tow_slice){0};
    const char *end = walk.end;
    while (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r')
        end--;
    return (tow_slice){value.data, (size_t)(end - value.data)};
}

static bool is_reserved(tow_slice string) {
    const char *const *name = tow_client_table[TOW_CLIENT_SOCKETIO].reserved;
    while (*name != NULL && !tow_json_string_is(string, *name))
        name++;
    return *name != NULL;
}

static int take_event(tow_socketio_packet *packet) {
    tow_slice none;
    tow_slice second;
    tow_json_walk walk = tow_json_items(packet->payload);
    if (tow_json_type_of(packet->payload) != TOW_JSON_ARRAY || !tow_json_next(&walk, &none, &packet->name))
        return TOW_ERROR_ARGUMENT;
    tow_json_type type = tow_json_type_of(packet->name);
    if (type != TOW_JSON_NUMBER && (type != TOW_JSON_STRING || is_reserved(packet->name)))
        return TOW_ERROR_ARGUMENT;
    tow_slice all = inside_of(packet->payload);
    if (tow_json_next(&walk, &none, &second))
        packet->arguments = (tow_slice){second.data, (size_t)(all.data + all.length - second.data)};
    return 0;
}

static int take_ack(tow_socketio_packet *packet) {
    if (tow_json_type_of(packet->payload) != TOW_JSON_ARRAY)
        return TOW_ERROR_ARGUMENT;
    packet->arguments = inside_of(packet->payload);
    return packet->id == TOW_PACKET_NO_ID ? TOW_ERROR_ARGUMENT : 0;
}

/* What each type may have as its payload. */
static int take_payload(tow_socketio_packet *packet, tow_slice rest) {
    bool has_payload = rest.length > 0;
    int error = has_payload ? tow_json_read(rest, &packet->payload) : 0;
    if (error != 0)
        return error;
    switch (packet->type) {
    case TOW_PACKET_CONNECT:
        return !has_payload || tow_json_type_of(packet->payload) == TOW_JSON_OBJECT ? 0 : TOW_ERROR_ARGUMENT;
    case TOW_PACKET_DISCONNECT:
        return has_payload ? TOW_ERROR_ARGUMENT : 0;
    case TOW_PACKET_CONNECT_ERROR:
        return has_payload && (tow_json_type_of(packet->payload) == TOW_JSON_OBJECT ||
                                  tow_json_type_of(packet->payload) == TOW_JSON_STRING)
                   ? 0
                   : TOW_ERROR_ARGUMENT;
    case TOW_PACKET_EVENT:
    case TOW_PACKET_BINARY_EVENT:
        return has_payload ? take_event(packet) : TOW_ERROR_ARGUMENT;
    case TOW_PACKET_ACK:
    case TOW_PACKET_BINARY_ACK:
        return has_payload ? take_ack(packet) : TOW_ERROR_ARGUMENT;
    }
    return TOW_ERROR_ARGUMENT;
}

int tow_socketio_packet_read(tow_socketio_packet *packet, tow_slice text) {
    tow_socketio_packet read = {0};
    int error = take_type(&read, &text);
    if (error == 0)
        error = take_attachments(&read, &text);
    if (error == 0) {
        take_scope(&read, &text);
        error = take_id(&read, &text);
    }
    if (error == 0)
        error = take_payload(&read, text);
    if (error == 0 && read.attachments > 0 && !tow_placeholders_fit(read.payload, read.attachments))
        error = TOW_ERROR_ARGUMENT;
    if (error == 0)
        *packet = read;
    return error;
}

int tow_socketio_packet_append_head(
    tow_buffer *out, tow_socketio_packet_type type, size_t attachments, const char *scope, int64_t id) {
    char digits[24] = "";
    char count[24] = "";
    bool is_main = strcmp(scope, "/") == 0;
    if (id != TOW_PACKET_NO_ID)
        snprintf(digits, sizeof(digits), "%" PRId64, id);
    if (attachments > 0) {
        snprintf(count, sizeof(count), "%zu-", attachments);
        type = type == TOW_PACKET_EVENT ? TOW_PACKET_BINARY_EVENT : TOW_PACKET_BINARY_ACK;
    }
    return tow_buffer_append_format(
        out, "%u%s%s%s%s", (unsigned)type, count, is_main ? "" : scope, is_main ? "" : ",", digits);
}

bool tow_socketio_packet_name_is_free(tow_slice name) {
    return tow_client_event_is_free(TOW_CLIENT_SOCKETIO, name);
}
