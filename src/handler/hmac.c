#include "hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdio.h>
#include <towline/error.h>

enum { DIGEST = 32 };

static bool update(EVP_MAC_CTX *context, tow_slice part) {
    return part.length == 0 || EVP_MAC_update(context, (const unsigned char *)part.data, part.length) == 1;
}

static bool digest_parts(EVP_MAC_CTX *context, const tow_slice *parts, size_t count, const char *between) {
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && !update(context, tow_slice_from(between))) || !update(context, parts[i]))
            return false;
    return true;
}

static bool digest(
    unsigned char out[DIGEST], tow_slice key, const tow_slice *parts, size_t count, const char *between) {
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    size_t length = 0;
    bool done = context != NULL &&
                EVP_MAC_init(context, (const unsigned char *)key.data, key.length, parameters) == 1 &&
                digest_parts(context, parts, count, between) &&
                EVP_MAC_final(context, out, &length, DIGEST) == 1;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return done && length == DIGEST;
}

int tow_hmac_make(
    char out[TOW_HMAC_TEXT], tow_slice key, const tow_slice *parts, size_t count, const char *between) {
    unsigned char made[DIGEST];
    if (!digest(made, key, parts, count, between))
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < DIGEST; i++)
        snprintf(out + 2 * i, 3, "%02x", made[i]);
    return 0;
}

bool tow_hmac_is(tow_slice text, tow_slice key, const tow_slice *parts, size_t count, const char *between) {
    char expected[TOW_HMAC_TEXT];
    return tow_hmac_make(expected, key, parts, count, between) == 0 && text.length == TOW_HMAC_TEXT - 1 &&
           CRYPTO_memcmp(text.data, expected, TOW_HMAC_TEXT - 1) == 0;
}
