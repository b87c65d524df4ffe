#include "host.h"

#include "base/text.h"
#include "../environment.h"
#include "connection.h"
#include "protocol.h"
#include "telling.h"
#include "transport/listener.h"
#include "version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>
#include <unistd.h>

enum { PATH_MAX_LENGTH = 4096, ANSWER_SECONDS = 30 };

#define RESTART_AFTER TOW_SECOND

static tow_python *of(tow_command *command) {
    return (tow_python *)(void *)((char *)command - offsetof(tow_python, command));
}

/* Versions. */

static void tell_loaded(tow_python_version *version, const char *why) {
    tow_python_on_loaded on_loaded = version->on_loaded;
    version->on_loaded = NULL;
    if (on_loaded == NULL)
        return;
    if (why != NULL) {
        on_loaded(version->user, NULL, why);
        return;
    }
    const tow_handler handler = tow_python_handler(version);
    tow_python_version_retain(version);
    on_loaded(version->user, &handler, NULL);
}

/* What the process is told. */

static void ask_for(tow_python *python, tow_python_version *version) {
    version->asked = true;
    tow_python_tell_of(python, TOW_PYTHON_LOAD, version);
}

static int count_asked(const tow_python *python) {
    int count = 0;
    for (const tow_python_version *version = python->versions; version != NULL; version = version->next)
        count += version->asked && version->on_loaded != NULL;
    return count;
}

/* All that is new, or one of it. */
static void ask_for_new(tow_python *python) {
    tow_python_version *version = python->versions;
    bool one_waits = python->careful && count_asked(python) > 0;
    for (; version != NULL && !one_waits; version = version->next) {
        if (version->on_loaded == NULL || version->asked)
            continue;
        ask_for(python, version);
        one_waits = python->careful;
    }
    if (!one_waits)
        python->careful = false;
}

/* What it says. */

static void hear_log(const tow_python *python, const tow_python_said *said) {
    if (said->length == 0)
        return;
    int level = said->bytes[0];
    if (level < TOW_LOG_ERROR || level > TOW_LOG_DEBUG)
        level = TOW_LOG_DEBUG;
    tow_python_say(python, level, "%.*s", (int)said->length - 1, (const char *)said->bytes + 1);
}

static void hear_of_version(tow_python *python, const tow_python_said *said) {
    char why[TOW_HANDLER_TEXT_MAX];
    if (said->length < 8)
        return;
    tow_python_version *version = tow_python_version_find(python, tow_python_version_of(said->bytes));
    if (version == NULL)
        return;
    tow_text_format(why, sizeof(why), "%.*s", (int)said->length - 8, (const char *)said->bytes + 8);
    bool is_new = version->on_loaded != NULL;
    version->asked = false;
    bool failed = said->operation == TOW_PYTHON_FAILED;
    if (!is_new && failed) /* in a process that was started again */
        tow_python_say(python, TOW_LOG_ERROR, "%s", why);
    tell_loaded(version, failed ? why : NULL);
    if (!is_new)
        return;
    tow_python_version_release(version);
    ask_for_new(python);
}

static void hear(tow_python *python, const tow_python_said *said) {
    python->speaks = true;
    atomic_store_explicit(&python->broken, false, memory_order_relaxed);
    if (said->operation == TOW_PYTHON_LOG)
        hear_log(python, said);
    else if (said->operation == TOW_PYTHON_LOADED || said->operation == TOW_PYTHON_FAILED)
        hear_of_version(python, said);
    else if (said->operation == TOW_PYTHON_ALIVE)
        tow_python_life_sign(&python->life);
}

/* What a handler has written there instead is garbage: with a process that says such nothing can be done. */
static void output_came(tow_byte_stream *stream, void *bytes, size_t length) {
    tow_python *python = tow_byte_stream_user(stream);
    tow_python_said said;
    if (tow_buffer_append(&python->unheard, bytes, length) != 0) {
        tow_python_give_up(python);
        return;
    }
    const uint8_t *at = python->unheard.data;
    size_t left = python->unheard.length;
    int result;
    while ((result = tow_python_next(&at, &left, &said)) == 1)
        hear(python, &said);
    tow_buffer_consume(&python->unheard, python->unheard.length - left);
    if (result < 0)
        tow_python_give_up(python);
}

static void errors_came(tow_command *command, const char *bytes, size_t length) {
    tow_error_lines_take(&of(command)->lines, command, bytes, length);
}

static void stream_writable(tow_byte_stream *stream) {
    tow_python_write_unsaid(tow_byte_stream_user(stream));
}

/* Whether it serves. */

static tow_python *of_life(tow_python_life *life) {
    return (tow_python *)(void *)((char *)life - offsetof(tow_python, life));
}

static void ask_for_sign(tow_python_life *life) {
    tow_python_tell(of_life(life), TOW_PYTHON_ALIVE, 0, "");
}

static void hears_nothing(tow_python_life *life) {
    tow_python *python = of_life(life);
    tow_python_say(python, TOW_LOG_ERROR,
        "the process of the Python handlers serves no more, and has said nothing for %d seconds: it is ended",
        life->patience_seconds);
    tow_python_give_up(python);
}

static void watch_life(tow_python *python) {
    static const tow_python_life_events events = {.on_ask = ask_for_sign, .on_silence = hears_nothing};
    int patience = python->settings->answer_seconds;
    if (patience != TOW_OFF)
        tow_python_life_begin(
            &python->life, python->place.loop, patience > 0 ? patience : ANSWER_SECONDS, &events);
}

/* Beginning and end of the process. */

static void start_process(tow_python *python);

static void start_again(tow_timer *timer) {
    start_process((tow_python *)(void *)((char *)timer - offsetof(tow_python, again)));
}

/* Of several new files it may have died of any: they are loaded again, one by one. */
static void refuse_loads(tow_python *python) {
    python->careful = python->speaks && !python->ends && count_asked(python) > 1;
    for (tow_python_version *version = python->versions, *next; version != NULL; version = next) {
        next = version->next;
        bool is_suspect = version->asked || !python->speaks || python->ends;
        version->asked = false;
        if (version->on_loaded == NULL || !is_suspect || python->careful)
            continue;
        tell_loaded(version, "the process of the Python handlers has ended while it was loaded");
        tow_python_version_release(version);
    }
}

static void wait_and_start(tow_python *python, int64_t delay) {
    tow_loop *loop = python->place.loop;
    if (python->versions != NULL)
        tow_timer_set(loop, &python->again, tow_loop_now(loop) + delay, start_again);
}

/* One that dies at once is not started all the time. */
static int64_t delay_after(const tow_python *python) {
    bool was_short = tow_loop_now(python->place.loop) - python->began < RESTART_AFTER && !python->careful;
    return was_short ? RESTART_AFTER : 1;
}

static void say_exit(const tow_python *python, int status) {
    const char *again = python->versions != NULL ? "; it is started again" : "";
    if (status > 128)
        tow_python_say(python, TOW_LOG_ERROR, "the process of the Python handlers was ended by signal %d%s",
            status - 128, again);
    else
        tow_python_say(python, TOW_LOG_ERROR, "the process of the Python handlers has ended with status %d%s",
            status, again);
}

/* When it has exited and its stream is closed. */
static void is_over(tow_python *python) {
    if (python->stream != NULL || tow_command_runs(&python->command))
        return;
    refuse_loads(python);
    if (python->ends)
        return;
    if (!python->speaks)
        atomic_store_explicit(&python->broken, true, memory_order_relaxed);
    say_exit(python, tow_command_status(&python->command));
    wait_and_start(python, delay_after(python));
}

static void exited(tow_command *command) {
    tow_python *python = of(command);
    tow_error_lines_end(&python->lines, command);
    tow_python_give_up(python);
    is_over(python);
}

static void stream_closed(tow_byte_stream *stream) {
    tow_python *python = tow_byte_stream_user(stream);
    python->stream = NULL;
    tow_buffer_clear(&python->unsaid);
    tow_buffer_clear(&python->unheard);
    is_over(python);
}

static void stream_ended(tow_byte_stream *stream) {
    tow_python_give_up(tow_byte_stream_user(stream));
}

static void stream_failed(tow_byte_stream *stream, int error, const char *text) {
    (void)error, (void)text;
    tow_python_give_up(tow_byte_stream_user(stream));
}

/* Where mod_pywebsocket is: beside the program's folder where it is installed, or in the source. */
static int find_modules(char out[PATH_MAX_LENGTH]) {
    static const char *const places[] = {"../share/towline/python", "../python"};
    char self[PATH_MAX_LENGTH - 100];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length <= 0)
        return TOW_ERROR_SYSTEM;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(out, PATH_MAX_LENGTH, "%s/%s/towline_host.py", self, places[i]);
        if (access(out, R_OK) == 0)
            return 0;
    }
    return TOW_ERROR_NO_FILE;
}

static int command_start(tow_python *python, const char *const *arguments, const char *const *environment) {
    const tow_command_options command = {.child = {.arguments = arguments,
                                             .environment = environment,
                                             .directory = python->settings->directory,
                                             .handed = python->listener,
                                             .nursery = python->place.nursery},
        .on_exit = exited,
        .on_errors = errors_came};
    const tow_byte_stream_options stream = {.user = python,
        .on_bytes = output_came,
        .on_writable = stream_writable,
        .on_end = stream_ended,
        .on_error = stream_failed,
        .on_closed = stream_closed};
    return tow_command_start(&python->command, &python->stream, python->place.loop, &command, &stream);
}

/* With our environment, or what the settings have of it. */
static int command_start_with(tow_python *python, const char *const *arguments) {
    const char *const *allowed = python->settings->environment;
    tow_environment environment = {0};
    if (allowed == NULL)
        return command_start(python, arguments, NULL);
    int error = tow_environment_make(&environment, NULL, NULL, NULL, allowed);
    if (error == 0)
        error = command_start(python, arguments, environment.variables);
    tow_environment_clear(&environment);
    return error;
}

static int run(tow_python *python, char why[TOW_HANDLER_TEXT_MAX]) {
    char script[PATH_MAX_LENGTH];
    const tow_python_settings *settings = python->settings;
    const char *interpreter = settings->interpreter != NULL ? settings->interpreter : "python3";
    int error = find_modules(script);
    if (error != 0) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "the program's folder share/towline/python is not there");
        return error;
    }
    const char *const arguments[] = {
        interpreter, script, settings->encoding != NULL ? settings->encoding : "", NULL};
    python->command = (tow_command){0};
    python->began = tow_loop_now(python->place.loop);
    python->lines = (tow_error_lines){.log = python->place.log, .name = "python"};
    error = command_start_with(python, arguments);
    if (error != 0)
        tow_text_format(why, TOW_HANDLER_TEXT_MAX, "%s: %s", interpreter, tow_strerror(error));
    else
        watch_life(python);
    return error;
}

/* Nobody has it any more, though the letter that takes it off the list is still on its way: of this file the
 * last process may have died. */
static bool is_gone(const tow_python_version *version) {
    return atomic_load_explicit(&version->holders, memory_order_acquire) == 0;
}

/* What there is of files is loaded anew. */
static void start_process(tow_python *python) {
    char why[TOW_HANDLER_TEXT_MAX];
    python->speaks = false;
    if (run(python, why) != 0) {
        tow_python_say(python, TOW_LOG_ERROR, "Python handlers: %s", why);
        if (!tow_command_runs(&python->command))
            wait_and_start(python, RESTART_AFTER);
        return;
    }
    for (tow_python_version *version = python->versions; version != NULL; version = version->next)
        if (version->on_loaded == NULL && !is_gone(version))
            ask_for(python, version);
    ask_for_new(python);
}

/* The socket, which nobody else may reach. */
static int listen_in_folder(tow_python *python) {
    tow_address addresses[TOW_ADDRESSES_MAX], bound;
    char text[sizeof(python->folder) + 16];
    snprintf(python->folder, sizeof(python->folder), "/tmp/towline-XXXXXX");
    if (mkdtemp(python->folder) == NULL)
        return TOW_ERROR_SYSTEM;
    snprintf(text, sizeof(text), "unix:%s/python", python->folder);
    int count = tow_address_parse(text, addresses);
    python->listener = count < 1 ? count : tow_listen_socket(python->place.loop, addresses, NULL, &bound);
    python->address = addresses[0];
    return python->listener < 0 ? python->listener : 0;
}

int tow_python_load(tow_python *python, const char *file, tow_python_on_loaded on_loaded, void *user,
    char why[TOW_HANDLER_TEXT_MAX]) {
    int error = python->listener < 0 ? listen_in_folder(python) : 0;
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
    bool is_there = python->stream != NULL || tow_command_runs(&python->command);
    if (error == 0 && !is_there && !tow_timer_is_set(&python->again))
        error = run(python, why);
    if (error != 0)
        return error;
    tow_python_version *version = tow_python_version_new(python, file);
    if (version == NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
        return TOW_ERROR_MEMORY;
    }
    version->on_loaded = on_loaded;
    version->user = user;
    if (python->stream != NULL)
        ask_for_new(python);
    return 0;
}

int tow_python_new(tow_python **python, const tow_python_settings *settings, const tow_handler_place *place) {
    tow_python *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->settings = settings;
    made->place = *place;
    made->listener = -1;
    made->descriptors = tow_descriptors_retain(tow_server_descriptors(place->server));
    pthread_mutex_init(&made->mutex, NULL);
    *python = made;
    return 0;
}

void tow_python_end(tow_python *python) {
    if (python == NULL)
        return;
    python->ends = true;
    tow_timer_cancel(python->place.loop, &python->again);
    tow_python_give_up(python);
}

void tow_python_free(tow_python *python) {
    if (python == NULL)
        return;
    tow_python_connections_free(python);
    for (tow_python_version *version = python->versions, *next; version != NULL; version = next) {
        next = version->next;
        free(version);
    }
    if (python->listener >= 0) {
        close(python->listener);
        tow_listen_remove(&python->address);
    }
    if (python->folder[0] != '\0')
        rmdir(python->folder);
    pthread_mutex_destroy(&python->mutex);
    tow_descriptors_release(python->descriptors);
    free(python);
}
