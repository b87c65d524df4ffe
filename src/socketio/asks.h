/* asks: acknowledgements that a socket's client is waited for. */
#ifndef TOW_SOCKETIO_ASKS_H
#define TOW_SOCKETIO_ASKS_H

#include "state.h"

/* Waits for the next one, whose id is `socket->next_ask`. Errors: LIMIT, ARGUMENT (the time), MEMORY. */
int tow_socketio_ask_begin(tow_socketio_socket *socket, const tow_socketio_wait *wait);

/* The last one that was begun is not waited for. */
void tow_socketio_ask_undo(tow_socketio_socket *socket);

/* An acknowledgement has come; one that nobody waits for is nothing. */
void tow_socketio_ask_answer(tow_socketio_socket *socket, int64_t id, const tow_socketio_arguments *answer);

/* Nobody answers any more. */
void tow_socketio_asks_end(tow_socketio_socket *socket);

#endif
