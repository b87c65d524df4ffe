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

typedef struct tow_log_field {
    const char *name; /* "peer" for example: small letters and underscores */
    const char *text; /* printable ASCII, what else was in it as \xHH; NULL: it is a number */
    int64_t number;   /* where `text` is NULL */
} tow_log_field;

/* Borrowed by the callback that gets it. */
typedef struct tow_log_entry {
    int level;                   /* as syslog: 3 error to 7 debug */
    const char *line;            /* printable ASCII, at most 1,000 bytes */
    const tow_log_field *fields; /* what the line says; the first is "message" */
    size_t field_count;          /* 0: nothing but the line */
} tow_log_entry;

#ifdef __cplusplus
}
#endif

#endif
