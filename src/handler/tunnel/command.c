#include "command.h"

#include "transport/byte_stream.h"
#include "transport/listener.h"

#include <stddef.h>
#include <towline/error.h>

enum { PATIENCE_SECONDS = 5 };

static tow_command *command_of(const tow_byte_stream *stream) {
    return tow_byte_stream_user(stream);
}

bool tow_command_runs(const tow_command *command) {
    return command->child.pid != 0;
}

int tow_command_status(const tow_command *command) {
    return command->status;
}

/* The end. */

static void check_end(tow_command *command) {
    if (command->output_ended && !tow_command_runs(command) && !command->closed)
        tow_byte_stream_tell_end(command->handle);
}

static void exited(tow_child *child, int status) {
    tow_command *command = (tow_command *)(void *)((char *)child - offsetof(tow_command, child));
    bool closed = command->closed;
    command->status = status;
    command->on_exit(command); /* which may free it if it is closed */
    if (!closed)
        check_end(command);
}

/* The stream's owner hears of it when both parts are closed. */
static void check_closed(tow_command *command) {
    tow_byte_stream *handle = command->handle;
    if (!command->closed || command->input != NULL || command->output != NULL)
        return;
    command->handle = NULL;
    tow_byte_stream_tell_closed(handle);
}

/* Its input. */

/* It has closed its input, or has exited: what was to be written is dropped from now on. */
static void input_failed(tow_byte_stream *stream, int error, const char *text) {
    (void)error, (void)text;
    tow_byte_stream_close(stream);
}

static void input_writable(tow_byte_stream *stream) {
    tow_byte_stream_tell_writable(command_of(stream)->handle);
}

static void input_closed(tow_byte_stream *stream) {
    tow_command *command = command_of(stream);
    if (command == NULL)
        return; /* it could not be started */
    command->input = NULL;
    if (!command->closed)
        tow_byte_stream_tell_writable(command->handle);
    check_closed(command);
}

/* Its output. */

static void output_came(tow_byte_stream *stream, void *bytes, size_t length) {
    tow_byte_stream_tell_bytes(command_of(stream)->handle, bytes, length);
}

static void output_ended(tow_byte_stream *stream) {
    tow_command *command = command_of(stream);
    command->output_ended = true;
    check_end(command);
}

static void output_failed(tow_byte_stream *stream, int error, const char *text) {
    tow_byte_stream_tell_error(command_of(stream)->handle, error, text);
}

static void output_closed(tow_byte_stream *stream) {
    tow_command *command = command_of(stream);
    command->output = NULL;
    check_closed(command);
}

/* What the owner asks for. */

static size_t length_of(const tow_bytes *pieces, size_t count) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].length;
    return length;
}

static int64_t write_pieces(void *user, const tow_bytes *pieces, size_t count) {
    const tow_command *command = user;
    int64_t taken =
        command->input == NULL ? TOW_ERROR_CLOSED : tow_byte_stream_write(command->input, pieces, count);
    return taken >= 0 || taken == TOW_ERROR_MEMORY ? taken : (int64_t)length_of(pieces, count);
}

static void pause_reading(void *user) {
    tow_byte_stream_pause(((tow_command *)user)->output);
}

static void resume_reading(void *user) {
    tow_byte_stream_resume(((tow_command *)user)->output);
}

static void shut_down(void *user) {
    const tow_command *command = user;
    if (command->input != NULL)
        tow_byte_stream_shutdown(command->input);
}

static void close_stream(void *user) {
    tow_command *command = user;
    command->closed = true;
    if (command->input != NULL)
        tow_byte_stream_close(command->input);
    tow_byte_stream_close(command->output);
    tow_child_end(&command->child, PATIENCE_SECONDS);
}

static const tow_byte_stream_functions functions = {
    .write = write_pieces,
    .pause = pause_reading,
    .resume = resume_reading,
    .shutdown = shut_down,
    .close = close_stream,
    .reset = close_stream,
};

/* The beginning. */

static int streams_make(tow_command *command, tow_loop *loop, int input, int output) {
    const tow_byte_stream_options input_options = {
        .user = command, .on_writable = input_writable, .on_error = input_failed, .on_closed = input_closed};
    const tow_byte_stream_options output_options = {.user = command,
        .on_bytes = output_came,
        .on_end = output_ended,
        .on_error = output_failed,
        .on_closed = output_closed};
    int error = tow_byte_stream_adopt(&command->input, loop, input, &input_options);
    if (error != 0) {
        tow_loop_discard(loop, input);
        tow_loop_discard(loop, output);
        return error;
    }
    error = tow_byte_stream_adopt(&command->output, loop, output, &output_options);
    if (error != 0) {
        tow_byte_stream_set_user(command->input, NULL);
        tow_byte_stream_close(command->input);
        tow_loop_discard(loop, output);
    }
    return error;
}

int tow_command_start(tow_command *command, tow_byte_stream **stream, tow_loop *loop, const char *text,
    const tow_byte_stream_options *options, void (*on_exit)(tow_command *command)) {
    const char *const arguments[] = {"/bin/sh", "-c", text, NULL};
    int input, output;
    int error = tow_byte_stream_new(&command->handle, loop, &functions, command, options);
    if (error != 0)
        return error;
    command->on_exit = on_exit;
    error = tow_child_start(&command->child, loop, arguments, NULL, exited, &input, &output);
    if (error == 0)
        error = streams_make(command, loop, input, output);
    if (error == 0) {
        *stream = command->handle;
        return 0;
    }
    tow_byte_stream_discard(command->handle);
    command->closed = true;
    tow_child_end(&command->child, PATIENCE_SECONDS);
    return error;
}

void tow_command_clear(tow_command *command) {
    tow_child_clear(&command->child);
}
