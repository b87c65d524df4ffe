#include "suggest.h"

#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 63 };

static size_t least(size_t one, size_t other) {
    return one < other ? one : other;
}

/* The row of the table for the letter `index` of `one`, from the two rows before it. */
static void row_fill(size_t *row, const size_t *last, const size_t *before, const char *one, size_t index,
    const char *other, size_t other_length) {
    row[0] = index + 1;
    for (size_t i = 0; i < other_length; i++) {
        row[i + 1] = least(last[i] + (one[index] != other[i]), least(last[i + 1], row[i]) + 1);
        if (index > 0 && i > 0 && one[index] == other[i - 1] && one[index - 1] == other[i])
            row[i + 1] = least(row[i + 1], before[i - 1] + 1);
    }
}

size_t tow_word_distance(const char *one, const char *other) {
    size_t one_length = strlen(one);
    size_t other_length = strlen(other);
    size_t rows[3][WORD_MAX + 1];
    if (one_length > WORD_MAX || other_length > WORD_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i <= other_length; i++)
        rows[0][i] = i;
    memcpy(rows[2], rows[0], sizeof(rows[0]));
    for (size_t i = 0; i < one_length; i++)
        row_fill(rows[(i + 1) % 3], rows[i % 3], rows[(i + 2) % 3], one, i, other, other_length);
    return rows[one_length % 3][other_length];
}

const char *tow_suggest(const char *word, const char *const *words, size_t count) {
    const char *nearest = NULL;
    size_t smallest = strlen(word) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        if (strlen(word) >= 3 && strncmp(words[i], word, strlen(word)) == 0)
            return words[i];
        size_t distance = tow_word_distance(word, words[i]);
        if (distance < smallest && distance < strlen(words[i])) {
            smallest = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
