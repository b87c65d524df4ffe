#include "speech.h"

#include "base/text.h"
#include "program/output.h"
#include "transport/loop.h"
#include "websocket/websocket.h"

#include <stddef.h>
#include <towline/error.h>
#include <towline/log.h>

enum {
    OUTPUT_MAX = 1 << 20,
    MESSAGES_A_TURN = 1000 /* of one program's output, before others have their turn */
};

/* All of its output is sent. */
static void finish(tow_program_connection *connection) {
    char text[TOW_PROGRAM_TEXT_MAX];
    int status = tow_command_status(&connection->command);
    tow_program_write_status(text, status);
    tow_program_fail(connection, 0, status == 0 ? 1000 : 1011, status == 0 ? NULL : text);
}

static void send_close(tow_program_connection *connection, const tow_program_output *output) {
    char reason[TOW_PROGRAM_TEXT_MAX] = "";
    uint16_t code = output->length < 2 ? 1000 : (uint16_t)(output->data[0] * 256u + output->data[1]);
    if (output->length > 2)
        tow_text_format(
            reason, sizeof(reason), "%.*s", (int)(output->length - 2), (const char *)output->data + 2);
    if (tow_websocket_close(connection->socket, code, reason) != 0)
        tow_program_fail(connection, TOW_LOG_WARNING, 1011,
            "the program closed with a code or reason that may not be sent");
}

/* Sends one of its messages; false: no more follow. */
static bool send_message(tow_program_connection *connection, const tow_program_output *output) {
    if (output->type == TOW_PROGRAM_CLOSE) {
        send_close(connection, output);
        tow_program_let_go(connection);
        return false;
    }
    int64_t sent =
        tow_websocket_send(connection->socket, (tow_message_type)output->type, output->data, output->length);
    if (sent == TOW_ERROR_UTF8)
        tow_program_fail(connection, TOW_LOG_WARNING, 1007, "the program wrote text that is not UTF-8");
    else if (sent == TOW_ERROR_MEMORY)
        tow_program_fail(connection, TOW_LOG_ERROR, 1011, tow_strerror(TOW_ERROR_MEMORY));
    else if (sent < 0) /* closed: on_close follows */
        tow_program_let_go(connection);
    return sent >= 0;
}

static void refuse_output(tow_program_connection *connection, int error) {
    if (error == TOW_ERROR_MESSAGE_TOO_LARGE)
        tow_program_fail(
            connection, TOW_LOG_WARNING, 1009, "the program wrote a message longer than max-output");
    else
        tow_program_fail(connection, TOW_LOG_WARNING, 1011, "the program wrote what is no frame");
}

static size_t max_output(const tow_program *program) {
    return program->settings.max_output != 0 ? (size_t)program->settings.max_output : OUTPUT_MAX;
}

/* Sends what is whole of the bytes, as much as the client and a turn take, and returns how much that was. */
static size_t send_whole(
    tow_program_connection *connection, const uint8_t *bytes, size_t length, bool *more) {
    size_t done = 0;
    *more = false;
    for (int count = 0; connection->socket != NULL && !connection->closing; count++) {
        tow_program_output output;
        if (connection->socket->above_high || count == MESSAGES_A_TURN) {
            *more = true;
            break;
        }
        int64_t used = tow_program_output_next((tow_program_mode)connection->program->settings.mode,
            max_output(connection->program), bytes + done, length - done, &connection->seen, &output);
        if (used < 0)
            refuse_output(connection, (int)used);
        if (used <= 0 || !send_message(connection, &output))
            break;
        done += (size_t)used;
    }
    return done;
}

/* A line without its end is one at the end of all. */
static void send_rest(tow_program_connection *connection) {
    const tow_buffer *rest = &connection->output;
    const tow_program_output line = {.type = TOW_TEXT, .data = rest->data, .length = rest->length};
    if (rest->length > 0 && connection->program->settings.mode == TOW_PROGRAM_LINES)
        send_message(connection, &line);
    else if (rest->length > 0)
        tow_program_say(connection, TOW_LOG_WARNING, "half a frame of the program was dropped");
}

static void turn_comes(tow_timer *timer) {
    tow_program_look_at_output(
        (tow_program_connection *)(void *)((char *)timer - offsetof(tow_program_connection, turn)));
}

/* For its turn, or the client. */
static bool waits(const tow_program_connection *connection) {
    return tow_timer_is_set(&connection->turn) || connection->socket->above_high;
}

/* Goes on when the client has taken some, or in another turn; meanwhile the program is not read. */
static void wait_for_turn(tow_program_connection *connection) {
    tow_byte_stream_pause(connection->stream);
    if (!connection->socket->above_high)
        tow_timer_set(connection->loop, &connection->turn, tow_loop_now(connection->loop), turn_comes);
}

void tow_program_look_at_output(tow_program_connection *connection) {
    bool more;
    size_t done = send_whole(connection, connection->output.data, connection->output.length, &more);
    if (connection->closing || connection->stream == NULL)
        return;
    tow_buffer_consume(&connection->output, done);
    if (connection->output.length == 0)
        tow_buffer_clear(&connection->output);
    if (more) {
        wait_for_turn(connection);
        return;
    }
    tow_byte_stream_resume(connection->stream);
    if (!connection->ended)
        return;
    send_rest(connection);
    finish(connection);
}

/* What is there whole is sent from where it lies. */
void tow_program_output_came(tow_byte_stream *stream, void *bytes, size_t length) {
    tow_program_connection *connection = tow_byte_stream_user(stream);
    bool is_first = connection->output.length == 0;
    bool more = false;
    size_t done = 0;
    if (connection->socket == NULL || connection->closing)
        return; /* nobody hears it any more */
    if (is_first)
        done = send_whole(connection, bytes, length, &more);
    if (connection->closing)
        return;
    if (tow_buffer_append(&connection->output, (uint8_t *)bytes + done, length - done) != 0)
        tow_program_fail(connection, TOW_LOG_ERROR, 1011, tow_strerror(TOW_ERROR_MEMORY));
    else if (more)
        wait_for_turn(connection);
    else if (!is_first && !waits(connection))
        tow_program_look_at_output(connection);
}

void tow_program_output_ended(tow_byte_stream *stream) {
    tow_program_connection *connection = tow_byte_stream_user(stream);
    connection->ended = true;
    if (connection->socket == NULL)
        tow_program_let_go(connection);
    else if (!waits(connection))
        tow_program_look_at_output(connection);
}
