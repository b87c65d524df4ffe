/* key: what a signature of a token is checked with. A key has one algorithm, which follows from what it is:
 * what a token says of its algorithm can only agree with that, or be refused.
 *
 *     a secret                HS256
 *     RSA, 2048 bits and up   RS256
 *     the curve P-256         ES256
 *     Ed25519                 EdDSA
 */
#ifndef TOW_HANDLER_TOKENS_KEY_H
#define TOW_HANDLER_TOKENS_KEY_H

#include "base/slice.h"

#include <openssl/types.h>
#include <stdint.h>

enum {
    TOW_KEY_TEXT_MAX = 160,
    TOW_KEY_SECRET_MIN = 32, /* bytes */
    TOW_KEY_SECRET_MAX = 1024,
    TOW_KEY_RSA_MIN = 2048, /* bits */
    TOW_KEY_RSA_MAX = 8192
};

typedef enum tow_key_algorithm {
    TOW_KEY_HS256,
    TOW_KEY_RS256,
    TOW_KEY_ES256,
    TOW_KEY_EDDSA,
    TOW_KEY_ALGORITHMS /* how many there are */
} tow_key_algorithm;

typedef struct tow_key { /* zeroed: none */
    tow_key_algorithm algorithm;
    char *id;         /* NULL: it has none */
    EVP_PKEY *public; /* NULL: a secret */
    uint8_t *secret;
    size_t secret_length;
} tow_key;

/* The one that RFC 7518, section 3.1, and RFC 8037 name so: ALGORITHMS where it is none of them. */
tow_key_algorithm tow_key_algorithm_of(const char *name);

/* A public key, which is the key's from the call on, also when it fails. Errors: UNSUPPORTED (of a kind that
 * is for something else), ARGUMENT (weak, no sound key); `why` then says what is wrong. */
int tow_key_take_public(tow_key *key, EVP_PKEY *public, char why[TOW_KEY_TEXT_MAX]);

/* A SubjectPublicKeyInfo in DER, as it lies in PEM's "PUBLIC KEY". Errors: the same. */
int tow_key_read_public(tow_key *key, const uint8_t *bytes, size_t length, char why[TOW_KEY_TEXT_MAX]);

/* A secret as it is. Errors: ARGUMENT (too short, too long), MEMORY. */
int tow_key_read_secret(tow_key *key, const uint8_t *bytes, size_t length, char why[TOW_KEY_TEXT_MAX]);

/* Whether this is the key's signature (RFC 7515, section 5.2) of these bytes. In constant time for secrets.
 */
bool tow_key_has_signed(const tow_key *key, tow_slice what, const uint8_t *signature, size_t length);

void tow_key_clear(tow_key *key);

#endif
