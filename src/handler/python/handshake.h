/* handshake: what the host asks of a handshake that is under way, and what it is told of it at first. */
#ifndef TOW_HANDLER_PYTHON_HANDSHAKE_H
#define TOW_HANDLER_PYTHON_HANDSHAKE_H

#include "state.h"

/* What is said first. Errors: MEMORY. */
int tow_python_write_opening(
    tow_buffer *out, const tow_python_connection *connection, const tow_request *request);

/* READ, ACCEPT and REFUSE. */
void tow_python_hear_read(tow_python_connection *connection, const tow_python_said *said);
void tow_python_hear_accept(tow_python_connection *connection, const tow_python_said *said);
void tow_python_hear_refuse(tow_python_connection *connection, const tow_python_said *said);

#endif
