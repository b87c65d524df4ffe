/* speech: what a program writes becomes messages, as fast as its client takes them. */
#ifndef TOW_HANDLER_PROGRAM_SPEECH_H
#define TOW_HANDLER_PROGRAM_SPEECH_H

#include "program/state.h"

/* Sends what is there, and goes on reading: its turn has come, or the client has taken some. */
void tow_program_look_at_output(tow_program_connection *connection);

/* Of the program's stream. */
void tow_program_output_came(tow_byte_stream *stream, void *bytes, size_t length);
void tow_program_output_ended(tow_byte_stream *stream);

#endif
