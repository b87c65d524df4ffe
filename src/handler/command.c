#include "command.h"

#include "transport/byte_stream.h"
#include "transport/listener.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

enum { KILL_SECONDS = 5, LINGER_SECONDS = 1 };

static tow_command *command_of(const tow_byte_stream *stream) {
    return tow_byte_stream_user(stream);
}

bool tow_command_runs(const tow_command *command) {
    return tow_child_is_there(&command->child);
}

int tow_command_status(const tow_command *command) {
    return command->status;
}

int tow_command_error(const tow_command *command) {
    return tow_child_error(&command->child);
}

static tow_command *command_of_timer(tow_timer *timer) {
    return (tow_command *)(void *)((char *)timer - offsetof(tow_command, timer));
}

/* The end. */

static void check_end(tow_command *command) {
    if (command->closed || tow_command_runs(command) || !command->output_ended || command->errors != NULL)
        return;
    tow_timer_cancel(command->child.watch.loop, &command->timer);
    tow_byte_stream_tell_end(command->handle);
}

static void close_errors(tow_command *command) {
    if (command->errors != NULL)
        tow_byte_stream_close(command->errors);
}

/* A client that takes its time is waited for. */
static void linger_no_more(tow_timer *timer) {
    tow_command *command = command_of_timer(timer);
    tow_loop *loop = command->child.watch.loop;
    if (command->paused) {
        tow_timer_set(loop, timer, tow_loop_now(loop) + LINGER_SECONDS * TOW_SECOND, linger_no_more);
        return;
    }
    command->output_ended = true;
    if (command->errors == NULL)
        check_end(command);
    close_errors(command);
}

/* Not before it is told that it has started: who logs its lines may want to say which process it is. */
static void read_errors(tow_command *command) {
    if (command->errors != NULL)
        tow_byte_stream_resume(command->errors);
}

static void started(tow_child *child) {
    tow_command *command = (tow_command *)(void *)((char *)child - offsetof(tow_command, child));
    command->on_start(command);
    read_errors(command);
}

static void exited(tow_child *child, int status) {
    tow_command *command = (tow_command *)(void *)((char *)child - offsetof(tow_command, child));
    tow_loop *loop = child->watch.loop;
    command->status = status;
    if (tow_child_error(child) != 0)
        read_errors(command);
    tow_timer_cancel(loop, &command->timer);
    if (command->closed) {
        close_errors(command);
        command->on_exit(command); /* which may free it */
        return;
    }
    tow_timer_set(loop, &command->timer, tow_loop_now(loop) + LINGER_SECONDS * TOW_SECOND, linger_no_more);
    command->on_exit(command);
    check_end(command);
}

/* The stream's owner hears of it when all parts are closed. */
static void check_closed(tow_command *command) {
    tow_byte_stream *handle = command->handle;
    if (!command->closed || command->input != NULL || command->output != NULL || command->errors != NULL)
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
    if (command == NULL)
        return; /* it could not be started */
    command->output = NULL;
    check_closed(command);
}

/* Its standard error. */

static void errors_came(tow_byte_stream *stream, void *bytes, size_t length) {
    tow_command *command = command_of(stream);
    command->on_errors(command, bytes, length);
}

static void errors_ended(tow_byte_stream *stream) {
    tow_byte_stream_close(stream);
}

static void errors_failed(tow_byte_stream *stream, int error, const char *text) {
    (void)error, (void)text;
    tow_byte_stream_close(stream);
}

static void errors_closed(tow_byte_stream *stream) {
    tow_command *command = command_of(stream);
    if (command == NULL)
        return; /* it could not be started */
    command->errors = NULL;
    check_end(command);
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
    tow_command *command = user;
    command->paused = true;
    tow_byte_stream_pause(command->output);
}

static void resume_reading(void *user) {
    tow_command *command = user;
    command->paused = false;
    tow_byte_stream_resume(command->output);
}

static void shut_down(void *user) {
    const tow_command *command = user;
    if (command->input != NULL)
        tow_byte_stream_shutdown(command->input);
}

static void tell_to_end(tow_timer *timer) {
    tow_child_end(&command_of_timer(timer)->child, KILL_SECONDS);
}

static void close_stream(void *user) {
    tow_command *command = user;
    tow_loop *loop = tow_byte_stream_loop(command->output);
    command->closed = true;
    tow_timer_cancel(loop, &command->timer);
    if (command->input != NULL)
        tow_byte_stream_close(command->input);
    tow_byte_stream_close(command->output);
    if (!tow_command_runs(command))
        close_errors(command);
    else if (command->patience_seconds == 0)
        tell_to_end(&command->timer);
    else
        tow_timer_set(
            loop, &command->timer, tow_loop_now(loop) + command->patience_seconds * TOW_SECOND, tell_to_end);
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

static bool is_there(const char *path) {
    struct stat status;
    return access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

char *tow_command_place(const char *name) {
    const char *folder = strchr(name, '/') != NULL ? NULL : getenv("PATH");
    while (folder != NULL) {
        char path[PATH_MAX];
        size_t length = strcspn(folder, ":");
        int written = snprintf(path, sizeof(path), "%.*s/%s", (int)length, folder, name);
        if (length > 0 && written > 0 && (size_t)written < sizeof(path) && is_there(path))
            return strdup(path);
        folder = folder[length] == '\0' ? NULL : folder + length + 1;
    }
    return strdup(name);
}

const char *tow_command_problem(const char *place) {
    struct stat status;
    if (strchr(place, '/') == NULL)
        return "it is not found in PATH (a file is named with a slash, as in ./NAME)";
    if (stat(place, &status) != 0)
        return errno == ENOENT ? "there is no such file" : strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "it is not a file";
    return access(place, X_OK) == 0 ? NULL : "it may not be executed (chmod +x)";
}

/* Takes the descriptor over, or discards it. */
static int stream_make(
    tow_byte_stream **stream, tow_loop *loop, int fd, const tow_byte_stream_options *options) {
    int error = tow_byte_stream_adopt(stream, loop, fd, options);
    if (error != 0)
        tow_loop_discard(loop, fd);
    return error;
}

static void stream_unmake(tow_byte_stream *stream) {
    if (stream == NULL)
        return;
    tow_byte_stream_set_user(stream, NULL);
    tow_byte_stream_close(stream);
}

/* Those that were made before one could not be are closed, and the descriptors behind it discarded. */
static int streams_make(tow_command *command, tow_loop *loop, const int descriptors[3]) {
    const tow_byte_stream_options options[] = {
        {.user = command, .on_writable = input_writable, .on_error = input_failed, .on_closed = input_closed},
        {.user = command,
            .on_bytes = output_came,
            .on_end = output_ended,
            .on_error = output_failed,
            .on_closed = output_closed},
        {.user = command,
            .on_bytes = errors_came,
            .on_end = errors_ended,
            .on_error = errors_failed,
            .on_closed = errors_closed}};
    tow_byte_stream **streams[] = {&command->input, &command->output, &command->errors};
    int error = 0;
    for (int i = 0; i < 3 && descriptors[i] >= 0; i++)
        if (error == 0)
            error = stream_make(streams[i], loop, descriptors[i], &options[i]);
        else
            tow_loop_discard(loop, descriptors[i]);
    for (int i = 0; error != 0 && i < 3; i++)
        stream_unmake(*streams[i]);
    return error;
}

int tow_command_start(tow_command *command, tow_byte_stream **stream, tow_loop *loop,
    const tow_command_options *options, const tow_byte_stream_options *stream_options) {
    tow_child_options child = options->child;
    int descriptors[3];
    int error = tow_byte_stream_new(&command->handle, loop, &functions, command, stream_options);
    if (error != 0)
        return error;
    command->on_exit = options->on_exit;
    command->on_errors = options->on_errors;
    command->patience_seconds = options->patience_seconds;
    child.with_errors = options->on_errors != NULL;
    command->on_start = options->on_start;
    child.on_start = options->on_start != NULL ? started : NULL;
    error = tow_child_start(&command->child, loop, &child, exited, descriptors);
    if (error == 0)
        error = streams_make(command, loop, descriptors);
    if (error == 0) {
        if (command->on_start != NULL && command->errors != NULL)
            tow_byte_stream_pause(command->errors);
        *stream = command->handle;
        return 0;
    }
    tow_byte_stream_discard(command->handle);
    command->closed = true;
    command->input = command->output = command->errors = NULL;
    tow_child_end(&command->child, KILL_SECONDS);
    return error;
}
