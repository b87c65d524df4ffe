#include "connection.h"

#include "base/buffer.h"
#include "base/text.h"
#include "environment.h"
#include "error_lines.h"
#include "program/output.h"
#include "transport/address.h"
#include "transport/loop.h"
#include "websocket/websocket.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

enum {
    OUTPUT_MAX = 1 << 20,
    END_SECONDS = 2,
    MESSAGES_A_TURN = 1000, /* of one program's output, before others have their turn */
    NAME_MAX_LENGTH = 160,
    TEXT_MAX = 124 /* of a reason, with its zero */
};

typedef struct tow_program_connection {
    tow_program *program;
    tow_websocket *socket;   /* NULL: it has closed */
    tow_byte_stream *stream; /* the program's; NULL: gone */
    tow_loop *loop;
    tow_command command;
    tow_error_lines errors;
    tow_timer turn;     /* until more of its output is looked at */
    tow_timer deadline; /* until it has run for too long, or has had its time to end */
    tow_buffer input;   /* that it has not taken */
    tow_buffer output;  /* that was not sent */
    size_t seen;        /* of that */
    bool ended;         /* it has exited, and its output is all here */
    bool closing;       /* its stream */
    char name[NAME_MAX_LENGTH];
} tow_program_connection;

static int64_t in_seconds(const tow_program_connection *connection, int seconds) {
    return tow_loop_now(connection->loop) + seconds * TOW_SECOND;
}

/* The log. */

__attribute__((format(printf, 3, 4))) static void say(
    const tow_program_connection *connection, int level, const char *format, ...) {
    char text[200], line[NAME_MAX_LENGTH + 210];
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
    free(program);
}

static void free_if_over(tow_program_connection *connection) {
    if (connection->socket != NULL || connection->stream != NULL || tow_command_runs(&connection->command))
        return;
    tow_timer_cancel(connection->loop, &connection->turn);
    tow_timer_cancel(connection->loop, &connection->deadline);
    tow_buffer_clear(&connection->input);
    tow_buffer_clear(&connection->output);
    tow_program_release(connection->program);
    free(connection);
}

/* The program has what it gets, and has to end. */
static void let_go(tow_program_connection *connection) {
    if (connection->stream == NULL || connection->closing)
        return;
    connection->closing = true;
    tow_timer_cancel(connection->loop, &connection->turn);
    tow_timer_cancel(connection->loop, &connection->deadline);
    tow_byte_stream_close(connection->stream);
}

static void close_client(tow_program_connection *connection, uint16_t code, const char *reason) {
    if (connection->socket != NULL)
        tow_websocket_close(connection->socket, code, reason);
}

/* Ends both: the reason is for the client and, with a level, for the log. */
static void fail(tow_program_connection *connection, int level, uint16_t code, const char *reason) {
    if (level != 0)
        say(connection, level, "%s (the client gets %d)", reason, code);
    close_client(connection, code, reason);
    let_go(connection);
}

static void write_status(char out[TEXT_MAX], int status) {
    if (status > 128)
        snprintf(out, TEXT_MAX, "the program was ended by signal %d", status - 128);
    else
        snprintf(out, TEXT_MAX, "the program ended with status %d", status);
}

static void exited(tow_command *command) {
    tow_program_connection *connection =
        (tow_program_connection *)(void *)((char *)command - offsetof(tow_program_connection, command));
    char text[TEXT_MAX];
    int status = tow_command_status(command);
    bool by_us = connection->closing &&
                 (status == 128 + SIGTERM || status == 128 + SIGKILL || status == 128 + SIGPIPE);
    atomic_fetch_sub(&connection->program->running, 1);
    tow_error_lines_end(&connection->errors, command);
    write_status(text, status);
    if (status == 0 || by_us)
        say(connection, TOW_LOG_DEBUG, "%s", text);
    else
        say(connection, TOW_LOG_WARNING, "%s", text);
    if (connection->socket == NULL)
        let_go(connection);
    free_if_over(connection);
}

/* All of its output is sent. */
static void finish(tow_program_connection *connection) {
    char text[TEXT_MAX];
    int status = tow_command_status(&connection->command);
    write_status(text, status);
    fail(connection, 0, status == 0 ? 1000 : 1011, status == 0 ? NULL : text);
}

/* Output. */

static void send_close(tow_program_connection *connection, const tow_program_output *output) {
    char reason[TEXT_MAX] = "";
    uint16_t code = output->length < 2 ? 1000 : (uint16_t)(output->data[0] * 256u + output->data[1]);
    if (output->length > 2)
        tow_text_format(
            reason, sizeof(reason), "%.*s", (int)(output->length - 2), (const char *)output->data + 2);
    if (tow_websocket_close(connection->socket, code, reason) != 0)
        fail(connection, TOW_LOG_WARNING, 1011,
            "the program closed with a code or reason that may not be sent");
}

/* Sends one of its messages; false: no more follow. */
static bool send_message(tow_program_connection *connection, const tow_program_output *output) {
    if (output->type == TOW_PROGRAM_CLOSE) {
        send_close(connection, output);
        let_go(connection);
        return false;
    }
    int64_t sent =
        tow_websocket_send(connection->socket, (tow_message_type)output->type, output->data, output->length);
    if (sent == TOW_ERROR_UTF8)
        fail(connection, TOW_LOG_WARNING, 1007, "the program wrote text that is not UTF-8");
    else if (sent == TOW_ERROR_MEMORY)
        fail(connection, TOW_LOG_ERROR, 1011, tow_strerror(TOW_ERROR_MEMORY));
    else if (sent < 0) /* closed: on_close follows */
        let_go(connection);
    return sent >= 0;
}

static void refuse_output(tow_program_connection *connection, int error) {
    if (error == TOW_ERROR_MESSAGE_TOO_LARGE)
        fail(connection, TOW_LOG_WARNING, 1009, "the program wrote a message longer than max-output");
    else
        fail(connection, TOW_LOG_WARNING, 1011, "the program wrote what is no frame");
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
        say(connection, TOW_LOG_WARNING, "half a frame of the program was dropped");
}

static void look_at_output(tow_program_connection *connection);

static void turn_comes(tow_timer *timer) {
    look_at_output(
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

static void look_at_output(tow_program_connection *connection) {
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
static void output_came(tow_byte_stream *stream, void *bytes, size_t length) {
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
        fail(connection, TOW_LOG_ERROR, 1011, tow_strerror(TOW_ERROR_MEMORY));
    else if (more)
        wait_for_turn(connection);
    else if (!is_first && !waits(connection))
        look_at_output(connection);
}

static void output_ended(tow_byte_stream *stream) {
    tow_program_connection *connection = tow_byte_stream_user(stream);
    connection->ended = true;
    if (connection->socket == NULL)
        let_go(connection);
    else if (!waits(connection))
        look_at_output(connection);
}

void tow_program_connection_drained(tow_websocket *socket) {
    tow_program_connection *connection = tow_websocket_user(socket);
    if (connection->stream != NULL && !connection->closing)
        look_at_output(connection);
}

/* Input. */

static void input_failed(tow_program_connection *connection, int64_t error) {
    fail(connection, TOW_LOG_ERROR, 1011, tow_strerror((int)error));
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

static void write_frame(tow_program_connection *connection, uint8_t type, const void *data, size_t length) {
    uint8_t header[TOW_PROGRAM_HEADER];
    tow_program_header_write(header, type, length);
    write_input(connection, (const tow_bytes[]){{header, sizeof(header)}, {data, length}}, 2);
}

static void write_line(tow_program_connection *connection, const tow_message *message) {
    if (message->type != TOW_TEXT)
        fail(connection, TOW_LOG_INFO, 1003, "only text messages are taken here");
    else if (memchr(message->data, '\n', message->length) != NULL ||
             memchr(message->data, '\r', message->length) != NULL)
        fail(connection, TOW_LOG_INFO, 1003, "a message here is one line: it can't have line ends");
    else
        write_input(connection, (const tow_bytes[]){{message->data, message->length}, {"\n", 1}}, 2);
}

void tow_program_connection_message(tow_websocket *socket, const tow_message *message) {
    tow_program_connection *connection = tow_websocket_user(socket);
    if (connection->stream == NULL || connection->closing)
        return;
    if (connection->program->settings.mode == TOW_PROGRAM_LINES)
        write_line(connection, message);
    else
        write_frame(connection, (uint8_t)message->type, message->data, message->length);
}

static void input_writable(tow_byte_stream *stream) {
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
        let_go(connection);
}

/* The ends of both sides. */

static void time_is_over(tow_timer *timer) {
    tow_program_connection *connection =
        (tow_program_connection *)(void *)((char *)timer - offsetof(tow_program_connection, deadline));
    if (connection->socket == NULL)
        let_go(connection);
    else
        fail(connection, TOW_LOG_WARNING, 1011, "the program has run for max-seconds");
}

/* The program still gets what was for it, and in frames hears of the Close. */
void tow_program_connection_closed(tow_websocket *socket, const tow_close_event *event) {
    tow_program_connection *connection = tow_websocket_user(socket);
    if (connection == NULL)
        return; /* there was no program */
    connection->socket = NULL;
    tow_timer_cancel(connection->loop, &connection->turn);
    if (connection->stream != NULL && !connection->closing) {
        uint8_t payload[2] = {(uint8_t)(event->code >> 8), (uint8_t)event->code};
        if (connection->program->settings.mode == TOW_PROGRAM_FRAMES)
            write_frame(connection, TOW_PROGRAM_CLOSE, payload, sizeof(payload));
        if (connection->input.length == 0 || connection->ended)
            let_go(connection);
        else {
            tow_byte_stream_resume(connection->stream);
            tow_timer_set(connection->loop, &connection->deadline,
                in_seconds(connection, connection->command.patience_seconds), time_is_over);
        }
    }
    free_if_over(connection);
}

static void stream_failed(tow_byte_stream *stream, int error, const char *text) {
    (void)error;
    fail(tow_byte_stream_user(stream), TOW_LOG_WARNING, 1011, text);
}

static void stream_closed(tow_byte_stream *stream) {
    tow_program_connection *connection = tow_byte_stream_user(stream);
    connection->stream = NULL;
    free_if_over(connection);
}

/* The beginning. */

static void errors_came(tow_command *command, const char *bytes, size_t length) {
    tow_program_connection *connection =
        (tow_program_connection *)(void *)((char *)command - offsetof(tow_program_connection, command));
    tow_error_lines_take(&connection->errors, command, bytes, length);
}

static int64_t limit_of(int64_t setting) {
    return setting > 0 ? setting : 0;
}

static int start(tow_program_connection *connection, const tow_request *request) {
    const tow_program *program = connection->program;
    const tow_program_settings *settings = &program->settings;
    const tow_byte_stream_options streams = {.user = connection,
        .on_bytes = output_came,
        .on_writable = input_writable,
        .on_end = output_ended,
        .on_error = stream_failed,
        .on_closed = stream_closed};
    tow_command_options command = {.child = {.arguments = program->arguments,
                                       .directory = settings->directory,
                                       .max_memory = limit_of(settings->max_memory),
                                       .max_cpu_seconds = limit_of(settings->max_cpu_seconds)},
        .on_exit = exited,
        .on_errors = errors_came};
    tow_environment environment = {0};
    int error = tow_environment_make(&environment, request, program->path, settings->environment);
    command.child.environment = environment.variables;
    command.patience_seconds = settings->end_seconds > 0 ? settings->end_seconds : END_SECONDS;
    if (error == 0)
        error = tow_command_start(
            &connection->command, &connection->stream, connection->loop, &command, &streams);
    tow_environment_clear(&environment);
    if (tow_command_runs(&connection->command))
        atomic_fetch_add(&connection->program->running, 1);
    return error;
}

/* With its process, if there is one. */
static void name_it(tow_program_connection *connection, const tow_request *request) {
    int written = snprintf(connection->name, sizeof(connection->name), "%.60s %.80s",
        tow_request_peer(request), connection->program->file);
    if (tow_command_runs(&connection->command))
        snprintf(connection->name + written, sizeof(connection->name) - (size_t)written, "[%d]",
            (int)connection->command.child.pid);
}

/* What may go well in a moment is not the program's fault. */
static void refuse_start(tow_program_connection *connection, int error) {
    bool is_broken = error == TOW_ERROR_NAME_NOT_FOUND || error == TOW_ERROR_PERMISSION ||
                     error == TOW_ERROR_NO_PROGRAM || error == TOW_ERROR_INTERPRETER;
    say(connection, TOW_LOG_ERROR, "the program can't be started: %s", tow_strerror(error));
    close_client(connection, is_broken ? 1011 : 1013, "the program can't be started");
}

static tow_program_connection *connection_new(tow_program *program, tow_websocket *socket) {
    tow_program_connection *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    made->program = program;
    made->socket = socket;
    made->loop = tow_websocket_loop(socket);
    made->errors.log = program->log;
    made->errors.name = made->name;
    atomic_fetch_add(&program->holders, 1);
    return made;
}

void tow_program_connection_open(tow_program *program, tow_websocket *socket) {
    const tow_request *request = tow_websocket_request(socket);
    tow_program_connection *connection = connection_new(program, socket);
    tow_websocket_set_user(socket, connection);
    if (connection == NULL) {
        tow_websocket_close(socket, 1011, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    int error = start(connection, request);
    name_it(connection, request);
    if (error != 0) {
        refuse_start(connection, error);
        return;
    }
    say(connection, TOW_LOG_DEBUG, "started");
    if (program->settings.max_seconds > 0)
        tow_timer_set(connection->loop, &connection->deadline,
            in_seconds(connection, program->settings.max_seconds), time_is_over);
}
