/* engineio: packets of Engine.IO 4 as bytes: one a WebSocket message, or several in a body, with U+001E
 * between them. */
#ifndef TOW_PROTOCOL_ENGINEIO_H
#define TOW_PROTOCOL_ENGINEIO_H

#include "protocol/close.h"
#include "protocol/packets.h"
#include "base/slice.h"

enum {
    TOW_ENGINEIO_OPEN = '0',
    TOW_ENGINEIO_CLOSE = '1',
    TOW_ENGINEIO_PING = '2',
    TOW_ENGINEIO_PONG = '3',
    TOW_ENGINEIO_MESSAGE = '4',
    TOW_ENGINEIO_UPGRADE = '5',
    TOW_ENGINEIO_NOOP = '6',
    TOW_ENGINEIO_BASE64 = 'b',     /* a binary message */
    TOW_ENGINEIO_TEXT_BASE64 = 't' /* between our own ends: a text message with U+001E in it */
};

/* Reads one packet as text. A message in base64 is decoded to `room`, which is emptied before; else its data
 * lie in the bytes. Errors: ARGUMENT (it is none), MEMORY. */
int tow_engineio_read(tow_packet *packet, const uint8_t *bytes, size_t length, tow_buffer *room);

/* What is left of a body, which may be empty: it has one packet more than separators. */
typedef struct tow_engineio_body {
    const uint8_t *bytes;
    size_t length;
    bool is_over;
} tow_engineio_body;

/* The bytes of the next packet. False: there is none. */
bool tow_engineio_next(tow_engineio_body *body, tow_slice *packet);

/* Appends a packet as a body has it, behind a separator if it is not the first. A text that has a separator
 * in it goes in base64: as a text between our own ends (`extended`), else as a binary message. Errors:
 * MEMORY. */
int tow_engineio_append(tow_buffer *out, const tow_packet *packet, bool extended);

/* A Close. Between our own ends (`extended`) it has nothing, or four digits and a reason: false, if something
 * else, or a code that must not be sent. What others say in one is of no interest. Without a code it is
 * TOW_CLOSE_NO_STATUS. */
typedef struct tow_engineio_close {
    uint16_t code;
    tow_slice reason;
} tow_engineio_close;
bool tow_engineio_read_close(tow_engineio_close *close, const tow_packet *packet, bool extended);

/* What stands in such a packet: with code 0 or TOW_CLOSE_NO_STATUS nothing. `reason` may be NULL. */
enum { TOW_ENGINEIO_CLOSE_MAX = 4 + TOW_CLOSE_REASON_MAX };
void tow_engineio_write_close(char out[TOW_ENGINEIO_CLOSE_MAX + 1], uint16_t code, const char *reason);

/* Appends it as the text of a WebSocket message: nothing of it is a binary one then. The same. */
int tow_engineio_append_alone(tow_buffer *out, const tow_packet *packet);

#endif
