#include "good.h"

#include "transport/timer.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4 }; /* places in which credentials may stand */

void tow_good_init(tow_good *good) {
    pthread_mutex_init(&good->mutex, NULL);
}

void tow_good_clear(tow_good *good) {
    OPENSSL_cleanse(good->key, sizeof(good->key));
    pthread_mutex_destroy(&good->mutex);
}

/* The key is made for the first credentials: most servers ask for none, and OpenSSL's random numbers take a
 * while to begin with. */
static bool has_key(tow_good *good) {
    pthread_mutex_lock(&good->mutex);
    if (!good->has_key)
        good->has_key = RAND_bytes(good->key, sizeof(good->key)) == 1;
    bool has_key = good->has_key;
    pthread_mutex_unlock(&good->mutex);
    return has_key;
}

/* A name has no zero. */
bool tow_good_name_make(
    tow_good_name *name, tow_good *good, uint64_t generation, tow_slice user, tow_slice password) {
    if (!has_key(good))
        return false;
    size_t length = sizeof(generation) + user.length + 1 + password.length;
    unsigned char *text = malloc(length);
    if (text == NULL)
        return false;
    memcpy(text, &generation, sizeof(generation));
    memcpy(text + sizeof(generation), user.data, user.length);
    text[sizeof(generation) + user.length] = '\0';
    memcpy(text + sizeof(generation) + user.length + 1, password.data, password.length);
    bool made = HMAC(EVP_sha256(), good->key, sizeof(good->key), text, length, name->digest, NULL) != NULL;
    OPENSSL_cleanse(text, length);
    free(text);
    return made;
}

static tow_good_entry *places_of(tow_good *good, const tow_good_name *name) {
    size_t number = (size_t)name->digest[0] << 8 | name->digest[1];
    return &good->entries[number % (TOW_GOOD_MAX / WAYS) * WAYS];
}

static bool is(const tow_good_entry *entry, const tow_good_name *name) {
    return CRYPTO_memcmp(entry->digest, name->digest, TOW_GOOD_DIGEST) == 0;
}

bool tow_good_has(tow_good *good, const tow_good_name *name, int64_t now) {
    tow_good_entry *places = places_of(good, name);
    bool found = false;
    pthread_mutex_lock(&good->mutex);
    for (size_t i = 0; i < WAYS; i++)
        found |= places[i].until > now && is(&places[i], name);
    pthread_mutex_unlock(&good->mutex);
    return found;
}

void tow_good_add(tow_good *good, const tow_good_name *name, int64_t now) {
    tow_good_entry *places = places_of(good, name);
    tow_good_entry *place = places;
    pthread_mutex_lock(&good->mutex);
    for (size_t i = 1; i < WAYS; i++)
        if (is(&places[i], name) || (!is(place, name) && places[i].until < place->until))
            place = &places[i];
    memcpy(place->digest, name->digest, TOW_GOOD_DIGEST);
    place->until = now + TOW_GOOD_SECONDS * TOW_SECOND;
    pthread_mutex_unlock(&good->mutex);
}
