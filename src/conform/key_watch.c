#include "key_watch.h"

#include <stdbool.h>
#include <string.h>

static uint32_t reversed(uint32_t value) {
    return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

/* Two keys of 64 may be the same by chance once in a million runs; twice, never. */
static bool repeats(key_watch *watch, uint32_t key) {
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->keys[i] == key)
            return ++watch->repetitions >= 2;
    }
    return false;
}

/* The last five keys are as far from each other as numbers of either byte order: a counter. */
static bool is_counted(const key_watch *watch) {
    enum { STEPS = 4 };
    if (watch->count < STEPS + 1)
        return false;
    const uint32_t *last = &watch->keys[watch->count - STEPS - 1];
    bool big = true, little = true;
    for (size_t i = 1; i < STEPS; i++) {
        big &= last[i + 1] - last[i] == last[1] - last[0];
        little &= reversed(last[i + 1]) - reversed(last[i]) == reversed(last[1]) - reversed(last[0]);
    }
    return big || little;
}

/* A byte that all of the last 16 keys share. */
static bool has_constant_byte(const key_watch *watch) {
    enum { ENOUGH = 16 };
    if (watch->count < ENOUGH)
        return false;
    uint32_t changed = 0;
    const uint32_t *last = &watch->keys[watch->count - ENOUGH];
    for (size_t i = 1; i < ENOUGH; i++)
        changed |= last[i] ^ last[0];
    return !(changed & 0xff) || !(changed & 0xff00) || !(changed & 0xff0000) || !(changed & 0xff000000);
}

const char *tow_conform_key_watch_add(key_watch *watch, const uint8_t bytes[4]) {
    uint32_t key =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3];
    bool repeated = repeats(watch, key);
    if (watch->count == KEYS_WATCHED)
        memmove(watch->keys, watch->keys + 1, --watch->count * sizeof(key));
    watch->keys[watch->count++] = key;
    if (repeated)
        return "the same masking key again";
    if (is_counted(watch))
        return "masking keys that are counted";
    return has_constant_byte(watch) ? "masking keys of which a byte never changes" : NULL;
}
