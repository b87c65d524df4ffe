/* echo: checks that what comes back is what was sent, byte for byte.
 *
 * The usual answer (one unfragmented frame with the shortest header) is compared with the prepared bytes,
 * many messages in one comparison. Anything else is read frame by frame: fragments and control frames are
 * legal, other bytes are a fault. */
#ifndef TOW_BENCH_ECHO_H
#define TOW_BENCH_ECHO_H

#include "bench/traffic.h"
#include "protocol/frame.h"

typedef enum tow_echo_fault {
    TOW_ECHO_RIGHT,
    TOW_ECHO_PAYLOAD, /* a byte of a payload differs, or a message is too short or too long */
    TOW_ECHO_FRAME,   /* not a frame that a server may send here */
    TOW_ECHO_UNASKED, /* an answer to nothing */
    TOW_ECHO_CLOSE    /* the server sent a Close; not a fault of bytes, but the end of the load */
} tow_echo_fault;

typedef struct tow_echo {   /* zeroed: nothing was answered yet */
    uint64_t completed;     /* messages answered in full */
    size_t payload_checked; /* of the message under way */
    size_t offset;          /* of the usual answer to it: in step with the server while `apart` is false */
    uint64_t remaining;     /* apart: of the frame under way */
    tow_echo_fault fault;
    uint16_t close_code; /* with TOW_ECHO_CLOSE; 1005 if there was none */
    bool apart;          /* the message under way does not come in the usual form */
    bool in_message;     /* apart: its first fragment has come */
    bool in_frame;       /* apart: a header has been read, its payload not */
    bool final;
    uint8_t opcode;
    uint8_t header_length; /* apart: bytes of a header that is not complete */
    uint8_t header[TOW_FRAME_HEADER_MAX];
    uint8_t control_length;
    uint8_t control[TOW_CONTROL_PAYLOAD_MAX];
    uint8_t ping_length;
    uint8_t ping[TOW_CONTROL_PAYLOAD_MAX]; /* the latest Ping's payload */
    bool pinged;                           /* a Ping came: the caller answers and clears this */
} tow_echo;

/* Takes what was received. `sent` is how many messages were sent so far: an answer beyond them is a fault.
 * Returns false on a fault, which stays. */
bool tow_echo_take(
    tow_echo *echo, const tow_traffic *traffic, uint64_t sent, const uint8_t *bytes, size_t length);

/* What a fault means, a static string. */
const char *tow_echo_fault_text(tow_echo_fault fault);

#endif
