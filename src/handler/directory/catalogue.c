#include "catalogue.h"

#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* Names. */

static const char source_end[] = ".c";
static const char module_end[] = ".so";
static const char python_end[] = "_wsh.py";

static bool ends_with(const char *name, size_t length, const char *end) {
    size_t end_length = strlen(end);
    return length >= end_length && memcmp(name + length - end_length, end, end_length) == 0;
}

/* Sources and texts, whose execute bit says nothing. */
static const char *text_end(const char *name, size_t length) {
    static const char *const ends[] = {source_end, ".h", ".py", ".txt", ".md", ".html", module_end};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (ends_with(name, length, ends[i]))
            return ends[i];
    return NULL;
}

bool tow_catalogue_has_folder(const char *last_segment) {
    size_t length = strlen(last_segment);
    bool is_pythons = strcmp(last_segment, "__pycache__") == 0; /* who imports there makes it */
    return length > 0 && last_segment[0] != '.' && last_segment[length - 1] != '~' && !is_pythons;
}

/* What a name says: a kind, and how much of it is part of the path. */
typedef struct reading {
    tow_entry_type type;
    size_t stem;
    bool has_suffix;
} reading;

static bool name_read(reading *read, const char *name, bool executable, bool sources) {
    size_t length = strlen(name);
    if (!tow_catalogue_has_folder(name))
        return false;
    if (sources && ends_with(name, length, source_end)) {
        *read = (reading){.type = TOW_ENTRY_SOURCE, .stem = length - strlen(source_end)};
        return true;
    }
    if (ends_with(name, length, module_end)) {
        *read = (reading){.type = TOW_ENTRY_MODULE, .stem = length - strlen(module_end)};
        return true;
    }
    if (ends_with(name, length, python_end)) { /* "_wsh.py" serves the folder itself, "/a/" */
        *read = (reading){.type = TOW_ENTRY_PYTHON, .stem = length - strlen(python_end)};
        return true;
    }
    if (!executable || text_end(name, length) != NULL)
        return false;
    const char *dot = strrchr(name, '.');
    *read = (reading){.type = TOW_ENTRY_PROGRAM,
        .stem = dot != NULL ? (size_t)(dot - name) : length,
        .has_suffix = dot != NULL};
    return true;
}

bool tow_catalogue_has_file(const char *last_segment, bool executable, bool sources) {
    reading read;
    return name_read(&read, last_segment, executable, sources);
}

const char *tow_catalogue_text_end(const char *last_segment) {
    return text_end(last_segment, strlen(last_segment));
}

/* Paths. */

/* What browsers encode in the path of a URL (the WHATWG URL standard, "path percent-encode set"), and what
 * means something else there. */
static bool is_encoded(unsigned char byte) {
    return byte <= ' ' || byte >= 0x7F || strchr("\"#%*<>?\\^`{}", byte) != NULL;
}

static int path_append(tow_buffer *out, const char *text, size_t length) {
    static const char digits[] = "0123456789ABCDEF";
    int error = 0;
    for (size_t i = 0; error == 0 && i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        const char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        error = is_encoded(byte) ? tow_buffer_append(out, encoded, 3) : tow_buffer_append(out, &text[i], 1);
    }
    return error;
}

static const char *last_segment_of(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

static int entry_add(tow_catalogue *catalogue, const tow_catalogue_file *file, size_t number, bool sources) {
    const char *last = last_segment_of(file->name);
    reading read;
    tow_buffer path = {0};
    if (!name_read(&read, last, file->executable, sources))
        return 0;
    int error = tow_buffer_append(&path, "/", 1);
    if (error == 0)
        error = path_append(&path, file->name, (size_t)(last - file->name) + read.stem);
    if (error == 0)
        error = tow_buffer_append(&path, "", 1);
    if (error != 0) {
        tow_buffer_clear(&path);
        return error;
    }
    catalogue->entries[catalogue->count++] = (tow_catalogue_entry){
        .path = (char *)path.data, .type = read.type, .has_suffix = read.has_suffix, .file = number};
    return 0;
}

/* Order. */

/* Of one path the numbers of files tell last, so the files are in the order of their names. */
static int compare_entries(const void *a, const void *b) {
    const tow_catalogue_entry *one = a, *other = b;
    int order = strcmp(one->path, other->path);
    if (order != 0)
        return order;
    if (one->type != other->type)
        return one->type < other->type ? -1 : 1;
    if (one->has_suffix != other->has_suffix)
        return one->has_suffix ? 1 : -1;
    return one->file < other->file ? -1 : 1;
}

int tow_catalogue_make(
    tow_catalogue *catalogue, const tow_catalogue_file *files, size_t count, bool sources) {
    tow_catalogue made = {.entries = calloc(count + 1, sizeof(*made.entries))};
    int error = made.entries == NULL ? TOW_ERROR_MEMORY : 0;
    for (size_t i = 0; error == 0 && i < count; i++)
        error = entry_add(&made, &files[i], i, sources);
    if (error != 0) {
        tow_catalogue_clear(&made);
        return error;
    }
    qsort(made.entries, made.count, sizeof(*made.entries), compare_entries);
    *catalogue = made;
    return 0;
}

void tow_catalogue_clear(tow_catalogue *catalogue) {
    for (size_t i = 0; i < catalogue->count; i++)
        free(catalogue->entries[i].path);
    free(catalogue->entries);
    *catalogue = (tow_catalogue){0};
}

bool tow_catalogue_is_first(const tow_catalogue *catalogue, size_t entry) {
    return entry == 0 || strcmp(catalogue->entries[entry - 1].path, catalogue->entries[entry].path) != 0;
}
