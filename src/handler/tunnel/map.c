#include "map.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct map_entry {
    const char *key;
    size_t key_length;
    size_t line;
    tow_tunnel_target target;
} map_entry;

struct tow_tunnel_map {
    atomic_size_t references;
    char *text;         /* a copy of the file, cut into keys and targets */
    map_entry *entries; /* in the order of their keys */
    size_t count;
    size_t capacity;
};

/* Keys: shorter ones first. */

static int compare_keys(const char *a, size_t a_length, const char *b, size_t b_length) {
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    return memcmp(a, b, a_length);
}

/* Of equal keys the one that stands first comes first. */
static int compare_entries(const void *a, const void *b) {
    const map_entry *one = a, *other = b;
    int order = compare_keys(one->key, one->key_length, other->key, other->key_length);
    return order != 0 ? order : one->line < other->line ? -1 : 1;
}

const tow_tunnel_target *tow_tunnel_map_find(const tow_tunnel_map *map, const char *key, size_t length) {
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const map_entry *entry = &map->entries[middle];
        int order = compare_keys(entry->key, entry->key_length, key, length);
        if (order == 0)
            return &entry->target;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

size_t tow_tunnel_map_count(const tow_tunnel_map *map) {
    return map->count;
}

/* Lines. */

static int complain(char *why, size_t line, const char *text) {
    snprintf(why, TOW_TUNNEL_MAP_TEXT_MAX, "line %zu: %s", line, text);
    return TOW_ERROR_ARGUMENT;
}

static int entry_add(tow_tunnel_map *map, const map_entry *entry) {
    if (map->count == map->capacity) {
        size_t capacity = map->capacity == 0 ? 16 : 2 * map->capacity;
        map_entry *entries = realloc(map->entries, capacity * sizeof(*entries));
        if (entries == NULL)
            return TOW_ERROR_MEMORY;
        map->entries = entries;
        map->capacity = capacity;
    }
    map->entries[map->count++] = *entry;
    return 0;
}

static char *trim(char *text) {
    text += strspn(text, " \t\r");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text;
}

/* A colon with a space behind it parts key and target: paths and tokens may have colons of their own. */
static char *find_target(char *line) {
    for (char *colon = strchr(line, ':'); colon != NULL; colon = strchr(colon + 1, ':')) {
        if (colon[1] != ' ' && colon[1] != '\t')
            continue;
        *colon = '\0';
        return colon + 1;
    }
    return NULL;
}

static int line_read(tow_tunnel_map *map, char *line, size_t number, char *why) {
    const char *wrong;
    char *key = trim(line);
    if (key[0] == '\0' || key[0] == '#')
        return 0;
    char *target = find_target(key);
    if (target == NULL)
        return complain(why, number, "a line is KEY: TARGET, with a space behind the colon");
    key = trim(key);
    map_entry entry = {.key = key, .key_length = strlen(key), .line = number};
    if (entry.key_length == 0)
        return complain(why, number, "the key before the colon is missing");
    if (strcspn(key, " \t?#") != entry.key_length)
        return complain(why, number, "a token or path has no space, ? or #");
    if (tow_tunnel_target_read(&entry.target, trim(target), &wrong) != 0)
        return complain(why, number, wrong);
    return entry_add(map, &entry);
}

static int lines_read(tow_tunnel_map *map, char *why) {
    size_t number = 1;
    for (char *line = map->text; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        int error = line_read(map, line, number, why);
        if (error != 0)
            return error;
        line = end == NULL ? NULL : end + 1;
    }
    return 0;
}

static int entries_sort(tow_tunnel_map *map, char *why) {
    if (map->count > 0)
        qsort(map->entries, map->count, sizeof(*map->entries), compare_entries);
    for (size_t i = 1; i < map->count; i++) {
        const map_entry *first = &map->entries[i - 1], *second = &map->entries[i];
        if (compare_keys(first->key, first->key_length, second->key, second->key_length) != 0)
            continue;
        snprintf(why, TOW_TUNNEL_MAP_TEXT_MAX, "line %zu: '%.60s' stands in line %zu already", second->line,
            second->key, first->line);
        return TOW_ERROR_ARGUMENT;
    }
    return 0;
}

static int text_copy(tow_tunnel_map *map, const char *text, size_t length) {
    map->text = malloc(length + 1);
    if (map->text == NULL)
        return TOW_ERROR_MEMORY;
    if (length > 0)
        memcpy(map->text, text, length);
    map->text[length] = '\0';
    return 0;
}

static size_t line_of_zero(const char *text, const char *zero) {
    size_t line = 1;
    for (; text < zero; text++)
        line += *text == '\n';
    return line;
}

int tow_tunnel_map_read(
    tow_tunnel_map **map, const char *text, size_t length, char why[TOW_TUNNEL_MAP_TEXT_MAX]) {
    const char *zero = length == 0 ? NULL : memchr(text, '\0', length);
    if (zero != NULL)
        return complain(why, line_of_zero(text, zero), "there is a zero byte in it");
    tow_tunnel_map *made = calloc(1, sizeof(*made));
    snprintf(why, TOW_TUNNEL_MAP_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    atomic_init(&made->references, 1);
    int error = text_copy(made, text, length);
    if (error == 0)
        error = lines_read(made, why);
    if (error == 0)
        error = entries_sort(made, why);
    if (error != 0)
        tow_tunnel_map_release(made);
    else
        *map = made;
    return error;
}

/* The file. */

static int file_read(FILE *file, tow_buffer *out, char *why) {
    char bytes[4096];
    size_t got;
    while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        if (out->length + got > TOW_TUNNEL_MAP_SIZE_MAX) {
            snprintf(why, TOW_TUNNEL_MAP_TEXT_MAX, "it is larger than %d MiB",
                TOW_TUNNEL_MAP_SIZE_MAX / 1024 / 1024);
            return TOW_ERROR_ARGUMENT;
        }
        if (tow_buffer_append(out, bytes, got) != 0) {
            snprintf(why, TOW_TUNNEL_MAP_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
            return TOW_ERROR_MEMORY;
        }
    }
    if (!ferror(file))
        return 0;
    snprintf(why, TOW_TUNNEL_MAP_TEXT_MAX, "%s", strerror(errno));
    return TOW_ERROR_SYSTEM;
}

int tow_tunnel_map_open(tow_tunnel_map **map, const char *path, char why[TOW_TUNNEL_MAP_TEXT_MAX]) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(why, TOW_TUNNEL_MAP_TEXT_MAX, "%s", strerror(errno));
        return TOW_ERROR_SYSTEM;
    }
    tow_buffer text = {0};
    int error = file_read(file, &text, why);
    fclose(file);
    if (error == 0)
        error = tow_tunnel_map_read(map, (const char *)text.data, text.length, why);
    tow_buffer_clear(&text);
    return error;
}

/* Counting. */

void tow_tunnel_map_retain(tow_tunnel_map *map) {
    atomic_fetch_add_explicit(&map->references, 1, memory_order_relaxed);
}

void tow_tunnel_map_release(tow_tunnel_map *map) {
    if (map == NULL || atomic_fetch_sub_explicit(&map->references, 1, memory_order_acq_rel) > 1)
        return;
    free(map->entries);
    free(map->text);
    free(map);
}
