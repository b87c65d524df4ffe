/* shared: a message with its frames as a server sends them (towline/shared.h): the plain one from the
 * beginning, and one compressed without context takeover for each window, made by the first connection that
 * needs it.
 *
 * Loops on several threads share it without a lock: what is there is never changed, and of two who compress
 * at the same time one throws its frame away. */
#ifndef TOW_WEBSOCKET_SHARED_H
#define TOW_WEBSOCKET_SHARED_H

#include "websocket/websocket.h"

#include <towline/shared.h>

/* A whole frame of a server; lives as long as the shared message. */
typedef struct tow_shared_frame {
    const uint8_t *bytes;
    size_t length;
    size_t payload_length;
} tow_shared_frame;

tow_shared_frame tow_shared_plain(const tow_shared *shared);

/* The frame for a server's connection that compresses without takeover: compressed, or the plain one where
 * that gains nothing or finds no memory (counted). */
tow_shared_frame tow_shared_compressed(tow_shared *shared, tow_websocket *socket);

/* How many messages it is: what several were joined to (tow_shared_join) is as these, one behind the other.
 * Their plain frames stand in one piece; for all else each is asked by itself. */
size_t tow_shared_count(const tow_shared *shared);
tow_shared *tow_shared_part(const tow_shared *shared, size_t index);

/* What kind of message, of one. */
tow_message_type tow_shared_type(const tow_shared *shared);

#endif
