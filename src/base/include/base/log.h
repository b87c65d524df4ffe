/* log: lines to a descriptor or a file, through a bounded buffer.
 *
 * A reader that is stuck stalls nobody: what does not fit is dropped and counted, and the log says so when it
 * can again. Any thread may write. Knows no clock: the time comes along with the line. */
#ifndef TOW_BASE_LOG_H
#define TOW_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <towline/log.h>

typedef struct tow_log tow_log;

typedef struct tow_log_options {
    const char *path; /* a file to append to; NULL: `descriptor` */
    int descriptor;   /* stays the caller's */
    int level;        /* 0: TOW_LOG_INFO. Lines above it are passed over */
    bool json;       /* {"time":…,"level":…,"message":…}, with the fields of entries, instead of text */
    size_t capacity; /* bytes that may wait; 0: 256 KiB */
} tow_log_options;

/* Errors: MEMORY, PERMISSION, SYSTEM (the file can't be opened). */
int tow_log_new(tow_log **log, const tow_log_options *options);

/* Writes what it can and frees the log. NULL is allowed. */
void tow_log_free(tow_log *log);

/* One line, without its end, and fields; characters that are not printable are replaced. `milliseconds` since
 * 1970. */
void tow_log_write(tow_log *log, int64_t milliseconds, const tow_log_entry *entry);

/* Writes what waits, as far as that is possible without waiting. Returns whether nothing waits any more. */
bool tow_log_flush(tow_log *log);

/* Opens the file anew, after it was moved away. Nothing happens without a path. Errors: PERMISSION, SYSTEM;
 * the log then goes on as before. */
int tow_log_reopen(tow_log *log);

#endif
