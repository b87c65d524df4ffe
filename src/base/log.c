#include "base/log.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <towline/error.h>
#include <unistd.h>

enum { DEFAULT_CAPACITY = 256 * 1024 };

struct tow_log {
    pthread_mutex_t mutex;
    tow_buffer waiting;
    size_t capacity;
    char *path; /* NULL: the descriptor is the caller's */
    int descriptor;
    int level;
    bool json;
    uint64_t dropped;
    uint64_t reported; /* of the dropped lines, those that the log has told of */
};

static const char *const level_names[] = {
    "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

static const char *level_name(int level) {
    return level >= 0 && level <= 7 ? level_names[level] : "unknown";
}

/* A FIFO that nobody reads is an error, not a wait. */
static int open_file(const char *path, int *descriptor) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
    if (fd < 0)
        return errno == EACCES || errno == EPERM ? TOW_ERROR_PERMISSION : TOW_ERROR_SYSTEM;
    *descriptor = fd;
    return 0;
}

static int log_open(tow_log *log, const char *path) {
    if (path == NULL)
        return 0;
    log->path = strdup(path);
    return log->path == NULL ? TOW_ERROR_MEMORY : open_file(path, &log->descriptor);
}

int tow_log_new(tow_log **out, const tow_log_options *options) {
    tow_log *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return TOW_ERROR_MEMORY;
    log->descriptor = options->path == NULL ? options->descriptor : -1;
    log->level = options->level != 0 ? options->level : TOW_LOG_INFO;
    log->json = options->json;
    log->capacity = options->capacity != 0 ? options->capacity : DEFAULT_CAPACITY;
    pthread_mutex_init(&log->mutex, NULL);
    int error = log_open(log, options->path);
    if (error != 0) {
        tow_log_free(log);
        return error;
    }
    *out = log;
    return 0;
}

void tow_log_free(tow_log *log) {
    if (log == NULL)
        return;
    tow_log_flush(log);
    if (log->path != NULL && log->descriptor >= 0)
        close(log->descriptor);
    pthread_mutex_destroy(&log->mutex);
    tow_buffer_clear(&log->waiting);
    free(log->path);
    free(log);
}

/* Formatting. */

static int append_time(tow_buffer *out, int64_t milliseconds) {
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm calendar;
    char text[32];
    if (gmtime_r(&seconds, &calendar) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &calendar) == 0)
        return TOW_ERROR_ARGUMENT;
    return tow_buffer_append_format(out, "%s.%03dZ", text, (int)(milliseconds % 1000));
}

/* A string of JSON (RFC 8259, section 7). Bytes beyond ASCII are written as what they are in Latin-1, since
 * nobody promises that they are UTF-8. */
static int append_json(tow_buffer *out, const char *text) {
    int error = 0;
    for (; error == 0 && *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            error = tow_buffer_append_format(out, "\\%c", *text);
        else if (*text >= ' ' && *text <= '~')
            error = tow_buffer_append(out, text, 1);
        else
            error = tow_buffer_append_format(out, "\\u%04x", (unsigned char)*text);
    }
    return error;
}

/* Control characters could fake a line, or drive a terminal. */
static int append_plain(tow_buffer *out, const char *text) {
    size_t start = out->length;
    int error = tow_buffer_append_text(out, text);
    for (size_t i = start; error == 0 && i < out->length; i++) {
        if (out->data[i] < ' ' || out->data[i] == 0x7f)
            out->data[i] = '?';
    }
    return error;
}

static int append_text_line(tow_buffer *out, int level, int64_t milliseconds, const char *line) {
    int error = append_time(out, milliseconds);
    if (error == 0)
        error = tow_buffer_append_format(out, " %s ", level_name(level));
    if (error == 0)
        error = append_plain(out, line);
    return error != 0 ? error : tow_buffer_append(out, "\n", 1);
}

static int append_json_field(tow_buffer *out, const tow_log_field *field) {
    if (field->text == NULL)
        return tow_buffer_append_format(out, ",\"%s\":%" PRId64, field->name, field->number);
    int error = tow_buffer_append_format(out, ",\"%s\":\"", field->name);
    if (error == 0)
        error = append_json(out, field->text);
    return error != 0 ? error : tow_buffer_append(out, "\"", 1);
}

static int append_json_line(tow_buffer *out, int64_t milliseconds, const tow_log_entry *entry) {
    const tow_log_field line = {.name = "message", .text = entry->line};
    const tow_log_field *fields = entry->field_count > 0 ? entry->fields : &line;
    size_t count = entry->field_count > 0 ? entry->field_count : 1;
    int error = tow_buffer_append_text(out, "{\"time\":\"");
    if (error == 0)
        error = append_time(out, milliseconds);
    if (error == 0)
        error = tow_buffer_append_format(out, "\",\"level\":\"%s\"", level_name(entry->level));
    for (size_t i = 0; error == 0 && i < count; i++)
        error = append_json_field(out, &fields[i]);
    return error != 0 ? error : tow_buffer_append_text(out, "}\n");
}

/* The buffer. */

/* Appends the line if there is room for it, else counts it as dropped. */
static bool append_entry(tow_log *log, int64_t milliseconds, const tow_log_entry *entry) {
    size_t before = log->waiting.length;
    int error = log->json ? append_json_line(&log->waiting, milliseconds, entry)
                          : append_text_line(&log->waiting, entry->level, milliseconds, entry->line);
    if (error == 0 && log->waiting.length <= log->capacity)
        return true;
    log->waiting.length = before;
    return false;
}

static void report_dropped(tow_log *log, int64_t milliseconds) {
    char line[64];
    if (log->dropped == log->reported)
        return;
    snprintf(line, sizeof(line), "%llu lines were dropped here",
        (unsigned long long)(log->dropped - log->reported));
    if (append_entry(log, milliseconds, &(tow_log_entry){.level = TOW_LOG_WARNING, .line = line}))
        log->reported = log->dropped;
}

/* A pipe that is writable takes PIPE_BUF bytes without a wait, whether its descriptor is non-blocking or not.
 */
static ssize_t write_some(const tow_log *log) {
    struct pollfd ready = {.fd = log->descriptor, .events = POLLOUT};
    size_t length = log->waiting.length < PIPE_BUF ? log->waiting.length : PIPE_BUF;
    if (poll(&ready, 1, 0) != 1)
        return 0;
    ssize_t written = write(log->descriptor, log->waiting.data, length);
    if (written < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return written;
}

/* A descriptor that can't be written to (no reader, no space) takes no lines: they are dropped. */
static void drop_all(tow_log *log) {
    for (size_t i = 0; i < log->waiting.length; i++)
        log->dropped += log->waiting.data[i] == '\n';
    log->waiting.length = 0;
}

static void flush_locked(tow_log *log) {
    while (log->waiting.length > 0) {
        ssize_t written = write_some(log);
        if (written == 0)
            return;
        if (written < 0)
            drop_all(log);
        else
            tow_buffer_consume(&log->waiting, (size_t)written);
    }
}

void tow_log_write(tow_log *log, int64_t milliseconds, const tow_log_entry *entry) {
    if (entry->level > log->level)
        return;
    pthread_mutex_lock(&log->mutex);
    report_dropped(log, milliseconds);
    if (!append_entry(log, milliseconds, entry))
        log->dropped++;
    flush_locked(log);
    pthread_mutex_unlock(&log->mutex);
}

bool tow_log_flush(tow_log *log) {
    pthread_mutex_lock(&log->mutex);
    flush_locked(log);
    bool empty = log->waiting.length == 0;
    pthread_mutex_unlock(&log->mutex);
    return empty;
}

int tow_log_reopen(tow_log *log) {
    int descriptor;
    if (log->path == NULL)
        return 0;
    int error = open_file(log->path, &descriptor);
    if (error != 0)
        return error;
    pthread_mutex_lock(&log->mutex);
    flush_locked(log);
    close(log->descriptor);
    log->descriptor = descriptor;
    pthread_mutex_unlock(&log->mutex);
    return 0;
}
