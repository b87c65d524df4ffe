/* report: lines for the log, given to on_log. Nothing is formatted for a level that nobody wants. */
#ifndef TOW_SERVER_REPORT_H
#define TOW_SERVER_REPORT_H

#include "settings.h"

/* As in syslog. */
enum { TOW_LOG_ERROR = 3, TOW_LOG_WARNING = 4, TOW_LOG_NOTICE = 5, TOW_LOG_INFO = 6, TOW_LOG_DEBUG = 7 };

static inline bool tow_report_wants(const tow_settings *settings, int level) {
    return settings->on_log != NULL && level <= settings->log_level;
}

/* One line of at most 1,000 bytes, cut if it is longer; what is not printable ASCII, as peers may send it,
 * becomes \xHH. */
__attribute__((format(printf, 3, 4))) void tow_report(
    const tow_settings *settings, int level, const char *format, ...);

#endif
