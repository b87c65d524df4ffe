#include "aliases.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static const char blanks[] = " \t\r";

/* The place of a path, or where it would stand. */
static size_t place_of(const tow_aliases *aliases, const char *path, bool *is_there) {
    size_t low = 0, high = aliases->count;
    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(aliases->list[middle].path, path);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const tow_alias *tow_aliases_find(const tow_aliases *aliases, const char *path) {
    bool is_there;
    size_t at = place_of(aliases, path, &is_there);
    return is_there ? &aliases->list[at] : NULL;
}

/* What is named is resolved now, so that no alias leads to another, or round in a circle. */
static void alias_put(tow_aliases *aliases, const char *path, const char *existing) {
    const tow_alias *other = tow_aliases_find(aliases, existing);
    const char *base = other != NULL ? other->base : existing;
    bool is_there;
    size_t at = place_of(aliases, path, &is_there);
    if (!is_there) {
        memmove(&aliases->list[at + 1], &aliases->list[at], (aliases->count - at) * sizeof(*aliases->list));
        aliases->count++;
    }
    aliases->list[at] = (tow_alias){.path = path, .base = base};
}

/* Cuts the next word out of the line, "" if there is none. */
static char *word_take(char **line) {
    char *word = *line + strspn(*line, blanks);
    char *end = word + strcspn(word, blanks);
    *line = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

/* Returns what is wrong with it, or NULL. */
static const char *line_read(tow_aliases *aliases, char *line) {
    if (line[0] == '#')
        return NULL;
    const char *path = word_take(&line), *existing = word_take(&line);
    if (path[0] == '\0')
        return NULL;
    if (existing[0] == '\0' || word_take(&line)[0] != '\0')
        return "a line is ALIAS EXISTING, two paths with a blank between";
    if (path[0] != '/' || existing[0] != '/')
        return "a path begins with a slash";
    if (path[strlen(path) - 1] == '*' || strpbrk(path, "?#") != NULL)
        return "a path has no ?, # or final asterisk";
    alias_put(aliases, path, existing);
    return NULL;
}

static size_t count_lines(const char *text, size_t length) {
    size_t count = 1;
    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    return count;
}

/* A zero byte ends the line it is in, as nothing behind it can be part of a path. */
static void lines_read(tow_aliases *aliases, size_t length,
    void (*remark)(void *user, size_t line, const char *what), void *user) {
    const char *end = aliases->text + length;
    size_t number = 1;
    for (char *line = aliases->text; line < end; number++) {
        char *line_end = memchr(line, '\n', (size_t)(end - line));
        char *next = line_end == NULL ? aliases->text + length : line_end;
        *next = '\0';
        const char *wrong = line_read(aliases, line);
        if (wrong != NULL)
            remark(user, number, wrong);
        line = next + 1;
    }
}

int tow_aliases_read(tow_aliases *aliases, const char *text, size_t length,
    void (*remark)(void *user, size_t line, const char *what), void *user) {
    tow_aliases made = {
        .text = malloc(length + 1), .list = calloc(count_lines(text, length), sizeof(*made.list))};
    if (made.text == NULL || made.list == NULL) {
        tow_aliases_clear(&made);
        return TOW_ERROR_MEMORY;
    }
    if (length > 0)
        memcpy(made.text, text, length);
    made.text[length] = '\0';
    lines_read(&made, length, remark, user);
    *aliases = made;
    return 0;
}

void tow_aliases_clear(tow_aliases *aliases) {
    free(aliases->text);
    free(aliases->list);
    *aliases = (tow_aliases){0};
}
