#include "protocol/packets.h"

#include <assert.h>
#include <string.h>

/* In front of each: its length, its type. */
enum { HEAD = sizeof(size_t) + 1 };

static tow_packet packet_at(const tow_packets *packets, size_t at) {
    const uint8_t *bytes = packets->bytes.data + at;
    size_t length;
    memcpy(&length, bytes, sizeof(length));
    return (tow_packet){.type = (char)bytes[sizeof(length)], .data = bytes + HEAD, .length = length};
}

int tow_packets_put(tow_packets *packets, char type, const void *data, size_t length) {
    const tow_packet packet = {.type = type, .data = data, .length = length};
    uint8_t bytes[HEAD];
    memcpy(bytes, &length, sizeof(length));
    bytes[sizeof(length)] = (uint8_t)type;
    int error = tow_buffer_reserve(&packets->bytes, HEAD + length);
    if (error != 0)
        return error;
    (void)tow_buffer_append(&packets->bytes, bytes, HEAD);
    if (length > 0)
        (void)tow_buffer_append(&packets->bytes, data, length);
    packets->payload += tow_packet_is_message(&packet) ? length : 0;
    return 0;
}

tow_packet tow_packets_first(const tow_packets *packets) {
    assert(!tow_packets_are_empty(packets));
    return packet_at(packets, packets->begin);
}

void tow_packets_take(tow_packets *packets) {
    tow_packet first = tow_packets_first(packets);
    packets->payload -= tow_packet_is_message(&first) ? first.length : 0;
    packets->begin += HEAD + first.length;
    if (tow_packets_are_empty(packets)) {
        tow_packets_clear(packets);
    } else if (packets->begin > packets->bytes.length / 2) {
        tow_buffer_consume(&packets->bytes, packets->begin);
        packets->begin = 0;
    }
}

size_t tow_packets_drop(tow_packets *packets, uint64_t max) {
    size_t count = 0;
    size_t at = packets->begin;
    size_t kept = at;
    while (at < packets->bytes.length) {
        tow_packet packet = packet_at(packets, at);
        size_t size = HEAD + packet.length;
        if (tow_packet_is_message(&packet) && packets->payload > max) {
            packets->payload -= packet.length;
            count++;
        } else {
            memmove(packets->bytes.data + kept, packets->bytes.data + at, size);
            kept += size;
        }
        at += size;
    }
    packets->bytes.length = kept;
    return count;
}

void tow_packets_clear(tow_packets *packets) {
    tow_buffer_clear(&packets->bytes);
    *packets = (tow_packets){0};
}
