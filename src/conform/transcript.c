#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When full, what comes goes behind the first ones, and pushes out the oldest of the last ones. */
static transcript_entry *new_entry(transcript *log) {
    if (log->count == ENTRIES_MAX) {
        transcript_entry *last = &log->entries[ENTRIES_FIRST];
        free(last->bytes);
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

void tow_conform_transcript_note(transcript *log, int64_t microseconds, char direction, const void *bytes,
    size_t length, size_t most, const char *words) {
    size_t kept = length < most ? length : most;
    uint8_t *copy = malloc(kept + 1);
    transcript_entry *entry = copy == NULL ? NULL : new_entry(log);
    if (entry == NULL) {
        free(copy);
        log->left_out++;
        return;
    }
    *entry = (transcript_entry){
        .microseconds = microseconds, .direction = direction, .length = length, .bytes = copy, .kept = kept};
    if (kept > 0)
        memcpy(copy, bytes, kept);
    snprintf(entry->words, sizeof(entry->words), "%s", words);
}

void tow_conform_transcript_clear(transcript *log) {
    for (size_t i = 0; i < log->count; i++)
        free(log->entries[i].bytes);
    free(log->entries);
    *log = (transcript){0};
}
