#include "error_lines.h"

#include "transport/loop.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <towline/log.h>
#include <towline/protocol.h>

enum { ESCAPED_MAX = 4 * TOW_ERROR_LINE_MAX + 1 };

/* A text that is UTF-8 keeps what is not ASCII. */
static void escape(char out[ESCAPED_MAX], const char *text, size_t length) {
    bool is_utf8 = tow_utf8_valid(text, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool is_printable = byte >= 0x80 ? is_utf8 : byte >= ' ' && byte != 0x7f;
        if (is_printable)
            *out++ = (char)byte;
        else
            out += snprintf(out, 5, byte == '\t' ? "\\t" : "\\x%02x", byte);
    }
    *out = '\0';
}

static void write_line(const tow_error_lines *lines, const char *text, bool is_cut) {
    char line[ESCAPED_MAX + 200];
    snprintf(line, sizeof(line), "%.150s: %s%s", lines->name, text, is_cut ? "..." : "");
    if (lines->log.write != NULL)
        lines->log.write(lines->log.user, TOW_LOG_INFO, line);
}

static void begin_second(tow_error_lines *lines, int64_t now) {
    char text[80];
    lines->second = now;
    lines->count = 0;
    if (lines->left_out == 0)
        return;
    snprintf(text, sizeof(text), "%lld lines on standard error were left out", (long long)lines->left_out);
    lines->left_out = 0;
    write_line(lines, text, false);
}

static void end_line(tow_error_lines *lines) {
    char text[ESCAPED_MAX];
    size_t length = lines->length;
    if (length > 0 && lines->line[length - 1] == '\r')
        length--;
    escape(text, lines->line, length);
    if (lines->count++ < TOW_ERROR_LINES_RATE)
        write_line(lines, text, lines->cut);
    else
        lines->left_out++;
    lines->length = 0;
    lines->cut = false;
}

static void add(tow_error_lines *lines, const char *bytes, size_t length) {
    size_t room = sizeof(lines->line) - lines->length;
    size_t some = length < room ? length : room;
    memcpy(lines->line + lines->length, bytes, some);
    lines->length += some;
    lines->cut |= some < length;
}

static void read_again(tow_timer *timer) {
    tow_error_lines *lines = (tow_error_lines *)(void *)((char *)timer - offsetof(tow_error_lines, timer));
    begin_second(lines, tow_loop_now(lines->command->child.watch.loop));
    if (lines->command->errors != NULL)
        tow_byte_stream_resume(lines->command->errors);
}

void tow_error_lines_take(tow_error_lines *lines, tow_command *command, const char *bytes, size_t length) {
    tow_loop *loop = command->child.watch.loop;
    lines->command = command;
    if (tow_loop_now(loop) - lines->second >= TOW_SECOND)
        begin_second(lines, tow_loop_now(loop));
    for (const char *end = bytes + length, *feed; bytes < end; bytes = feed + 1) {
        feed = memchr(bytes, '\n', (size_t)(end - bytes));
        if (feed == NULL) {
            add(lines, bytes, (size_t)(end - bytes));
            break;
        }
        add(lines, bytes, (size_t)(feed - bytes));
        end_line(lines);
    }
    if (lines->count <= TOW_ERROR_LINES_RATE || tow_timer_is_set(&lines->timer))
        return;
    tow_byte_stream_pause(command->errors);
    tow_timer_set(loop, &lines->timer, lines->second + TOW_SECOND, read_again);
}

void tow_error_lines_end(tow_error_lines *lines, tow_command *command) {
    tow_timer_cancel(command->child.watch.loop, &lines->timer);
    if (lines->length > 0)
        end_line(lines);
    begin_second(lines, 0);
}
