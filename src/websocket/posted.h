/* posted: what is posted to a socket while another message is being sent in pieces waits for its end, in a
 * list that counts in max_queue. */
#ifndef TOW_WEBSOCKET_POSTED_H
#define TOW_WEBSOCKET_POSTED_H

#include "websocket/websocket.h"

#include <towline/shared.h>

typedef struct tow_posted_message tow_posted_message;

typedef struct tow_posted { /* zeroed: empty */
    tow_posted_message *first;
    tow_posted_message *last;
    size_t bytes;   /* of memory */
    size_t payload; /* application data among them */
} tow_posted;

/* Adds a message, of which this is a reference more. Errors: MEMORY. */
int tow_posted_add(tow_websocket *socket, tow_shared *message);

/* Takes the oldest message with its reference; NULL if there is none. */
tow_shared *tow_posted_take(tow_posted *posted);

/* Takes the oldest away unsent; false if there is none. */
bool tow_posted_drop(tow_posted *posted);

#endif
