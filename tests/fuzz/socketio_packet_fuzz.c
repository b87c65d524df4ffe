/* Any text as a packet of Socket.IO: what is taken and written again is the same packet, and its parts are
 * where they say. */
#include "fuzz.h"

#include "base/json.h"
#include "packet.h"
#include "placeholders.h"

#include <stdint.h>
#include <string.h>
#include <towline/error.h>

static void check_inside(tow_slice part, const char *begin, const char *end) {
    CHECK(part.length == 0 || (part.data >= begin && part.data + part.length <= end));
}

static bool is_same(tow_slice one, tow_slice other) {
    return one.length == other.length && (one.length == 0 || memcmp(one.data, other.data, one.length) == 0);
}

/* Brackets, the name and the arguments give the payload back, but for space. */
static void check_parts(const tow_socketio_packet *packet) {
    tow_buffer array = {0};
    tow_slice value;
    CHECK(tow_buffer_append(&array, "[", 1) == 0);
    CHECK(tow_buffer_append(&array, packet->name.data, packet->name.length) == 0);
    if (packet->name.length > 0 && packet->arguments.length > 0)
        CHECK(tow_buffer_append(&array, ",", 1) == 0);
    CHECK(tow_buffer_append(&array, packet->arguments.data, packet->arguments.length) == 0);
    CHECK(tow_buffer_append(&array, "]", 1) == 0);
    CHECK(tow_json_read((tow_slice){(const char *)array.data, array.length}, &value) == 0);
    tow_json_walk one = tow_json_items(value);
    tow_json_walk other = tow_json_items(packet->payload);
    tow_slice name;
    tow_slice first;
    tow_slice second;
    while (tow_json_next(&one, &name, &first)) {
        CHECK(tow_json_next(&other, &name, &second));
        CHECK(is_same(first, second));
    }
    CHECK(!tow_json_next(&other, &name, &second));
    tow_buffer_clear(&array);
}

static void check_again(const tow_socketio_packet *packet) {
    char scope[256];
    tow_buffer text = {0};
    tow_socketio_packet again;
    if (packet->scope.length >= sizeof(scope) ||
        memchr(packet->scope.data, '\0', packet->scope.length) != NULL)
        return;
    memcpy(scope, packet->scope.data, packet->scope.length);
    scope[packet->scope.length] = '\0';
    tow_socketio_packet_type type = packet->type == TOW_PACKET_BINARY_EVENT ? TOW_PACKET_EVENT
                                    : packet->type == TOW_PACKET_BINARY_ACK ? TOW_PACKET_ACK
                                                                            : packet->type;
    CHECK(tow_socketio_packet_append_head(&text, type, packet->attachments, scope, packet->id) == 0);
    CHECK(tow_buffer_append(&text, packet->payload.data, packet->payload.length) == 0);
    CHECK(tow_socketio_packet_read(&again, (tow_slice){(const char *)text.data, text.length}) == 0);
    CHECK(again.attachments == packet->attachments && again.id == packet->id);
    CHECK(is_same(again.scope, packet->scope) && is_same(again.payload, packet->payload));
    CHECK(is_same(again.name, packet->name) && is_same(again.arguments, packet->arguments));
    tow_buffer_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    tow_socketio_packet packet;
    int error = tow_socketio_packet_read(&packet, (tow_slice){text, size});
    CHECK(error == 0 || error == TOW_ERROR_ARGUMENT || error == TOW_ERROR_LIMIT);
    if (error != 0)
        return 0;
    CHECK(packet.attachments <= TOW_PACKET_ATTACHMENTS_MAX && packet.id <= TOW_PACKET_ID_MAX);
    check_inside(packet.payload, text, text + size);
    check_inside(packet.name, text, text + size);
    check_inside(packet.arguments, text, text + size);
    if (tow_socketio_packet_is_event(&packet) || tow_socketio_packet_is_ack(&packet))
        check_parts(&packet);
    check_again(&packet);
    if (packet.payload.length > 0 && tow_placeholders_fit(packet.payload, packet.attachments))
        CHECK(tow_placeholders_fit(packet.payload, TOW_PACKET_ATTACHMENTS_MAX));
    return 0;
}
