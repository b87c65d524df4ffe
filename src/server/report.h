/* report: lines for the log, given to on_log or on_log_entry. Nothing is formatted for a level that nobody
 * wants. */
#ifndef TOW_SERVER_REPORT_H
#define TOW_SERVER_REPORT_H

#include "settings.h"

static inline bool tow_report_wants(const tow_settings *settings, int level) {
    return (settings->on_log != NULL || settings->on_log_entry != NULL) && level <= settings->log_level;
}

/* One line of at most 1,000 bytes, cut if it is longer; what is not printable ASCII, as peers may send it,
 * becomes \xHH. */
__attribute__((format(printf, 3, 4))) void tow_report(
    const tow_settings *settings, int level, const char *format, ...);

/* The same, with what it says as fields, of which texts that are NULL are left out. */
enum { TOW_REPORT_FIELDS_MAX = 16 };
typedef struct tow_report_fields {
    tow_log_field items[TOW_REPORT_FIELDS_MAX];
    size_t count;
} tow_report_fields;

void tow_report_add_text(tow_report_fields *fields, const char *name, const char *text);
void tow_report_add_number(tow_report_fields *fields, const char *name, int64_t number);
__attribute__((format(printf, 4, 5))) void tow_report_with(
    const tow_settings *settings, int level, const tow_report_fields *fields, const char *format, ...);

#endif
