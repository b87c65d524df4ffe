/* key_watch: whether masking keys can be foretold (RFC 6455, section 5.3).
 *
 * What it finds is never chance: each rule's odds are below one in a billion. */
#ifndef TOW_CONFORM_KEY_WATCH_H
#define TOW_CONFORM_KEY_WATCH_H

#include <stddef.h>
#include <stdint.h>

enum { KEYS_WATCHED = 64 };

typedef struct key_watch {       /* zeroed: no key yet */
    uint32_t keys[KEYS_WATCHED]; /* the last ones, the newest at count - 1 */
    size_t count;
    size_t repetitions;
} key_watch;

/* Notes a key. NULL, or what is wrong with it and those before it, a static string. */
const char *tow_conform_key_watch_add(key_watch *watch, const uint8_t key[4]);

#endif
