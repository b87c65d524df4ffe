#include "signature.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdio.h>
#include <towline/error.h>

enum { DIGEST = 32 };

static int error_of(int number) {
    return number == ENOENT ? TOW_ERROR_NO_FILE : number == EACCES ? TOW_ERROR_PERMISSION : TOW_ERROR_SYSTEM;
}

int tow_signature_key_read(tow_signature_key *key, const char *file) {
    FILE *stream = fopen(file, "rbe");
    if (stream == NULL)
        return error_of(errno);
    key->length = fread(key->bytes, 1, sizeof(key->bytes), stream);
    bool is_whole = feof(stream) && !ferror(stream);
    fclose(stream);
    while (key->length > 0 && (key->bytes[key->length - 1] == '\n' || key->bytes[key->length - 1] == '\r'))
        key->length--;
    return is_whole && key->length > 0 ? 0 : TOW_ERROR_ARGUMENT;
}

static bool digest_parts(EVP_MAC_CTX *context, const tow_slice *parts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && EVP_MAC_update(context, (const unsigned char *)"\n", 1) != 1)
            return false;
        if (EVP_MAC_update(context, (const unsigned char *)parts[i].data, parts[i].length) != 1)
            return false;
    }
    return true;
}

static bool digest(
    unsigned char out[DIGEST], const tow_signature_key *key, const tow_slice *parts, size_t count) {
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    size_t length = 0;
    bool done = context != NULL && EVP_MAC_init(context, key->bytes, key->length, parameters) == 1 &&
                digest_parts(context, parts, count) && EVP_MAC_final(context, out, &length, DIGEST) == 1;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return done && length == DIGEST;
}

int tow_signature_make(
    char out[TOW_SIGNATURE_TEXT], const tow_signature_key *key, const tow_slice *parts, size_t count) {
    unsigned char made[DIGEST];
    if (!digest(made, key, parts, count))
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < DIGEST; i++)
        snprintf(out + 2 * i, 3, "%02x", made[i]);
    return 0;
}

bool tow_signature_is(const char *text, const tow_signature_key *key, const tow_slice *parts, size_t count) {
    char expected[TOW_SIGNATURE_TEXT];
    return tow_signature_make(expected, key, parts, count) == 0 && strlen(text) == TOW_SIGNATURE_TEXT - 1 &&
           CRYPTO_memcmp(text, expected, TOW_SIGNATURE_TEXT - 1) == 0;
}
