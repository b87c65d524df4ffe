#include "input.h"

#include <errno.h>
#include <towline/error.h>
#include <unistd.h>

enum { PIECE_MAX = 64 * 1024 };

static void round_begin(void *argument);

static void end(tow_standard_input *input, int error) {
    tow_standard_input_stop(input);
    input->events->on_end(input, error);
}

/* Asks for the next round of the loop. */
static int schedule(tow_standard_input *input) {
    if (input->scheduled)
        return 0;
    int error = tow_loop_post(input->loop, round_begin, input);
    input->scheduled = error == 0;
    return error;
}

static void lines_deliver(tow_standard_input *input) {
    tow_slice line;
    while (!input->paused && !input->stopped && tow_lines_next(&input->lines, &line))
        input->events->on_piece(input, line.data, line.length);
    if (input->paused || input->stopped || !input->ended)
        return;
    if (tow_lines_rest(&input->lines, &line))
        input->events->on_piece(input, line.data, line.length);
    if (!input->stopped)
        end(input, 0);
}

static void piece_deliver(tow_standard_input *input, const char *bytes, size_t length) {
    if (!input->whole_lines) {
        input->events->on_piece(input, bytes, length);
        return;
    }
    int error = tow_lines_add(&input->lines, bytes, length);
    if (error != 0)
        end(input, error);
    else
        lines_deliver(input);
}

static void read_once(tow_standard_input *input) {
    char bytes[PIECE_MAX];
    ssize_t count = read(input->fd, bytes, sizeof(bytes));
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (count > 0) {
        piece_deliver(input, bytes, (size_t)count);
        return;
    }
    input->ended = true;
    if (count < 0 && errno != EIO &&
        errno != EBADF) /* a terminal that hung up, a descriptor that was never open: an end */
        end(input, TOW_ERROR_SYSTEM);
    else
        lines_deliver(input);
}

static void on_readable(tow_watch *watch, int ready) {
    read_once(watch->user);
}

/* A file is always readable, and so cannot be watched. */
static int watch_begin(tow_standard_input *input) {
    if (input->watching || input->is_file)
        return 0;
    input->watch = (tow_watch){.user = input};
    int error = tow_watch_start(&input->watch, input->loop, input->fd, TOW_READABLE, on_readable);
    if (error == TOW_ERROR_MEMORY)
        return error;
    input->watching = error == 0;
    input->is_file = error != 0;
    return 0;
}

static void watch_end(tow_standard_input *input) {
    if (input->watching)
        tow_watch_stop(&input->watch);
    input->watching = false;
}

/* What was left when the owner paused comes first. */
static void round_begin(void *argument) {
    tow_standard_input *input = argument;
    input->scheduled = false;
    if (input->stopped || input->paused)
        return;
    if (input->whole_lines)
        lines_deliver(input);
    if (input->stopped || input->paused)
        return;
    int error = watch_begin(input);
    if (error == 0 && input->is_file) {
        read_once(input);
        error = input->stopped || input->paused ? 0 : schedule(input);
    }
    if (error != 0)
        end(input, error);
}

int tow_standard_input_start(tow_standard_input *input, tow_loop *loop, int fd, bool whole_lines,
    const tow_standard_input_events *events, void *user) {
    *input = (tow_standard_input){
        .events = events, .user = user, .loop = loop, .fd = fd, .whole_lines = whole_lines};
    return schedule(input);
}

void tow_standard_input_pause(tow_standard_input *input) {
    input->paused = true;
    watch_end(input);
}

void tow_standard_input_resume(tow_standard_input *input) {
    if (!input->paused || input->stopped || input->loop == NULL)
        return;
    input->paused = false;
    int error = schedule(input);
    if (error != 0)
        end(input, error);
}

void tow_standard_input_stop(tow_standard_input *input) {
    if (input->loop == NULL || input->stopped)
        return;
    input->stopped = true;
    watch_end(input);
    tow_lines_clear(&input->lines);
}
