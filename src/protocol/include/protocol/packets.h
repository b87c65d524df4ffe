/* packets: what waits in a session for its peer to take: messages, and packets of the session's own protocol,
 * in order, in one piece of memory. */
#ifndef TOW_PROTOCOL_PACKETS_H
#define TOW_PROTOCOL_PACKETS_H

#include "base/buffer.h"

#include <stdbool.h>

/* Messages; any other type is the protocol's own. */
enum { TOW_PACKET_TEXT = 't', TOW_PACKET_BINARY = 'b' };

typedef struct tow_packet {
    char type;
    const uint8_t *data; /* lent until the list is changed */
    size_t length;
} tow_packet;

static inline bool tow_packet_is_message(const tow_packet *packet) {
    return packet->type == TOW_PACKET_TEXT || packet->type == TOW_PACKET_BINARY;
}

typedef struct tow_packets { /* zeroed: empty */
    tow_buffer bytes;
    size_t begin;     /* of the first in `bytes` */
    uint64_t payload; /* bytes of the messages */
} tow_packets;

/* Errors: MEMORY. */
int tow_packets_put(tow_packets *packets, char type, const void *data, size_t length);

static inline bool tow_packets_are_empty(const tow_packets *packets) {
    return packets->begin == packets->bytes.length;
}

/* The first. There must be one. */
tow_packet tow_packets_first(const tow_packets *packets);
void tow_packets_take(tow_packets *packets);

/* Gives up messages, oldest first, until no more than `max` bytes of them wait. Returns how many. */
size_t tow_packets_drop(tow_packets *packets, uint64_t max);

void tow_packets_clear(tow_packets *packets);

#endif
