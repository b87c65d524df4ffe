#include "transcript.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void transcript_note(transcript *log, int64_t microseconds, char direction, const void *bytes, size_t length,
    const char *format, ...) {
    if (log->count == ENTRIES_MAX) {
        log->left_out++;
        return;
    }
    transcript_entry *entries = realloc(log->entries, (log->count + 1) * sizeof(*entries));
    if (entries == NULL) {
        log->left_out++;
        return;
    }
    log->entries = entries;
    transcript_entry *entry = &entries[log->count++];
    *entry = (transcript_entry){.microseconds = microseconds, .direction = direction, .length = length};
    if (length > 0)
        memcpy(entry->bytes, bytes, length < ENTRY_BYTES_MAX ? length : ENTRY_BYTES_MAX);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(entry->words, sizeof(entry->words), format, arguments);
    va_end(arguments);
}

void transcript_clear(transcript *log) {
    free(log->entries);
    *log = (transcript){0};
}
