/* transcript: what crossed in a case, for the report: when, which way, how many bytes, the first of them, and
 * in words. */
#ifndef TOW_CONFORM_TRANSCRIPT_H
#define TOW_CONFORM_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

enum { ENTRY_BYTES = 48, ENTRY_BYTES_OF_HEADS = 600, ENTRIES_MAX = 64, ENTRIES_FIRST = 48 };

typedef struct transcript_entry {
    int64_t microseconds; /* since the case began */
    char direction;       /* '>' sent, '<' received, '=' neither: a remark */
    size_t length;
    uint8_t *bytes; /* the first of them, owned */
    size_t kept;    /* how many */
    char words[120];
} transcript_entry;

/* The first ENTRIES_FIRST and the last entries of a conversation; those that lay between are counted. */
typedef struct transcript {
    transcript_entry *entries; /* owned */
    size_t count;
    size_t left_out;
} transcript;

/* Notes an entry with at most `most` of its bytes; the text is cut to fit. Out of memory an entry is counted
 * as left out. */
void tow_conform_transcript_note(transcript *transcript, int64_t microseconds, char direction,
    const void *bytes, size_t length, size_t most, const char *words);
void tow_conform_transcript_clear(transcript *transcript);

#endif
