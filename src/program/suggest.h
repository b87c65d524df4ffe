/* suggest: which of the known words somebody may have meant. */
#ifndef TOW_PROGRAM_SUGGEST_H
#define TOW_PROGRAM_SUGGEST_H

#include <stddef.h>

/* How many letters must be inserted, removed, replaced or swapped with their neighbour to make one word of
 * the other; words longer than 63 letters are far from everything. */
size_t tow_word_distance(const char *one, const char *other);

/* Of `count` words the nearest to `word`, or NULL if none is near: a word that begins with it, or that
 * differs by a third of its letters at most. */
const char *tow_suggest(const char *word, const char *const *words, size_t count);

#endif
