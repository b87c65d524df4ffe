#include "hearing.h"

#include "program/output.h"

#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

static void input_failed(tow_program_connection *connection, int64_t error) {
    tow_program_fail(connection, TOW_LOG_ERROR, 1011, tow_strerror((int)error));
}

static void wait_with_rest(
    tow_program_connection *connection, const tow_bytes *pieces, size_t count, size_t taken) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        size_t skipped = taken < pieces[i].length ? taken : pieces[i].length;
        taken -= skipped;
        error = tow_buffer_append(
            &connection->input, (const uint8_t *)pieces[i].data + skipped, pieces[i].length - skipped);
    }
    if (error != 0)
        input_failed(connection, error);
    else if (connection->socket != NULL)
        tow_websocket_pause(connection->socket);
}

static void write_input(tow_program_connection *connection, const tow_bytes *pieces, size_t count) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].length;
    int64_t taken =
        connection->input.length > 0 ? 0 : tow_byte_stream_write(connection->stream, pieces, count);
    if (taken < 0)
        input_failed(connection, taken);
    else if ((size_t)taken < length)
        wait_with_rest(connection, pieces, count, (size_t)taken);
}

void tow_program_write_frame(
    tow_program_connection *connection, uint8_t type, const void *data, size_t length) {
    uint8_t header[TOW_PROGRAM_HEADER];
    tow_program_header_write(header, type, length);
    write_input(connection, (const tow_bytes[]){{header, sizeof(header)}, {data, length}}, 2);
}

static void write_line(tow_program_connection *connection, const tow_message *message) {
    if (message->type != TOW_TEXT)
        tow_program_fail(connection, TOW_LOG_INFO, 1003, "only text messages are taken here");
    else if (memchr(message->data, '\n', message->length) != NULL ||
             memchr(message->data, '\r', message->length) != NULL)
        tow_program_fail(
            connection, TOW_LOG_INFO, 1003, "a message here is one line: it can't have line ends");
    else
        write_input(connection, (const tow_bytes[]){{message->data, message->length}, {"\n", 1}}, 2);
}

void tow_program_write_message(tow_program_connection *connection, const tow_message *message) {
    if (connection->program->settings.mode == TOW_PROGRAM_LINES)
        write_line(connection, message);
    else
        tow_program_write_frame(connection, (uint8_t)message->type, message->data, message->length);
}

void tow_program_input_writable(tow_byte_stream *stream) {
    tow_program_connection *connection = tow_byte_stream_user(stream);
    if (connection->closing || connection->input.length == 0)
        return;
    const tow_bytes rest = {connection->input.data, connection->input.length};
    int64_t taken = tow_byte_stream_write(stream, &rest, 1);
    if (taken < 0) {
        input_failed(connection, taken);
        return;
    }
    tow_buffer_consume(&connection->input, (size_t)taken);
    if (connection->input.length > 0)
        return;
    tow_buffer_clear(&connection->input);
    if (connection->socket != NULL)
        tow_websocket_resume(connection->socket);
    else
        tow_program_let_go(connection);
}
