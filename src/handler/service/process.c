#include "process.h"

#include "environment.h"
#include "transport/loop.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

enum {
    START_SECONDS = 10,
    ANSWER_SECONDS = 30,
    DRAIN_SECONDS = 5,
    OUT_MAX = 64 * 1024, /* then no more is appended */
    WORK_A_TURN = 2000,  /* frames, or connections that a message goes to by 16 */
    LIST_MAX = 1 << 20,  /* bytes of a frame's list */
    MESSAGE_MAX = 16 << 20,
    RETRY_MILLISECONDS = 5
};

static void say(const tow_process *process, int level, const char *text) {
    char line[400];
    snprintf(line, sizeof(line), "%.150s: %s", process->name, text);
    if (process->service->log.write != NULL)
        process->service->log.write(process->service->log.user, level, line);
}

/* The end. */

static void free_if_over(tow_process *process) {
    if (process->stream != NULL || tow_command_runs(&process->command))
        return;
    free(process);
}

void tow_process_let_go(tow_process *process) {
    tow_loop *loop = process->service->loop;
    if (process->stage == TOW_PROCESS_OVER)
        return;
    process->stage = TOW_PROCESS_OVER;
    tow_timer_cancel(loop, &process->turn);
    tow_timer_cancel(loop, &process->watchdog);
    tow_buffer_clear(&process->in);
    tow_buffer_clear(&process->out);
    tow_byte_stream_close(process->stream);
}

/* Nothing is touched behind it. */
static void be_over(tow_process *process) {
    tow_process_let_go(process);
    process->events->on_over(process);
}

static void fail(tow_process *process, const char *text) {
    if (process->stage == TOW_PROCESS_OVER)
        return;
    say(process, TOW_LOG_WARNING, text);
    be_over(process);
}

static void write_end(const tow_process *process, char *text, size_t size) {
    int status = tow_command_status(&process->command);
    if (status > 128)
        snprintf(text, size, "ended by signal %d", status - 128);
    else
        snprintf(text, size, "ended with status %d", status);
}

/* When it was let go, the service may be gone before. When that is going, what it said last is for nobody. */
static void exited(tow_command *command) {
    tow_process *process = (tow_process *)(void *)((char *)command - offsetof(tow_process, command));
    tow_error_lines_end(&process->errors, command);
    if (process->stage != TOW_PROCESS_OVER && atomic_load(&process->service->gone))
        be_over(process);
    free_if_over(process);
}

static void finish(tow_process *process) {
    char text[80];
    bool was_asked = process->stage == TOW_PROCESS_DRAINING;
    if (process->in.length > 0)
        say(process, TOW_LOG_WARNING, "half a frame was dropped");
    write_end(process, text, sizeof(text));
    say(process, was_asked && tow_command_status(&process->command) == 0 ? TOW_LOG_INFO : TOW_LOG_WARNING,
        text);
    be_over(process);
}

/* What it says. */

static size_t most(const tow_process *process) {
    int64_t setting = process->service->settings.max_output;
    return (setting > 0 ? (size_t)setting : MESSAGE_MAX) + LIST_MAX;
}

static int acknowledge(tow_process *process, const tow_service_frame *frame) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < frame->entry_count; i++) {
        tow_service_acknowledgement entry = tow_service_frame_acknowledgement(frame, i);
        error = process->events->on_acknowledge(process, entry.id, entry.count);
    }
    return error;
}

static int become_ready(tow_process *process) {
    if (process->stage != TOW_PROCESS_STARTING)
        return TOW_ERROR_ARGUMENT;
    process->stage = TOW_PROCESS_READY;
    process->since = process->progress = tow_loop_now(process->service->loop);
    process->events->on_ready(process);
    return 0;
}

static int obey(tow_process *process, const tow_service_frame *frame) {
    if (process->stage == TOW_PROCESS_STARTING && frame->type != TOW_SERVICE_READY)
        return TOW_ERROR_ARGUMENT;
    if (frame->type == TOW_SERVICE_READY)
        return become_ready(process);
    if (frame->type == TOW_SERVICE_ACKNOWLEDGE)
        return acknowledge(process, frame);
    return tow_service_act(process->service, frame);
}

static size_t work_of(const tow_process *process, const tow_service_frame *frame) {
    if (frame->type != TOW_SERVICE_BROADCAST)
        return 1 + frame->entry_count;
    return 1 + (frame->entry_count > 0 ? frame->entry_count : process->service->members.count) / 16;
}

static void look_again(tow_timer *timer);

/* Meanwhile it is not read. */
static void look_later(tow_process *process, int milliseconds) {
    tow_loop *loop = process->service->loop;
    tow_byte_stream_pause(process->stream);
    tow_timer_set(loop, &process->turn, tow_loop_now(loop) + milliseconds * TOW_MILLISECOND, look_again);
}

/* Does what whole frames ask for, as much as a turn has, and returns how many bytes that was. */
static size_t take(tow_process *process, const uint8_t *bytes, size_t length) {
    size_t done = 0;
    for (size_t work = 0; process->stage != TOW_PROCESS_OVER;) {
        tow_service_frame frame;
        int64_t used = tow_service_frame_next(bytes + done, length - done, most(process), &frame);
        int error = used > 0 ? obey(process, &frame) : (int)used;
        if (error == TOW_ERROR_QUEUE_FULL || error == TOW_ERROR_MEMORY) {
            look_later(process, RETRY_MILLISECONDS);
            break;
        }
        if (error != 0)
            fail(process, error == TOW_ERROR_MESSAGE_TOO_LARGE ? "it wrote a frame longer than max-output"
                                                               : "it wrote what is no frame, or not now");
        if (error != 0 || used == 0)
            break;
        done += (size_t)used;
        work += work_of(process, &frame);
        if (work >= WORK_A_TURN && done < length) {
            look_later(process, 0);
            break;
        }
    }
    return done;
}

static void look_at_waiting(tow_process *process) {
    size_t done = take(process, process->in.data, process->in.length);
    if (process->stage == TOW_PROCESS_OVER)
        return;
    tow_buffer_consume(&process->in, done);
    if (process->in.length == 0)
        tow_buffer_clear(&process->in);
    if (tow_timer_is_set(&process->turn))
        return;
    tow_byte_stream_resume(process->stream);
    if (process->ended)
        finish(process);
}

static void look_again(tow_timer *timer) {
    look_at_waiting((tow_process *)(void *)((char *)timer - offsetof(tow_process, turn)));
}

static void bytes_came(tow_byte_stream *stream, void *bytes, size_t length) {
    tow_process *process = tow_byte_stream_user(stream);
    bool is_first = process->in.length == 0 && !tow_timer_is_set(&process->turn);
    size_t done = is_first ? take(process, bytes, length) : 0;
    if (process->stage == TOW_PROCESS_OVER)
        return;
    if (tow_buffer_append(&process->in, (uint8_t *)bytes + done, length - done) != 0)
        fail(process, tow_strerror(TOW_ERROR_MEMORY));
    else if (!is_first && !tow_timer_is_set(&process->turn))
        look_at_waiting(process);
}

static void stream_ended(tow_byte_stream *stream) {
    tow_process *process = tow_byte_stream_user(stream);
    process->ended = true;
    if (process->stage != TOW_PROCESS_OVER && !tow_timer_is_set(&process->turn))
        finish(process);
}

static void stream_failed(tow_byte_stream *stream, int error, const char *text) {
    (void)error;
    fail(tow_byte_stream_user(stream), text);
}

static void stream_closed(tow_byte_stream *stream) {
    tow_process *process = tow_byte_stream_user(stream);
    process->stream = NULL;
    free_if_over(process);
}

static void errors_came(tow_command *command, const char *bytes, size_t length) {
    tow_process *process = (tow_process *)(void *)((char *)command - offsetof(tow_process, command));
    tow_error_lines_take(&process->errors, command, bytes, length);
}

/* What is said to it. */

bool tow_process_has_room(const tow_process *process) {
    return process->out.length < OUT_MAX;
}

void tow_process_flush(tow_process *process) {
    if (process->out.length == 0)
        return;
    const tow_bytes bytes = {process->out.data, process->out.length};
    int64_t taken = tow_byte_stream_write(process->stream, &bytes, 1);
    if (taken > 0)
        tow_buffer_consume(&process->out, (size_t)taken);
    /* else it is full, or has closed its input: its end, or the watchdog, follows */
}

static void writable(tow_byte_stream *stream) {
    tow_process *process = tow_byte_stream_user(stream);
    if (process->stage == TOW_PROCESS_OVER)
        return;
    tow_process_flush(process);
    if (tow_process_has_room(process))
        process->events->on_room(process);
}

void tow_process_drain(tow_process *process) {
    process->stage = TOW_PROCESS_DRAINING;
    process->since = tow_loop_now(process->service->loop);
    if (tow_service_write_drain(&process->out) != 0)
        fail(process, tow_strerror(TOW_ERROR_MEMORY));
    else
        tow_process_flush(process);
}

/* Time. */

static int64_t setting_or(int setting, int otherwise) {
    return setting == TOW_OFF ? INT64_MAX / TOW_SECOND : setting != 0 ? setting : otherwise;
}

static const char *late_for(const tow_process *process, int64_t now) {
    const tow_program_settings *settings = &process->service->settings;
    int64_t answer = setting_or(settings->answer_seconds, ANSWER_SECONDS);
    switch (process->stage) {
    case TOW_PROCESS_STARTING:
        return now - process->since > START_SECONDS * TOW_SECOND ? "it was not ready in time" : NULL;
    case TOW_PROCESS_DRAINING:
        return now - process->since > DRAIN_SECONDS * TOW_SECOND ? "it did not end when it was asked to"
                                                                 : NULL;
    case TOW_PROCESS_READY:
        if (process->given > 0 && (now - process->progress) / TOW_SECOND >= answer)
            return "it has acknowledged nothing for answer-seconds";
        return NULL;
    case TOW_PROCESS_OVER:
        break;
    }
    return NULL;
}

static void look_at_time(tow_timer *timer) {
    tow_process *process = (tow_process *)(void *)((char *)timer - offsetof(tow_process, watchdog));
    int64_t now = tow_loop_now(process->service->loop);
    const char *late = late_for(process, now);
    if (late != NULL)
        fail(process, late);
    else
        tow_timer_set(process->service->loop, timer, now + TOW_SECOND, look_at_time);
}

/* The beginning. */

static int64_t limit_of(int64_t setting) {
    return setting > 0 ? setting : 0;
}

static const char **arguments_make(const tow_program_settings *settings) {
    size_t count = 0;
    while (settings->arguments != NULL && settings->arguments[count] != NULL)
        count++;
    const char **made = calloc(count + 2, sizeof(*made));
    if (made == NULL)
        return NULL;
    made[0] = settings->file;
    for (size_t i = 0; i < count; i++)
        made[i + 1] = settings->arguments[i];
    return made;
}

static int run(tow_process *process, const char **words, const char **environment) {
    const tow_program_settings *settings = &process->service->settings;
    const tow_byte_stream_options streams = {.user = process,
        .on_bytes = bytes_came,
        .on_writable = writable,
        .on_end = stream_ended,
        .on_error = stream_failed,
        .on_closed = stream_closed};
    const tow_command_options command = {.child = {.arguments = words,
                                             .environment = environment,
                                             .directory = settings->directory,
                                             .max_memory = limit_of(settings->max_memory),
                                             .max_cpu_seconds = limit_of(settings->max_cpu_seconds),
                                             .nursery = process->service->nursery},
        .on_exit = exited,
        .on_errors = errors_came};
    return tow_command_start(&process->command, &process->stream, process->service->loop, &command, &streams);
}

static int run_with_environment(tow_process *process) {
    const tow_program_settings *settings = &process->service->settings;
    tow_environment environment = {0};
    const char **arguments = arguments_make(settings);
    int error = arguments == NULL ? TOW_ERROR_MEMORY : 0;
    if (error == 0)
        error = tow_environment_make(&environment, NULL, NULL, NULL, settings->environment);
    if (error == 0)
        error = run(process, arguments, environment.variables);
    tow_environment_clear(&environment);
    free(arguments);
    return error;
}

int tow_process_start(tow_process **process, tow_service *service, size_t number, size_t count,
    const tow_process_events *events, void *owner) {
    tow_process *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    *made = (tow_process){.service = service, .events = events, .owner = owner};
    made->errors.log = service->log;
    made->errors.name = made->name;
    int error = tow_service_write_hello(&made->out, number, count);
    if (error == 0)
        error = run_with_environment(made);
    if (error != 0) {
        made->stage = TOW_PROCESS_OVER;
        tow_buffer_clear(&made->out);
        free_if_over(made); /* else when it has exited */
        return error;
    }
    snprintf(made->name, sizeof(made->name), "%.120s[%d]", service->name, (int)made->command.child.pid);
    made->since = tow_loop_now(service->loop);
    tow_timer_set(service->loop, &made->watchdog, made->since + TOW_SECOND, look_at_time);
    tow_process_flush(made);
    say(made, TOW_LOG_INFO, "started");
    *process = made;
    return 0;
}
