/* signature: by which a back end and we know each other: HMAC-SHA-256 by a key that both have, over parts of
 * a request with a line feed between each two, as hexadecimal digits. */
#ifndef TOW_HANDLER_SERVICE_SIGNATURE_H
#define TOW_HANDLER_SERVICE_SIGNATURE_H

#include "hmac.h"

enum { TOW_SIGNATURE_TEXT = TOW_HMAC_TEXT, TOW_SIGNATURE_KEY_MAX = 1024 };

typedef struct tow_signature_key {
    unsigned char bytes[TOW_SIGNATURE_KEY_MAX];
    size_t length; /* 0: there is none */
} tow_signature_key;

/* Reads a file; line ends behind the key are none of it. Errors: NO_FILE, PERMISSION, SYSTEM, ARGUMENT (empty
 * or too long). */
int tow_signature_key_read(tow_signature_key *key, const char *file);

/* Errors: MEMORY. */
int tow_signature_make(
    char out[TOW_SIGNATURE_TEXT], const tow_signature_key *key, const tow_slice *parts, size_t count);

/* Takes the same time, whatever is wrong. */
bool tow_signature_is(const char *text, const tow_signature_key *key, const tow_slice *parts, size_t count);

#endif
