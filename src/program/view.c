#include "view.h"

#include "display.h"
#include "base/number.h"
#include "paint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

enum { INDENT = 2, HEX_SHOWN_MAX = 256 };

void tow_view_init(tow_view *view, tow_loop *loop, void (*on_change)(tow_writer *), void *user) {
    *view = (tow_view){.file = -1,
        .terminal = isatty(STDOUT_FILENO),
        .painted = tow_paint_wanted(STDOUT_FILENO),
        .notices_terminal = isatty(STDERR_FILENO),
        .notices_painted = tow_paint_wanted(STDERR_FILENO)};
    tow_writer_init(&view->output, loop, STDOUT_FILENO, on_change, user);
}

int tow_view_open_file(tow_view *view, const char *name) {
    view->file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    view->file_name = name;
    return view->file < 0 ? TOW_ERROR_SYSTEM : 0;
}

static int write_all(int fd, const void *bytes, size_t length) {
    const char *from = bytes;
    while (length > 0) {
        ssize_t count = write(fd, from, length);
        if (count <= 0)
            return TOW_ERROR_SYSTEM;
        from += count;
        length -= (size_t)count;
    }
    return 0;
}

/* To standard output, which on a terminal may have a line that is being typed. */
static int print(tow_view *view, const tow_buffer *text) {
    if (view->editor == NULL)
        return tow_writer_write(&view->output, text->data, text->length);
    tow_editor_print(view->editor, text->data, text->length);
    return 0;
}

static int mark_append(tow_buffer *text, const tow_view *view, char mark) {
    tow_colour colour = mark == '<' ? TOW_COLOUR_CYAN : TOW_COLOUR_GREEN;
    return tow_buffer_append_format(
        text, "%s%c%s ", tow_paint(view->painted, colour), mark, tow_paint_end(view->painted));
}

/* The note of a binary message: "binary, 1.5 KiB" and where it went. */
static int note_append(tow_buffer *text, const tow_view *view, size_t length, const char *rest) {
    char size[TOW_SIZE_TEXT_MAX];
    tow_size_text(length, size);
    return tow_buffer_append_format(text, "%sbinary, %s%s%s\n", tow_paint(view->painted, TOW_COLOUR_DIM),
        size, rest, tow_paint_end(view->painted));
}

static int hex_append(tow_buffer *text, const tow_view *view, const void *data, size_t length) {
    size_t shown = length > HEX_SHOWN_MAX ? HEX_SHOWN_MAX : length;
    char rest[64] = "";
    if (shown < length)
        snprintf(rest, sizeof(rest), "; the first %zu bytes (-O FILE keeps all)", shown);
    int error = note_append(text, view, length, rest);
    return error != 0 ? error : tow_display_hex(text, data, shown, INDENT);
}

/* A message as a terminal shows it. */
static int marked_append(tow_buffer *text, const tow_view *view, char mark, tow_message_type type,
    const void *data, size_t length) {
    int error = mark_append(text, view, mark);
    if (error != 0)
        return error;
    if (type == TOW_BINARY)
        return mark == '<' ? hex_append(text, view, data, length) : note_append(text, view, length, "");
    error = tow_display_text(text, data, length, INDENT, view->painted);
    return error != 0 ? error : tow_buffer_append_text(text, "\n");
}

static int marked_print(tow_view *view, char mark, tow_message_type type, const void *data, size_t length) {
    tow_buffer text = {0};
    int error = marked_append(&text, view, mark, type, data, length);
    if (error == 0)
        error = print(view, &text);
    tow_buffer_clear(&text);
    return error;
}

static int file_append(tow_view *view, const tow_message *message) {
    int error = write_all(view->file, message->data, message->length);
    if (error != 0 || !view->terminal)
        return error;
    tow_buffer text = {0};
    error = mark_append(&text, view, '<');
    if (error == 0)
        error = note_append(&text, view, message->length, ", appended to the file");
    if (error == 0)
        error = print(view, &text);
    tow_buffer_clear(&text);
    return error;
}

int tow_view_message(tow_view *view, const tow_message *message) {
    if (message->type == TOW_BINARY && view->file >= 0)
        return file_append(view, message);
    if (view->terminal)
        return marked_print(view, '<', message->type, message->data, message->length);
    int error = tow_writer_write(&view->output, message->data, message->length);
    return error != 0 || message->type == TOW_BINARY ? error : tow_writer_write(&view->output, "\n", 1);
}

int tow_view_sent(tow_view *view, tow_message_type type, const void *data, size_t length) {
    return view->terminal ? marked_print(view, '>', type, data, length) : 0;
}

/* To standard error, which is mostly the same terminal as standard output, or goes to the same file. */
static void notice_print(tow_view *view, const tow_buffer *text) {
    tow_writer_push(&view->output);
    if (view->editor != NULL && view->notices_terminal)
        tow_editor_print(view->editor, text->data, text->length);
    else if (write_all(STDERR_FILENO, text->data, text->length) != 0)
        return; /* nobody is left to be told */
}

static int line_append(
    tow_buffer *text, tow_colour colour, bool painted, const char *before, const char *line, size_t length) {
    int error = tow_buffer_append_format(text, "%s%s", tow_paint(painted, colour), before);
    if (error == 0)
        error = tow_display_text(text, line, length, INDENT, false);
    return error != 0 ? error : tow_buffer_append_format(text, "%s\n", tow_paint_end(painted));
}

__attribute__((format(printf, 4, 0))) static void line_print(
    tow_view *view, tow_colour colour, const char *before, const char *format, va_list arguments) {
    tow_buffer line = {0};
    tow_buffer text = {0};
    int error = tow_buffer_append_format_list(&line, format, arguments);
    if (error == 0)
        error =
            line_append(&text, colour, view->notices_painted, before, (const char *)line.data, line.length);
    if (error == 0)
        notice_print(view, &text);
    tow_buffer_clear(&line);
    tow_buffer_clear(&text);
}

/* That the reader of our output has seen enough and is gone needs no words. */
void tow_view_output_lost(tow_view *view) {
    if (view->output.reason != EPIPE)
        tow_view_error(view, "writing to standard output: %s", strerror(view->output.reason));
}

void tow_view_notice(tow_view *view, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line_print(view, TOW_COLOUR_DIM, "* ", format, arguments);
    va_end(arguments);
}

void tow_view_error(tow_view *view, const char *format, ...) {
    char before[32];
    va_list arguments;
    va_start(arguments, format);
    snprintf(before, sizeof(before), "towline %s: ", view->command);
    line_print(view, TOW_COLOUR_RED, before, format, arguments);
    va_end(arguments);
}

int tow_view_clear(tow_view *view) {
    int earlier = view->output.error;
    int error = tow_writer_finish(&view->output);
    if (error != earlier)
        tow_view_output_lost(view);
    if (view->file >= 0 && close(view->file) != 0) {
        tow_view_error(view, "writing to %s: %s", view->file_name, strerror(errno));
        error = TOW_ERROR_SYSTEM;
    }
    view->file = -1;
    return error;
}

void tow_view_head(tow_view *view, char mark, const char *head, size_t length) {
    tow_buffer text = {0};
    const char before[] = {mark, ' ', '\0'};
    int error = 0;
    while (error == 0 && length > 0) {
        const char *feed = memchr(head, '\n', length);
        size_t line = feed != NULL ? (size_t)(feed - head) : length;
        size_t shown = line > 0 && head[line - 1] == '\r' ? line - 1 : line;
        error = line_append(&text, TOW_COLOUR_NONE, false, before, head, shown);
        head += feed != NULL ? line + 1 : line;
        length -= feed != NULL ? line + 1 : line;
    }
    if (error == 0)
        notice_print(view, &text);
    tow_buffer_clear(&text);
}
