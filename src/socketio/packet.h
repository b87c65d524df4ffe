/* packet: a packet of Socket.IO (protocol 5) as the text of a message, and its beginning for one that is to
 * be sent. Nothing is copied: parts are slices of the text. What a packet may say at which point, is the
 * connection's affair.
 *
 *     <type>[<attachments>-][<namespace>,][<acknowledgement id>][JSON] */
#ifndef TOW_SOCKETIO_PACKET_H
#define TOW_SOCKETIO_PACKET_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum tow_socketio_packet_type {
    TOW_PACKET_CONNECT,
    TOW_PACKET_DISCONNECT,
    TOW_PACKET_EVENT,
    TOW_PACKET_ACK,
    TOW_PACKET_CONNECT_ERROR,
    TOW_PACKET_BINARY_EVENT,
    TOW_PACKET_BINARY_ACK
} tow_socketio_packet_type;

enum { TOW_PACKET_ATTACHMENTS_MAX = 10, TOW_PACKET_NO_ID = -1 };

/* Ids are numbers of JavaScript: whole up to here. */
#define TOW_PACKET_ID_MAX (((int64_t)1 << 53) - 1)

typedef struct tow_socketio_packet {
    tow_socketio_packet_type type;
    size_t attachments;  /* binary messages that follow and are part of it */
    tow_slice scope;     /* the namespace: "/" where none is named */
    int64_t id;          /* TOW_PACKET_NO_ID: none */
    tow_slice payload;   /* a value of JSON; length 0: none */
    tow_slice name;      /* of an event: a string or number of JSON */
    tow_slice arguments; /* of an event, those behind its name; of an acknowledgement all: as they stand
                            between the brackets of the array, without space around; length 0: none */
} tow_socketio_packet;

/* Reads a whole text. Errors: ARGUMENT (no packet), LIMIT (too many attachments, JSON that is too deep). */
int tow_socketio_packet_read(tow_socketio_packet *packet, tow_slice text);

static inline bool tow_socketio_packet_is_event(const tow_socketio_packet *packet) {
    return packet->type == TOW_PACKET_EVENT || packet->type == TOW_PACKET_BINARY_EVENT;
}

static inline bool tow_socketio_packet_is_ack(const tow_socketio_packet *packet) {
    return packet->type == TOW_PACKET_ACK || packet->type == TOW_PACKET_BINARY_ACK;
}

/* Appends all that stands before the JSON. `type` is EVENT or ACK also of one with attachments. Errors:
 * MEMORY; the buffer is as before. */
int tow_socketio_packet_append_head(
    tow_buffer *out, tow_socketio_packet_type type, size_t attachments, const char *scope, int64_t id);

/* Whether an event may have this name, which is UTF-8: those that Socket.IO has for itself are taken. */
bool tow_socketio_packet_name_is_free(tow_slice name);

#endif
