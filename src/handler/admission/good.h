/* good: a short memory of credentials that were found to be good, so that a hash is not computed for each
 * request of a page. What is kept is a digest under a key of this process, for a minute; the oldest give way.
 * Any thread. */
#ifndef TOW_HANDLER_ADMISSION_GOOD_H
#define TOW_HANDLER_ADMISSION_GOOD_H

#include "base/slice.h"

#include <pthread.h>
#include <stdint.h>

enum { TOW_GOOD_MAX = 1024, TOW_GOOD_DIGEST = 32, TOW_GOOD_SECONDS = 60 };

typedef struct tow_good_entry {
    unsigned char digest[TOW_GOOD_DIGEST];
    int64_t until; /* in a loop's nanoseconds; 0: empty */
} tow_good_entry;

typedef struct tow_good {
    pthread_mutex_t mutex;
    unsigned char key[TOW_GOOD_DIGEST];
    bool has_key;
    tow_good_entry entries[TOW_GOOD_MAX];
} tow_good;

/* The digest of credentials for the list of this generation. */
typedef struct tow_good_name {
    unsigned char digest[TOW_GOOD_DIGEST];
} tow_good_name;

/* Of memory that is all zeros. */
void tow_good_init(tow_good *good);
void tow_good_clear(tow_good *good);

/* False: there is no memory for it, or no random number for the key; the name is then remembered and found by
 * nobody. */
bool tow_good_name_make(
    tow_good_name *name, tow_good *good, uint64_t generation, tow_slice user, tow_slice password);

bool tow_good_has(tow_good *good, const tow_good_name *name, int64_t now);
void tow_good_add(tow_good *good, const tow_good_name *name, int64_t now);

#endif
