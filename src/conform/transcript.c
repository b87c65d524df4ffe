#include "transcript.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When full, what comes goes behind the first ones, and pushes out the oldest of the last ones. */
static transcript_entry *new_entry(transcript *log) {
    if (log->count == ENTRIES_MAX) {
        transcript_entry *last = &log->entries[ENTRIES_FIRST];
        memmove(last, last + 1, (ENTRIES_MAX - ENTRIES_FIRST - 1) * sizeof(*last));
        log->left_out++;
        return &log->entries[ENTRIES_MAX - 1];
    }
    transcript_entry *entries = realloc(log->entries, (log->count + 1) * sizeof(*entries));
    if (entries == NULL)
        return NULL;
    log->entries = entries;
    return &entries[log->count++];
}

void transcript_note(transcript *log, int64_t microseconds, char direction, const void *bytes, size_t length,
    const char *format, ...) {
    transcript_entry *entry = new_entry(log);
    if (entry == NULL) {
        log->left_out++;
        return;
    }
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
