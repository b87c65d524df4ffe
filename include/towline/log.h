/* towline/log.h: a line of a server's log, and what it says as fields, for logs that programs read.
 *
 *     static void on_log_entry(void *user, const tow_log_entry *entry) {
 *         for (size_t i = 0; i < entry->field_count; i++)
 *             ... entry->fields[i].name ...
 *     }
 */
#ifndef TOWLINE_LOG_H
#define TOWLINE_LOG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How much a line matters, as in syslog(3): the smaller, the more. Levels are `int` where they are options,
 * so that they may be TOW_OFF. */
typedef enum tow_log_level {
    TOW_LOG_ERROR = 3,   /* something does not work as it was asked for */
    TOW_LOG_WARNING = 4, /* or soon will not */
    TOW_LOG_NOTICE = 5,  /* it listens, drains, ends */
    TOW_LOG_INFO = 6,    /* what was asked and answered, and how connections end */
    TOW_LOG_DEBUG = 7    /* all that there is */
} tow_log_level;

typedef struct tow_log_field {
    const char *name; /* "peer" for example: small letters and underscores */
    const char *text; /* printable ASCII, what else was in it as \xHH; NULL: it is a number */
    int64_t number;   /* where `text` is NULL */
} tow_log_field;

/* Borrowed by the callback that gets it. */
typedef struct tow_log_entry {
    int level;                   /* TOW_LOG_ERROR to TOW_LOG_DEBUG */
    const char *line;            /* printable ASCII, at most 1,000 bytes */
    const tow_log_field *fields; /* what the line says; the first is "message" */
    size_t field_count;          /* 0: nothing but the line */
} tow_log_entry;

#ifdef __cplusplus
}
#endif

#endif
