/* opened: what a server of Engine.IO says of a session that begins, read and bounded. */
#ifndef TOW_CLIENT_FALLBACK_OPENED_H
#define TOW_CLIENT_FALLBACK_OPENED_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { TOW_OPENED_SID_MAX = 128, TOW_OPENED_PROTOCOL_MAX = 256 };

typedef struct tow_opened {
    char sid[3 * TOW_OPENED_SID_MAX + 1]; /* as a query has it */
    int64_t ping_milliseconds;            /* from one of its Pings to the next */
    int64_t pong_milliseconds;            /* and what it waits for an answer */
    int64_t max_payload;                  /* bytes of a body that it takes; INT64_MAX: it does not say */
    bool may_upgrade;
    /* Between our own ends. */
    bool is_extended;
    int64_t linger_milliseconds; /* that it keeps a session to which nobody comes */
    char protocol[TOW_OPENED_PROTOCOL_MAX + 1];
} tow_opened;

/* Reads the packet, which is the whole body of the first answer. Errors: PACKET (it is none, or says what can
 * not be), MEMORY. */
int tow_opened_read(tow_opened *opened, tow_slice body);

#endif
