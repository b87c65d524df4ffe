/* keyring: the keys of a file, with which signatures of tokens are checked. One is made whole and never
 * changed: whoever uses it holds a reference, from any thread.
 *
 * The file is a set of keys in JSON (RFC 7517) or a single one, or public keys in PEM, or else, in one line,
 * a secret as it is. Of a set, keys that are for something else are passed over. */
#ifndef TOW_HANDLER_TOKENS_KEYRING_H
#define TOW_HANDLER_TOKENS_KEYRING_H

#include "key.h"

enum { TOW_KEYRING_MAX = 16, TOW_KEYRING_TEXT_MAX = 200 };

typedef struct tow_keyring tow_keyring;

/* Reads the text of a file. Errors: ARGUMENT (also: there is no key in it that is of use), MEMORY; `why` then
 * says what is wrong, and nothing of what is in it. */
int tow_keyring_read(tow_keyring **keyring, const char *text, size_t length, char why[TOW_KEYRING_TEXT_MAX]);

tow_keyring *tow_keyring_retain(tow_keyring *keyring);
void tow_keyring_release(tow_keyring *keyring); /* NULL is allowed */

/* Whether one of them makes signatures as well. */
bool tow_keyring_has_secret(const tow_keyring *keyring);

typedef enum tow_keyring_verdict {
    TOW_KEYRING_GOOD,
    TOW_KEYRING_NO_KEY, /* none of this algorithm and id */
    TOW_KEYRING_WRONG   /* the signature is nobody's */
} tow_keyring_verdict;

/* By the keys of the algorithm: those of the id, and those that have none; where `id` is NULL, each. */
tow_keyring_verdict tow_keyring_check(const tow_keyring *keyring, tow_key_algorithm algorithm, const char *id,
    tow_slice what, const uint8_t *signature, size_t length);

#endif
