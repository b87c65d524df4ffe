#include "report.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 1001, ESCAPE_LENGTH = 4 };

static const char cut_mark[] = "...";

/* Copies with escapes; cut where it does not fit. */
static void make_printable(char out[LINE_SIZE], const char *line) {
    size_t length = 0;
    for (; *line != '\0' && length + ESCAPE_LENGTH + sizeof(cut_mark) <= LINE_SIZE; line++) {
        if (*line >= ' ' && *line <= '~')
            out[length++] = *line;
        else
            length += (size_t)snprintf(out + length, ESCAPE_LENGTH + 1, "\\x%02X", (unsigned char)*line);
    }
    strcpy(out + length, *line != '\0' ? cut_mark : "");
}

void tow_report(const tow_settings *settings, int level, const char *format, ...) {
    if (!tow_report_wants(settings, level))
        return;
    char line[LINE_SIZE - ESCAPE_LENGTH];
    char printable[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    tow_text_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    make_printable(printable, line);
    settings->on_log(settings->log_user, level, printable);
}
