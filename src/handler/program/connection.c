#include "connection.h"

#include "environment.h"
#include "program/hearing.h"
#include "program/output.h"
#include "program/speech.h"
#include "program/state.h"
#include "transport/loop.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

enum { END_SECONDS = 2 };

/* The ends of both sides. */

/* What may go well in a moment is not the program's fault. */
static void refuse_start(tow_program_connection *connection, int error) {
    bool is_broken = error == TOW_ERROR_NAME_NOT_FOUND || error == TOW_ERROR_PERMISSION ||
                     error == TOW_ERROR_NO_PROGRAM || error == TOW_ERROR_INTERPRETER;
    tow_program_say(connection, TOW_LOG_ERROR, "the program can't be started: %s", tow_strerror(error));
    tow_program_close_client(connection, is_broken ? 1011 : 1013, "the program can't be started");
}

static void exited(tow_command *command) {
    tow_program_connection *connection =
        (tow_program_connection *)(void *)((char *)command - offsetof(tow_program_connection, command));
    char text[TOW_PROGRAM_TEXT_MAX];
    int status = tow_command_status(command);
    bool by_us = connection->closing &&
                 (status == 128 + SIGTERM || status == 128 + SIGKILL || status == 128 + SIGPIPE);
    int error = tow_command_error(command);
    atomic_fetch_sub(&connection->program->running, 1);
    tow_error_lines_end(&connection->errors, command);
    tow_program_write_status(text, status);
    if (error != 0)
        refuse_start(connection, error);
    else if (status == 0 || by_us)
        tow_program_say(connection, TOW_LOG_DEBUG, "%s", text);
    else
        tow_program_say(connection, TOW_LOG_WARNING, "%s", text);
    if (connection->socket == NULL || error != 0)
        tow_program_let_go(connection);
    tow_program_free_if_over(connection);
}

void tow_program_connection_drained(tow_websocket *socket) {
    tow_program_connection *connection = tow_websocket_user(socket);
    if (connection->stream != NULL && !connection->closing)
        tow_program_look_at_output(connection);
}

void tow_program_connection_message(tow_websocket *socket, const tow_message *message) {
    tow_program_connection *connection = tow_websocket_user(socket);
    if (connection->stream != NULL && !connection->closing)
        tow_program_write_message(connection, message);
}

static void time_is_over(tow_timer *timer) {
    tow_program_connection *connection =
        (tow_program_connection *)(void *)((char *)timer - offsetof(tow_program_connection, deadline));
    if (connection->socket == NULL)
        tow_program_let_go(connection);
    else
        tow_program_fail(connection, TOW_LOG_WARNING, 1011, "the program has run for max-seconds");
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
            tow_program_write_frame(connection, TOW_PROGRAM_CLOSE, payload, sizeof(payload));
        if (connection->input.length == 0 || connection->ended)
            tow_program_let_go(connection);
        else {
            tow_byte_stream_resume(connection->stream);
            tow_timer_set(connection->loop, &connection->deadline,
                tow_program_in_seconds(connection, connection->command.patience_seconds), time_is_over);
        }
    }
    tow_program_free_if_over(connection);
}

static void stream_failed(tow_byte_stream *stream, int error, const char *text) {
    (void)error;
    tow_program_fail(tow_byte_stream_user(stream), TOW_LOG_WARNING, 1011, text);
}

static void stream_closed(tow_byte_stream *stream) {
    tow_program_connection *connection = tow_byte_stream_user(stream);
    connection->stream = NULL;
    tow_program_free_if_over(connection);
}

/* The beginning. */

static void errors_came(tow_command *command, const char *bytes, size_t length) {
    tow_program_connection *connection =
        (tow_program_connection *)(void *)((char *)command - offsetof(tow_program_connection, command));
    tow_error_lines_take(&connection->errors, command, bytes, length);
}

static void name_it(tow_program_connection *connection, const tow_request *request) {
    snprintf(connection->name, sizeof(connection->name), "%.60s %.80s", tow_request_peer(request),
        connection->program->file);
}

/* Its other ends are its own now. */
static void started(tow_command *command) {
    tow_program_connection *connection =
        (tow_program_connection *)(void *)((char *)command - offsetof(tow_program_connection, command));
    size_t length = strlen(connection->name);
    tow_descriptors_give(connection->program->descriptors, TOW_PROGRAM_DESCRIPTORS_AT_FIRST);
    connection->descriptors -= TOW_PROGRAM_DESCRIPTORS_AT_FIRST;
    snprintf(connection->name + length, sizeof(connection->name) - length, "[%d]",
        (int)connection->command.child.pid);
    tow_program_say(connection, TOW_LOG_DEBUG, "started");
}

static int64_t limit_of(int64_t setting) {
    return setting > 0 ? setting : 0;
}

/* They may be gone since it was admitted. */
static int take_descriptors(tow_program_connection *connection) {
    int count = TOW_PROGRAM_DESCRIPTORS + TOW_PROGRAM_DESCRIPTORS_AT_FIRST;
    if (!tow_descriptors_take(connection->program->descriptors, count))
        return TOW_ERROR_DESCRIPTORS;
    connection->descriptors = count;
    return 0;
}

static int start(tow_program_connection *connection, const tow_request *request) {
    const tow_program *program = connection->program;
    const tow_program_settings *settings = &program->settings;
    const tow_byte_stream_options streams = {.user = connection,
        .on_bytes = tow_program_output_came,
        .on_writable = tow_program_input_writable,
        .on_end = tow_program_output_ended,
        .on_error = stream_failed,
        .on_closed = stream_closed};
    tow_command_options command = {.child = {.arguments = program->arguments,
                                       .directory = settings->directory,
                                       .max_memory = limit_of(settings->max_memory),
                                       .max_cpu_seconds = limit_of(settings->max_cpu_seconds),
                                       .nursery = program->nursery},
        .on_start = program->nursery != NULL ? started : NULL,
        .on_exit = exited,
        .on_errors = errors_came};
    tow_environment environment = {0};
    int error =
        tow_environment_make(&environment, request, program->path, connection->loop, settings->environment);
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
    name_it(connection, request);
    int error = take_descriptors(connection);
    if (error == 0)
        error = start(connection, request);
    if (error != 0) {
        refuse_start(connection, error);
        return;
    }
    if (program->nursery == NULL)
        started(&connection->command);
    if (program->settings.max_seconds > 0)
        tow_timer_set(connection->loop, &connection->deadline,
            tow_program_in_seconds(connection, program->settings.max_seconds), time_is_over);
}
