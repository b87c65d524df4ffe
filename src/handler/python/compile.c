#include "handler/python.h"

#include "../command.h"
#include "base/buffer.h"
#include "base/text.h"
#include "transport/loop.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>

enum { COMPILE_SECONDS = 10, WORDS_MAX = TOW_HANDLER_TEXT_MAX };

/* The file and its encoding ("": the locale's) follow. */
static const char script[] = "import sys\n"
                             "file, encoding = sys.argv[1:]\n"
                             "try:\n"
                             "    with open(file, encoding=encoding or None) as opened:\n"
                             "        compile(opened.read(), file, 'exec', dont_inherit=True)\n"
                             "except SyntaxError as error:\n"
                             "    sys.exit('%s:%s: %s: %s' % (file, error.lineno, type(error).__name__, "
                             "error.msg))\n"
                             "except Exception as error:\n"
                             "    sys.exit('%s: %s' % (file, error))\n";

typedef struct compilation {
    tow_command command; /* first */
    tow_byte_stream *stream;
    tow_timer deadline;
    tow_buffer words;
    bool is_late;
} compilation;

static void on_exit_of(tow_command *command) {
    (void)command; /* the round that waited for it ends */
}

static void on_errors(tow_command *command, const char *bytes, size_t length) {
    compilation *now = (compilation *)(void *)command;
    size_t room = WORDS_MAX - now->words.length;
    (void)tow_buffer_append(&now->words, bytes, length < room ? length : room);
}

static void on_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    (void)stream, (void)bytes, (void)length;
}

static void on_end(tow_byte_stream *stream) {
    tow_byte_stream_close(stream);
}

static void on_error(tow_byte_stream *stream, int error, const char *text) {
    (void)error, (void)text;
    tow_byte_stream_close(stream);
}

static void on_closed(tow_byte_stream *stream) {
    ((compilation *)tow_byte_stream_user(stream))->stream = NULL;
}

static void give_up(tow_timer *timer) {
    compilation *now = (compilation *)(void *)((char *)timer - offsetof(compilation, deadline));
    now->is_late = true;
    if (now->stream != NULL)
        tow_byte_stream_close(now->stream);
}

/* What the interpreter thinks of it, when it has ended. */
static int judge(const compilation *now, const char *file, char why[TOW_HANDLER_TEXT_MAX]) {
    int length = (int)now->words.length;
    while (length > 0 && now->words.data[length - 1] == '\n')
        length--;
    if (!now->is_late && tow_command_status(&now->command) == 0)
        return 0;
    if (now->is_late)
        tow_text_format(
            why, TOW_HANDLER_TEXT_MAX, "%.200s: it has not been compiled within %d s", file, COMPILE_SECONDS);
    else
        tow_text_format(why, TOW_HANDLER_TEXT_MAX, "%.*s", length, (const char *)now->words.data);
    return TOW_ERROR_ARGUMENT;
}

int tow_python_compile(
    const tow_python_settings *settings, tow_loop *loop, const char *file, char why[TOW_HANDLER_TEXT_MAX]) {
    const char *interpreter = settings->interpreter != NULL ? settings->interpreter : "python3";
    const char *encoding = settings->encoding != NULL ? settings->encoding : "";
    const char *const arguments[] = {interpreter, "-I", "-S", "-c", script, file, encoding, NULL};
    compilation now = {0};
    int error = tow_command_start(&now.command, &now.stream, loop,
        &(tow_command_options){
            .child = {.arguments = arguments}, .on_exit = on_exit_of, .on_errors = on_errors},
        &(tow_byte_stream_options){.user = &now,
            .on_bytes = on_bytes,
            .on_end = on_end,
            .on_error = on_error,
            .on_closed = on_closed});
    if (error != 0)
        tow_text_format(why, TOW_HANDLER_TEXT_MAX, "%s: %s", interpreter, tow_strerror(error));
    else
        tow_timer_set(loop, &now.deadline, tow_loop_now(loop) + COMPILE_SECONDS * TOW_SECOND, give_up);
    while (tow_command_runs(&now.command) || now.stream != NULL)
        tow_loop_round(loop);
    tow_timer_cancel(loop, &now.deadline);
    if (error == 0)
        error = judge(&now, file, why);
    tow_buffer_clear(&now.words);
    return error;
}
