#include "lines.h"

#include <string.h>
#include <towline/error.h>

int tow_lines_add(tow_lines *lines, const char *bytes, size_t length) {
    if (lines->start > 0) {
        tow_buffer_consume(&lines->bytes, lines->start);
        lines->scanned -= lines->start;
        lines->start = 0;
    }
    if (length > TOW_LINE_MAX || lines->bytes.length > TOW_LINE_MAX - length)
        return TOW_ERROR_LIMIT;
    return tow_buffer_append(&lines->bytes, bytes, length);
}

bool tow_lines_next(tow_lines *lines, tow_slice *line) {
    const char *data = (const char *)lines->bytes.data;
    size_t left = lines->bytes.length - lines->scanned;
    const char *end = left > 0 ? memchr(data + lines->scanned, '\n', left) : NULL;
    if (end == NULL) {
        lines->scanned = lines->bytes.length;
        return false;
    }
    *line = (tow_slice){.data = data + lines->start, .length = (size_t)(end - data) - lines->start};
    lines->start = (size_t)(end - data) + 1;
    lines->scanned = lines->start;
    return true;
}

bool tow_lines_rest(tow_lines *lines, tow_slice *line) {
    if (lines->start == lines->bytes.length)
        return false;
    *line = (tow_slice){
        .data = (const char *)lines->bytes.data + lines->start, .length = lines->bytes.length - lines->start};
    lines->start = lines->scanned = lines->bytes.length;
    return true;
}

void tow_lines_clear(tow_lines *lines) {
    tow_buffer_clear(&lines->bytes);
    *lines = (tow_lines){0};
}
