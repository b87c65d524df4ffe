/* gathering: a packet whose attachments have not all come. What it holds is bounded for the packet, and
 * counts among the messages of the server that have not ended. */
#ifndef TOW_SOCKETIO_GATHERING_H
#define TOW_SOCKETIO_GATHERING_H

#include "state.h"

static inline bool tow_socketio_is_gathering(const tow_socketio_connection *connection) {
    return connection->gathering != NULL;
}

/* A packet with attachments has come: its text is copied. Errors: MEMORY, LIMIT (max_message). A cause is
 * told where one of the server's limits is passed; else it is TOW_CAUSE_COUNT. */
int tow_socketio_gathering_begin(tow_socketio_connection *connection, tow_slice text, tow_cause *cause);

/* An attachment has come: 1 if it was the last. Errors: as above. */
int tow_socketio_gathering_add(
    tow_socketio_connection *connection, const void *data, size_t length, tow_cause *cause);

/* Takes what is whole, for tow_socketio_gathering_free. */
tow_socketio_gathering *tow_socketio_gathering_take(tow_socketio_connection *connection);

/* Where its attachments lie. */
void tow_socketio_gathering_list(
    const tow_socketio_gathering *gathering, tow_socketio_attachment out[TOW_SOCKETIO_ATTACHMENTS_MAX]);

/* NULL is allowed. */
void tow_socketio_gathering_free(tow_socketio_connection *connection, tow_socketio_gathering *gathering);

#endif
