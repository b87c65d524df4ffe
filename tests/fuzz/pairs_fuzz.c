/* Queries and cookies: what comes out is no longer than what went in, and is found again by its name. */
#include "fuzz.h"
#include "http/pairs.h"

#include <string.h>

static void check(const tow_pairs *pairs, size_t length) {
    size_t bytes = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        bytes += strlen(pairs->items[i].name) + strlen(pairs->items[i].value);
        const char *found = tow_pairs_find(pairs, pairs->items[i].name);
        CHECK(found != NULL && found <= pairs->items[i].value);
    }
    CHECK(bytes <= length);
    CHECK(pairs->items[pairs->count].name == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const tow_slice text = {.data = (const char *)data, .length = size};
    const tow_field field = {.name = tow_slice_from("Cookie"), .value = text};
    tow_pairs pairs = {0};
    CHECK(tow_pairs_read_query(&pairs, text) == 0);
    check(&pairs, size);
    tow_pairs_clear(&pairs);
    if (memchr(data, '\0', size) != NULL)
        return 0; /* no head lets that through */
    CHECK(tow_pairs_read_cookies(&pairs, &field, 1) == 0);
    check(&pairs, size);
    tow_pairs_clear(&pairs);
    return 0;
}
