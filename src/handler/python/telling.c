#include "telling.h"

#include "base/text.h"
#include "protocol.h"

#include <stdarg.h>
#include <string.h>

enum {
    LINE_MAX_LENGTH = 1000,
    UNSAID_MAX = 1024 * 1024 /* a process that takes nothing is of no use */
};

void tow_python_say(const tow_python *python, int level, const char *format, ...) {
    char line[LINE_MAX_LENGTH + 100];
    va_list arguments;
    if (python->place.log.write == NULL)
        return;
    va_start(arguments, format);
    tow_text_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    python->place.log.write(python->place.log.user, level, line);
}

void tow_python_write_unsaid(tow_python *python) {
    if (python->stream == NULL || python->unsaid.length == 0)
        return;
    int64_t taken =
        tow_byte_stream_write(python->stream, &(tow_bytes){python->unsaid.data, python->unsaid.length}, 1);
    if (taken > 0)
        tow_buffer_consume(&python->unsaid, (size_t)taken);
}

void tow_python_give_up(tow_python *python) {
    tow_python_life_end(&python->life);
    if (python->stream != NULL)
        tow_byte_stream_close(python->stream);
}

void tow_python_tell(tow_python *python, uint8_t operation, uint64_t number, const char *file) {
    uint8_t head[TOW_PYTHON_HEADER + 8];
    size_t length = strlen(file);
    if (python->stream == NULL)
        return;
    tow_python_write_header(head, operation, 8 + length);
    tow_python_put(head + TOW_PYTHON_HEADER, number, 8);
    if (python->unsaid.length > UNSAID_MAX || tow_buffer_append(&python->unsaid, head, sizeof(head)) != 0 ||
        tow_buffer_append(&python->unsaid, file, length) != 0) {
        tow_python_give_up(python);
        return;
    }
    tow_python_write_unsaid(python);
}

void tow_python_tell_of(tow_python *python, uint8_t operation, const tow_python_version *version) {
    tow_python_tell(python, operation, version->number, operation == TOW_PYTHON_LOAD ? version->file : "");
}
