#include "state.h"

#include "base/text.h"
#include "transport/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/log.h>

int64_t tow_program_in_seconds(const tow_program_connection *connection, int seconds) {
    return tow_loop_now(connection->loop) + seconds * TOW_SECOND;
}

/* The log. */

void tow_program_say(const tow_program_connection *connection, int level, const char *format, ...) {
    char text[200], line[TOW_PROGRAM_NAME_MAX + 210];
    const tow_handler_log *log = &connection->program->log;
    va_list arguments;
    if (log->write == NULL)
        return;
    va_start(arguments, format);
    tow_text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    tow_text_format(line, sizeof(line), "%s: %s", connection->name, text);
    log->write(log->user, level, line);
}

/* The end. */

void tow_program_release(tow_program *program) {
    if (atomic_fetch_sub(&program->holders, 1) > 1)
        return;
    free(program->arguments);
    free(program->file);
    free(program->path);
    tow_descriptors_release(program->descriptors);
    free(program);
}

void tow_program_free_if_over(tow_program_connection *connection) {
    if (connection->socket != NULL || connection->stream != NULL || tow_command_runs(&connection->command))
        return;
    tow_timer_cancel(connection->loop, &connection->turn);
    tow_timer_cancel(connection->loop, &connection->deadline);
    tow_buffer_clear(&connection->input);
    tow_buffer_clear(&connection->output);
    tow_descriptors_give(connection->program->descriptors, connection->descriptors);
    tow_program_release(connection->program);
    free(connection);
}

void tow_program_let_go(tow_program_connection *connection) {
    if (connection->stream == NULL || connection->closing)
        return;
    connection->closing = true;
    tow_timer_cancel(connection->loop, &connection->turn);
    tow_timer_cancel(connection->loop, &connection->deadline);
    tow_byte_stream_close(connection->stream);
}

void tow_program_close_client(tow_program_connection *connection, uint16_t code, const char *reason) {
    if (connection->socket != NULL)
        tow_websocket_close(connection->socket, code, reason);
}

void tow_program_fail(tow_program_connection *connection, int level, uint16_t code, const char *reason) {
    if (level != 0)
        tow_program_say(connection, level, "%s (the client gets %d)", reason, code);
    tow_program_close_client(connection, code, reason);
    tow_program_let_go(connection);
}

void tow_program_write_status(char out[TOW_PROGRAM_TEXT_MAX], int status) {
    if (status > 128)
        snprintf(out, TOW_PROGRAM_TEXT_MAX, "the program was ended by signal %d", status - 128);
    else
        snprintf(out, TOW_PROGRAM_TEXT_MAX, "the program ended with status %d", status);
}
