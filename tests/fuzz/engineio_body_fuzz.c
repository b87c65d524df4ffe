/* What a client of Engine.IO posts: each packet lies in the body or is decoded, and what is made of the
 * messages is read as the same messages again. */
#include "fuzz.h"

#include "protocol/engineio.h"

#include <stdint.h>
#include <string.h>

static void read_again(const tow_packet *packet, bool extended) {
    tow_buffer out = {0};
    tow_buffer room = {0};
    tow_packet again;
    CHECK(tow_engineio_append(&out, packet, extended) == 0);
    CHECK(memchr(out.data, '\x1e', out.length) == NULL);
    CHECK(tow_engineio_read(&again, out.data, out.length, &room) == 0);
    CHECK(again.length == packet->length && memcmp(again.data, packet->data, packet->length) == 0);
    CHECK(!extended || again.type == packet->type);
    tow_buffer_clear(&out);
    tow_buffer_clear(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_engineio_body body = {.bytes = data, .length = size};
    tow_buffer room = {0};
    tow_slice bytes;
    size_t packets = 0;
    size_t separators = 0;
    for (size_t i = 0; i < size; i++)
        separators += data[i] == 0x1e;
    while (tow_engineio_next(&body, &bytes)) {
        tow_packet packet;
        CHECK(bytes.length == 0 || ((const uint8_t *)bytes.data >= data &&
                                       (const uint8_t *)bytes.data + bytes.length <= data + size));
        packets++;
        if (tow_engineio_read(&packet, (const uint8_t *)bytes.data, bytes.length, &room) != 0)
            continue;
        CHECK(packet.length <= bytes.length);
        if (packet.length > 0 && (packet.type == TOW_PACKET_TEXT || packet.type == TOW_PACKET_BINARY)) {
            read_again(&packet, false);
            read_again(&packet, true);
        }
    }
    CHECK(packets == separators + 1);
    tow_buffer_clear(&room);
    return 0;
}
