/* output: what a program writes, cut into messages: one for each line, or frames with a length and a type.
 *
 * A frame is 4 bytes of length (of its payload, the first byte the most significant), a byte of type, and the
 * payload. Knows no program and no connection. */
#ifndef TOW_HANDLER_PROGRAM_OUTPUT_H
#define TOW_HANDLER_PROGRAM_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

typedef enum tow_program_mode { TOW_PROGRAM_LINES, TOW_PROGRAM_FRAMES } tow_program_mode;

/* Types of frames; those of messages are tow_message_type. */
enum { TOW_PROGRAM_CLOSE = 8, TOW_PROGRAM_HEADER = 5 };

/* What was found, in the bytes that it was found in. */
typedef struct tow_program_output {
    uint8_t type; /* of lines TOW_TEXT */
    const uint8_t *data;
    size_t length;
} tow_program_output;

/* What comes first in `bytes`. Returns how many bytes it takes, 0 if it is not whole yet, or an error:
 * MESSAGE_TOO_LARGE (longer than `most`), ARGUMENT (a frame of no known type). *seen, 0 at first and after
 * each that is found, spares looking again at what was looked at. */
int64_t tow_program_output_next(tow_program_mode mode, size_t most, const uint8_t *bytes, size_t length,
    size_t *seen, tow_program_output *out);

/* Writes the header of a frame. */
void tow_program_header_write(uint8_t out[TOW_PROGRAM_HEADER], uint8_t type, size_t length);

#endif
