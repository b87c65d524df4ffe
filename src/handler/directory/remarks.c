#include "remarks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <towline/log.h>

static void lines_free(char **lines, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(lines[i]);
}

static bool has(char *const *lines, size_t count, const char *line) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(lines[i], line) == 0)
            return true;
    return false;
}

void tow_remarks_begin(tow_remarks *remarks) {
    lines_free(remarks->before, remarks->before_count);
    memcpy(remarks->before, remarks->now, remarks->count * sizeof(remarks->now[0]));
    remarks->before_count = remarks->count;
    remarks->count = 0;
}

void tow_remarks_make(tow_remarks *remarks, const char *line) {
    if (remarks->count == TOW_REMARKS_MAX || has(remarks->now, remarks->count, line))
        return;
    char *copy = strdup(line);
    if (copy != NULL)
        remarks->now[remarks->count++] = copy;
    if (remarks->log.write != NULL && !has(remarks->before, remarks->before_count, line))
        remarks->log.write(remarks->log.user, TOW_LOG_WARNING, line);
}

void tow_remarks_clear(tow_remarks *remarks) {
    lines_free(remarks->now, remarks->count);
    lines_free(remarks->before, remarks->before_count);
    remarks->count = remarks->before_count = 0;
}
