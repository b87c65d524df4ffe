/* protocol: the frames between the server and a program that serves many connections, as
 * docs/handler-protocol.md has them: 4 bytes of length (of what is behind the type), a byte of type, and what
 * the type has. Numbers begin with their most significant byte. Knows no process and no connection. */
#ifndef TOW_HANDLER_SERVICE_PROTOCOL_H
#define TOW_HANDLER_SERVICE_PROTOCOL_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOW_SERVICE_VERSION = 1, TOW_SERVICE_STATE_MAX = 2048, TOW_SERVICE_REASON_MAX = 123 };

typedef enum tow_service_frame_type {
    /* from the server */
    TOW_SERVICE_HELLO = 1,
    TOW_SERVICE_OPEN = 2,
    TOW_SERVICE_RESUME = 3,
    TOW_SERVICE_MESSAGE = 4,
    TOW_SERVICE_CLOSED = 5,
    TOW_SERVICE_DRAIN = 6,
    /* from the program */
    TOW_SERVICE_READY = 16,
    TOW_SERVICE_ACKNOWLEDGE = 17,
    TOW_SERVICE_SEND = 18,
    TOW_SERVICE_BROADCAST = 19,
    TOW_SERVICE_ATTACH = 20,
    TOW_SERVICE_CLOSE = 21
} tow_service_frame_type;

/* Bits of the byte of flags. */
enum { TOW_SERVICE_AGAIN = 1, TOW_SERVICE_BINARY = 2 };

/* A frame of the program, in the bytes that it was found in. */
typedef struct tow_service_frame {
    tow_service_frame_type type;
    uint64_t id; /* SEND, ATTACH, CLOSE */
    bool is_binary;
    uint16_t code;          /* CLOSE */
    const uint8_t *entries; /* ACKNOWLEDGE: ids and counts; BROADCAST: ids */
    size_t entry_count;     /* of BROADCAST 0: to all */
    const uint8_t *data;    /* SEND, BROADCAST: the message; ATTACH: the state; CLOSE: the reason */
    size_t length;
} tow_service_frame;

/* What comes first in `bytes`. Returns how many bytes it takes, 0 if it is not whole yet, or an error:
 * MESSAGE_TOO_LARGE (longer than `most` altogether), ARGUMENT (not a frame of a program). */
int64_t tow_service_frame_next(const uint8_t *bytes, size_t length, size_t most, tow_service_frame *frame);

/* Those of a frame's list, by number. */
typedef struct tow_service_acknowledgement {
    uint64_t id;
    uint32_t count;
} tow_service_acknowledgement;
tow_service_acknowledgement tow_service_frame_acknowledgement(const tow_service_frame *frame, size_t number);
uint64_t tow_service_frame_id(const tow_service_frame *frame, size_t number);

/* Append frames of the server. Errors: MEMORY; then nothing was appended. */
int tow_service_write_hello(tow_buffer *out, size_t number, size_t count);
int tow_service_write_drain(tow_buffer *out);
int tow_service_write_resume(tow_buffer *out, uint64_t id, const void *state, size_t length);
/* OPEN, MESSAGE and CLOSED, with what they have behind the flags. */
int tow_service_write_event(tow_buffer *out, tow_service_frame_type type, uint64_t id, unsigned flags,
    const void *data, size_t length);

#endif
