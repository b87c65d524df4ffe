/* traffic: the bytes that a load sends and the bytes that must come back, made before the load begins.
 *
 * A few messages that differ from each other are sent in turn, so that a lost, doubled or swapped answer is
 * noticed. Their frames lie one behind the other, masked already, and so do the answers; both repeat without
 * end. Over raw TCP
 * (`framed` false) frames and answers are the bare payloads. */
#ifndef TOW_BENCH_TRAFFIC_H
#define TOW_BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tow_traffic_kind {
    TOW_TRAFFIC_BINARY,
    TOW_TRAFFIC_TEXT, /* ASCII */
    TOW_TRAFFIC_UTF8  /* text of characters of one to four bytes */
} tow_traffic_kind;

typedef struct tow_traffic_options {
    bool framed;
    tow_traffic_kind kind;
    size_t payload_length; /* 1 at least; more than 0 even over WebSocket */
    uint64_t seed;         /* of payloads and masking keys */
} tow_traffic_options;

typedef struct tow_traffic {
    uint8_t *frames;  /* all frames of one turn */
    uint8_t *answers; /* all answers of one turn */
    size_t messages;  /* in one turn */
    size_t frame_length;
    size_t answer_length;
    size_t answer_header_length;
    size_t payload_length;
    uint8_t opcode;
    bool framed;
} tow_traffic;

enum { TOW_TRAFFIC_PAYLOAD_MAX = 1 << 30 };

/* Errors: ARGUMENT (a length of 0 or above TOW_TRAFFIC_PAYLOAD_MAX), MEMORY. */
int tow_traffic_init(tow_traffic *traffic, const tow_traffic_options *options);
void tow_traffic_clear(tow_traffic *traffic);

/* The payload of the message with this number, counted from 0 without end. */
const uint8_t *tow_traffic_payload(const tow_traffic *traffic, uint64_t number);

#endif
