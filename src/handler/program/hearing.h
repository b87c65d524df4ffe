/* hearing: what a client says becomes input of its program; what that does not take waits, and the client
 * with it. */
#ifndef TOW_HANDLER_PROGRAM_HEARING_H
#define TOW_HANDLER_PROGRAM_HEARING_H

#include "program/state.h"

/* Writes a message of the client, as the program's mode has it. */
void tow_program_write_message(tow_program_connection *connection, const tow_message *message);

/* Writes a frame. */
void tow_program_write_frame(
    tow_program_connection *connection, uint8_t type, const void *data, size_t length);

/* Of the program's stream. */
void tow_program_input_writable(tow_byte_stream *stream);

#endif
