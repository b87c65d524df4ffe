/* session_line: what a line typed on the terminal means. */
#include "session.h"

#include "base/number.h"
#include "suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

enum { REASON_MAX = 123, PING_MAX = 125 };

typedef struct line_command {
    const char *name;
    void (*run)(tow_session *session, const char *rest); /* what stands behind the name, "" if nothing */
    const char *help;
} line_command;

static void run_ping(tow_session *session, const char *rest) {
    if (strlen(rest) > PING_MAX)
        tow_view_notice(&session->view, "/ping: a Ping holds at most %d bytes", PING_MAX);
    else
        tow_session_ping(session, rest, strlen(rest));
}

static void run_close(tow_session *session, const char *rest) {
    char code_text[8] = "";
    int64_t code = 1000;
    size_t digits = strcspn(rest, " ");
    const char *reason = rest + digits + strspn(rest + digits, " ");
    if (digits > 0) {
        snprintf(code_text, sizeof(code_text), "%.*s", digits < 7 ? (int)digits : 7, rest);
        if (tow_number_parse(code_text, &code) != 0 || (code != 1000 && (code < 3000 || code > 4999))) {
            tow_view_notice(&session->view,
                "/close: a client may send 1000 and 3000 to 4999; a reason stands behind the code");
            return;
        }
    }
    if (strlen(reason) > REASON_MAX)
        tow_view_notice(&session->view, "/close: a reason has at most %d bytes", REASON_MAX);
    else
        tow_session_leave(session, (uint16_t)code, reason[0] != '\0' ? reason : NULL);
}

/* Reads a whole file that is at most `limit` bytes long. Errors: SYSTEM (errno tells), LIMIT, MEMORY. */
static int file_read(const char *name, int64_t limit, tow_buffer *bytes) {
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return TOW_ERROR_SYSTEM;
    int error = 0;
    ssize_t count = 1;
    while (error == 0 && count > 0) {
        error = tow_buffer_reserve(bytes, 65536);
        if (error != 0)
            break;
        count = read(fd, bytes->data + bytes->length, 65536);
        if (count < 0 && errno != EINTR)
            error = TOW_ERROR_SYSTEM;
        bytes->length += count > 0 ? (size_t)count : 0;
        if (error == 0 && (int64_t)bytes->length > limit)
            error = TOW_ERROR_LIMIT;
    }
    close(fd);
    return error;
}

static void run_binary(tow_session *session, const char *rest) {
    tow_buffer bytes = {0};
    int error = rest[0] == '\0' ? TOW_ERROR_ARGUMENT : file_read(rest, INT64_C(1) << 30, &bytes);
    if (error == TOW_ERROR_ARGUMENT)
        tow_view_notice(&session->view, "/binary: which file?");
    else if (error != 0)
        tow_view_notice(&session->view, "/binary: %s: %s", rest,
            error == TOW_ERROR_SYSTEM ? strerror(errno) : tow_strerror(error));
    if (error == 0) {
        tow_session_send(session, TOW_BINARY, bytes.data, bytes.length);
        tow_view_sent(&session->view, TOW_BINARY, bytes.data, bytes.length);
    }
    tow_buffer_clear(&bytes);
}

static void run_help(tow_session *session, const char *rest);

static const line_command commands[] = {
    {"ping", run_ping, "/ping [TEXT]             send a Ping, show how long the Pong takes"},
    {"close", run_close, "/close [CODE [REASON]]   close and leave; also ^D"},
    {"binary", run_binary, "/binary FILE             send a file as a binary message"},
    {"help", run_help, "/help                    this; // sends a line that begins with a slash"},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void run_help(tow_session *session, const char *rest) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        tow_view_notice(&session->view, "%s", commands[i].help);
}

static void unknown_command(tow_session *session, const char *word) {
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = tow_suggest(word, names, COMMAND_COUNT);
    if (nearest != NULL)
        tow_view_notice(&session->view,
            "no command /%s; did you mean /%s? (// sends a line that begins with a slash)", word, nearest);
    else
        tow_view_notice(&session->view,
            "no command /%s; /help lists them, // sends a line that begins with a slash", word);
}

static void command_run(tow_session *session, const char *line) {
    char word[32];
    size_t length = strcspn(line, " ");
    const char *rest = line + length + strspn(line + length, " ");
    snprintf(word, sizeof(word), "%.*s", length < 31 ? (int)length : 31, line);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, word) == 0) {
            commands[i].run(session, rest);
            return;
        }
    unknown_command(session, word);
}

void tow_session_line(tow_session *session, const char *line) {
    if (line[0] == '/' && line[1] != '/') {
        command_run(session, line + 1);
        return;
    }
    const char *text = line[0] == '/' ? line + 1 : line;
    tow_session_send(session, session->settings->binary ? TOW_BINARY : TOW_TEXT, text, strlen(text));
}
