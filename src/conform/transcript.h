/* transcript: what crossed in a case, for the report: when, which way, how many bytes, the first of them, and
 * in words. */
#ifndef TOW_CONFORM_TRANSCRIPT_H
#define TOW_CONFORM_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

enum { ENTRY_BYTES_MAX = 48, ENTRIES_MAX = 64, ENTRIES_FIRST = 48 };

typedef struct transcript_entry {
    int64_t microseconds; /* since the case began */
    char direction;       /* '>' sent, '<' received, '=' neither: a remark */
    size_t length;
    uint8_t bytes[ENTRY_BYTES_MAX]; /* the first of them */
    char words[120];
} transcript_entry;

/* The first ENTRIES_FIRST and the last entries of a conversation; those that lay between are counted. */
typedef struct transcript {
    transcript_entry *entries; /* owned */
    size_t count;
    size_t left_out;
} transcript;

/* Notes an entry; the text is cut to fit. Out of memory an entry is counted as left out. */
__attribute__((format(printf, 6, 7))) void transcript_note(transcript *transcript, int64_t microseconds,
    char direction, const void *bytes, size_t length, const char *format, ...);
void transcript_clear(transcript *transcript);

#endif
