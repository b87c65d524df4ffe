#include "output.h"

#include <stdbool.h>
#include <string.h>
#include <towline/error.h>
#include <towline/message.h>

/* Without its line end. */
static int64_t next_line(
    size_t most, const uint8_t *bytes, size_t length, size_t *seen, tow_program_output *out) {
    const uint8_t *feed = *seen < length ? memchr(bytes + *seen, '\n', length - *seen) : NULL;
    size_t line = feed != NULL ? (size_t)(feed - bytes) : length;
    *seen = feed != NULL ? 0 : length;
    size_t whole = line > 0 && bytes[line - 1] == '\r' ? line - 1 : line;
    if (whole > most)
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    if (feed == NULL)
        return 0;
    *out = (tow_program_output){.type = TOW_TEXT, .data = bytes, .length = whole};
    return (int64_t)line + 1;
}

static bool is_known(uint8_t type) {
    return type == TOW_TEXT || type == TOW_BINARY || type == TOW_PROGRAM_CLOSE;
}

static int64_t next_frame(size_t most, const uint8_t *bytes, size_t length, tow_program_output *out) {
    if (length < TOW_PROGRAM_HEADER)
        return 0;
    size_t payload =
        (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | (size_t)bytes[3];
    if (!is_known(bytes[4]))
        return TOW_ERROR_ARGUMENT;
    if (payload > most)
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    if (length - TOW_PROGRAM_HEADER < payload)
        return 0;
    *out = (tow_program_output){.type = bytes[4], .data = bytes + TOW_PROGRAM_HEADER, .length = payload};
    return (int64_t)payload + TOW_PROGRAM_HEADER;
}

int64_t tow_program_output_next(tow_program_mode mode, size_t most, const uint8_t *bytes, size_t length,
    size_t *seen, tow_program_output *out) {
    return mode == TOW_PROGRAM_LINES ? next_line(most, bytes, length, seen, out)
                                     : next_frame(most, bytes, length, out);
}

void tow_program_header_write(uint8_t out[TOW_PROGRAM_HEADER], uint8_t type, size_t length) {
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(length >> (24 - 8 * i));
    out[4] = type;
}
