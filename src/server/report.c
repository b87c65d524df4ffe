#include "report.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 1001, FIELDS_SIZE = 4096 };

static void add(tow_report_fields *fields, tow_log_field field) {
    assert(fields->count < TOW_REPORT_FIELDS_MAX);
    fields->items[fields->count++] = field;
}

void tow_report_add_text(tow_report_fields *fields, const char *name, const char *text) {
    if (text != NULL)
        add(fields, (tow_log_field){.name = name, .text = text});
}

void tow_report_add_number(tow_report_fields *fields, const char *name, int64_t number) {
    add(fields, (tow_log_field){.name = name, .number = number});
}

/* With the texts of the fields copied to where they are printable, each with an equal share of the room. */
static void give_entry(
    const tow_settings *settings, int level, const char *line, const tow_report_fields *fields) {
    char texts[FIELDS_SIZE];
    tow_log_field printable[TOW_REPORT_FIELDS_MAX];
    char *room = texts;
    for (size_t i = 0; i < fields->count; i++) {
        printable[i] = fields->items[i];
        if (printable[i].text == NULL)
            continue;
        printable[i].text = room;
        room += tow_text_make_printable(room, FIELDS_SIZE / TOW_REPORT_FIELDS_MAX, fields->items[i].text) + 1;
    }
    const tow_log_entry entry = {
        .level = level, .line = line, .fields = printable, .field_count = fields->count};
    settings->on_log_entry(settings->log_user, &entry);
}

__attribute__((format(printf, 4, 0))) static void report(const tow_settings *settings, int level,
    const tow_report_fields *fields, const char *format, va_list arguments) {
    char line[LINE_SIZE - TOW_TEXT_MARGIN]; /* without escapes it is not cut again */
    char printable[LINE_SIZE];
    tow_text_format_list(line, sizeof(line), format, arguments);
    tow_text_make_printable(printable, sizeof(printable), line);
    if (settings->on_log_entry != NULL)
        give_entry(settings, level, printable, fields);
    else
        settings->on_log(settings->log_user, level, printable);
}

void tow_report(const tow_settings *settings, int level, const char *format, ...) {
    static const tow_report_fields none;
    if (!tow_report_wants(settings, level))
        return;
    va_list arguments;
    va_start(arguments, format);
    report(settings, level, &none, format, arguments);
    va_end(arguments);
}

void tow_report_with(
    const tow_settings *settings, int level, const tow_report_fields *fields, const char *format, ...) {
    if (!tow_report_wants(settings, level))
        return;
    va_list arguments;
    va_start(arguments, format);
    report(settings, level, fields, format, arguments);
    va_end(arguments);
}
