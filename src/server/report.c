#include "report.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_LENGTH = 1000, ESCAPE_LENGTH = 4 };

/* Copies with escapes; cut where it does not fit. */
static void make_printable(char *out, size_t size, const char *line) {
    size_t length = 0;
    for (; *line != '\0' && length + ESCAPE_LENGTH < size; line++) {
        if (*line >= ' ' && *line <= '~')
            out[length++] = *line;
        else
            length += (size_t)snprintf(out + length, size - length, "\\x%02X", (unsigned char)*line);
    }
    out[length] = '\0';
}

void tow_report(const tow_settings *settings, int level, const char *format, ...) {
    if (!tow_report_wants(settings, level))
        return;
    char line[LINE_MAX_LENGTH];
    char printable[LINE_MAX_LENGTH + ESCAPE_LENGTH];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    make_printable(printable, sizeof(printable), line);
    settings->on_log(settings->log_user, level, printable);
}
