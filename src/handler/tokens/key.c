#include "key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { COORDINATE = 32, DIGEST = 32 };

static const char *const names[TOW_KEY_ALGORITHMS] = {"HS256", "RS256", "ES256", "EdDSA"};

static int refuse(char *why, int error, const char *what) {
    snprintf(why, TOW_KEY_TEXT_MAX, "%s", what);
    return error;
}

tow_key_algorithm tow_key_algorithm_of(const char *name) {
    unsigned algorithm = 0;
    while (algorithm < TOW_KEY_ALGORITHMS && strcmp(names[algorithm], name) != 0)
        algorithm++;
    return (tow_key_algorithm)algorithm;
}

/* What a public key is good for. */

static bool is_of_curve(const EVP_PKEY *public, const char *curve) {
    char name[32];
    return EVP_PKEY_get_utf8_string_param(public, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof(name), NULL) ==
               1 &&
           strcmp(name, curve) == 0;
}

static tow_key_algorithm algorithm_for(const EVP_PKEY *public) {
    switch (EVP_PKEY_get_base_id(public)) {
    case EVP_PKEY_RSA:
        return TOW_KEY_RS256;
    case EVP_PKEY_EC:
        return is_of_curve(public, SN_X9_62_prime256v1) ? TOW_KEY_ES256 : TOW_KEY_ALGORITHMS;
    case EVP_PKEY_ED25519:
        return TOW_KEY_EDDSA;
    default:
        return TOW_KEY_ALGORITHMS;
    }
}

/* Points on the curve, and numbers of RSA with which nobody forges; of Ed25519 there is nothing to check. */
static bool is_sound(const tow_key *key) {
    if (key->algorithm == TOW_KEY_EDDSA)
        return true;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->public, NULL);
    bool is_sound = context != NULL && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return is_sound;
}

static int public_check(const tow_key *key, char *why) {
    int bits = EVP_PKEY_get_bits(key->public);
    if (key->algorithm == TOW_KEY_ALGORITHMS)
        return refuse(why, TOW_ERROR_UNSUPPORTED, "only RSA, the curve P-256 and Ed25519 are known");
    if (key->algorithm == TOW_KEY_RS256 && bits < TOW_KEY_RSA_MIN)
        return refuse(
            why, TOW_ERROR_ARGUMENT, "a key of RS256 has at least 2048 bits (RFC 7518, section 3.3)");
    if (key->algorithm == TOW_KEY_RS256 && bits > TOW_KEY_RSA_MAX)
        return refuse(why, TOW_ERROR_ARGUMENT, "a key of RS256 has at most 8192 bits");
    return is_sound(key) ? 0 : refuse(why, TOW_ERROR_ARGUMENT, "the numbers of this key make no sound key");
}

int tow_key_take_public(tow_key *key, EVP_PKEY *public, char why[TOW_KEY_TEXT_MAX]) {
    *key = (tow_key){.algorithm = algorithm_for(public), .public = public};
    int error = public_check(key, why);
    if (error != 0)
        tow_key_clear(key);
    ERR_clear_error();
    return error;
}

int tow_key_read_public(tow_key *key, const uint8_t *bytes, size_t length, char why[TOW_KEY_TEXT_MAX]) {
    const unsigned char *next = bytes;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &next, (long)length);
    if (public != NULL && next == bytes + length)
        return tow_key_take_public(key, public, why);
    EVP_PKEY_free(public);
    ERR_clear_error();
    return refuse(why, TOW_ERROR_ARGUMENT, "this is no public key");
}

int tow_key_read_secret(tow_key *key, const uint8_t *bytes, size_t length, char why[TOW_KEY_TEXT_MAX]) {
    if (length < TOW_KEY_SECRET_MIN)
        return refuse(
            why, TOW_ERROR_ARGUMENT, "a key of HS256 has at least 32 bytes (RFC 7518, section 3.2)");
    if (length > TOW_KEY_SECRET_MAX)
        return refuse(why, TOW_ERROR_ARGUMENT, "a key of HS256 has at most 1024 bytes");
    *key = (tow_key){.algorithm = TOW_KEY_HS256, .secret = malloc(length), .secret_length = length};
    if (key->secret == NULL)
        return refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
    memcpy(key->secret, bytes, length);
    return 0;
}

void tow_key_clear(tow_key *key) {
    if (key->secret != NULL)
        OPENSSL_cleanse(key->secret, key->secret_length);
    free(key->secret);
    free(key->id);
    EVP_PKEY_free(key->public);
    *key = (tow_key){0};
}

/* Signatures. */

static bool secret_has_signed(const tow_key *key, tow_slice what, const uint8_t *signature, size_t length) {
    unsigned char made[EVP_MAX_MD_SIZE];
    unsigned made_length = 0;
    return length == DIGEST &&
           HMAC(EVP_sha256(), key->secret, (int)key->secret_length, (const unsigned char *)what.data,
               what.length, made, &made_length) != NULL &&
           made_length == DIGEST && CRYPTO_memcmp(made, signature, DIGEST) == 0;
}

static bool public_has_signed(
    const tow_key *key, const EVP_MD *digest, tow_slice what, const uint8_t *signature, size_t length) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good =
        context != NULL && EVP_DigestVerifyInit(context, NULL, digest, NULL, key->public) == 1 &&
        EVP_DigestVerify(context, signature, length, (const unsigned char *)what.data, what.length) == 1;
    EVP_MD_CTX_free(context);
    return is_good;
}

/* Two numbers of 32 bytes (RFC 7518, section 3.4), which OpenSSL wants in DER. */
static bool curve_has_signed(const tow_key *key, tow_slice what, const uint8_t *signature, size_t length) {
    unsigned char *encoded = NULL;
    if (length != (size_t)2 * COORDINATE)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, COORDINATE, NULL),
           *s = BN_bin2bn(signature + COORDINATE, COORDINATE, NULL);
    bool is_good = pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1;
    if (!is_good) {
        BN_free(r);
        BN_free(s);
    }
    int size = is_good ? i2d_ECDSA_SIG(pair, &encoded) : 0;
    is_good = size > 0 && public_has_signed(key, EVP_sha256(), what, encoded, (size_t)size);
    OPENSSL_free(encoded);
    ECDSA_SIG_free(pair);
    return is_good;
}

static bool has_signed(const tow_key *key, tow_slice what, const uint8_t *signature, size_t length) {
    switch (key->algorithm) {
    case TOW_KEY_HS256:
        return secret_has_signed(key, what, signature, length);
    case TOW_KEY_RS256:
        return public_has_signed(key, EVP_sha256(), what, signature, length);
    case TOW_KEY_ES256:
        return curve_has_signed(key, what, signature, length);
    case TOW_KEY_EDDSA:
        return public_has_signed(key, NULL, what, signature, length);
    case TOW_KEY_ALGORITHMS:
        break;
    }
    return false;
}

/* What OpenSSL notes of a signature that is wrong is not for the next that asks it, a TLS stream say. */
bool tow_key_has_signed(const tow_key *key, tow_slice what, const uint8_t *signature, size_t length) {
    bool is_good = has_signed(key, what, signature, length);
    if (!is_good)
        ERR_clear_error();
    return is_good;
}
