#include "burst.h"

#include <stdlib.h>

size_t tow_burst_fit(tow_published *const *items, size_t count) {
    size_t bytes = 0;
    size_t fit = 0;
    while (fit < count && fit < TOW_BURST_ITEMS_MAX) {
        bytes += items[fit]->data_length;
        if (bytes > TOW_BURST_BYTES_MAX && fit > 0)
            break;
        fit++;
    }
    return fit;
}

enum { BYTES_A_WORK = 16 * 1024 };

uint32_t tow_burst_work(const tow_burst *burst) {
    size_t bytes = 0;
    for (size_t i = 0; i < burst->count; i++)
        bytes += burst->items[i]->data_length;
    return 1 + (uint32_t)(bytes / BYTES_A_WORK);
}

void tow_burst_clear(tow_burst *burst) {
    for (tow_joined *joined = burst->joined, *next; joined != NULL; joined = next) {
        next = joined->next;
        joined->encoding->free(joined->encoding, joined->made);
        free(joined);
    }
    burst->joined = NULL;
}

size_t tow_burst_count(const tow_burst *burst) {
    return burst->count;
}

tow_published *tow_burst_at(const tow_burst *burst, size_t index) {
    return burst->items[index];
}

static void *join(const tow_burst *burst, const tow_encoding *encoding) {
    void *forms[TOW_BURST_ITEMS_MAX];
    for (size_t i = 0; i < burst->count; i++) {
        forms[i] = tow_published_form(burst->items[i], encoding);
        if (forms[i] == NULL)
            return NULL;
    }
    return encoding->join(encoding, forms, burst->count);
}

static void *add_joined(tow_burst *burst, const tow_encoding *encoding) {
    tow_joined *joined = malloc(sizeof(*joined));
    void *made = joined == NULL ? NULL : join(burst, encoding);
    if (made == NULL) {
        free(joined);
        return NULL;
    }
    *joined = (tow_joined){.next = burst->joined, .encoding = encoding, .made = made};
    burst->joined = joined;
    return made;
}

void *tow_burst_form(tow_burst *burst, const tow_encoding *encoding) {
    if (burst->count == 1)
        return tow_published_form(burst->items[0], encoding);
    for (const tow_joined *joined = burst->joined; joined != NULL; joined = joined->next)
        if (joined->encoding == encoding)
            return joined->made;
    return add_joined(burst, encoding);
}
