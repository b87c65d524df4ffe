#include "key_json.h"

#include "base64url.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { NUMBER_MAX = 2048, COORDINATE = 32, POINT = 1 + 2 * COORDINATE };

static int refuse(char *why, int error, const char *what) {
    snprintf(why, TOW_KEY_TEXT_MAX, "%s", what);
    return error;
}

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* A member's bytes; false: there is no such member, or it is too long or no base64url. */
static bool bytes_of(const json_t *object, const char *name, uint8_t out[NUMBER_MAX], size_t *length) {
    const tow_slice text = tow_slice_from(text_of(object, name));
    return text.length > 0 && TOW_BASE64URL_ROOM(text.length) <= NUMBER_MAX &&
           tow_base64url_read(out, length, text);
}

static EVP_PKEY *public_make(const char *type, OSSL_PARAM_BLD *builder) {
    EVP_PKEY *public = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    bool is_made = parameters != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
                   EVP_PKEY_fromdata(context, &public, EVP_PKEY_PUBLIC_KEY, parameters) == 1;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return is_made ? public : NULL;
}

static EVP_PKEY *rsa_make(const json_t *object) {
    uint8_t n[NUMBER_MAX], e[NUMBER_MAX];
    size_t n_length, e_length;
    if (!bytes_of(object, "n", n, &n_length) || !bytes_of(object, "e", e, &e_length))
        return NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n, (int)n_length, NULL);
    BIGNUM *exponent = BN_bin2bn(e, (int)e_length, NULL);
    bool is_said = builder != NULL && modulus != NULL && exponent != NULL &&
                   OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
                   OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1;
    EVP_PKEY *public = is_said ? public_make("RSA", builder) : NULL;
    BN_free(modulus);
    BN_free(exponent);
    OSSL_PARAM_BLD_free(builder);
    return public;
}

static EVP_PKEY *curve_make(const json_t *object) {
    uint8_t x[NUMBER_MAX], y[NUMBER_MAX], point[POINT] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t x_length, y_length;
    if (!bytes_of(object, "x", x, &x_length) || !bytes_of(object, "y", y, &y_length) ||
        x_length != COORDINATE || y_length != COORDINATE)
        return NULL;
    memcpy(point + 1, x, COORDINATE);
    memcpy(point + 1 + COORDINATE, y, COORDINATE);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    bool is_said =
        builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, POINT) == 1;
    EVP_PKEY *public = is_said ? public_make("EC", builder) : NULL; /* refuses what is not on the curve */
    OSSL_PARAM_BLD_free(builder);
    return public;
}

static EVP_PKEY *edwards_make(const json_t *object) {
    uint8_t x[NUMBER_MAX];
    size_t length;
    if (!bytes_of(object, "x", x, &length))
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, length);
}

static int public_read(
    tow_key *key, const json_t *object, EVP_PKEY *(*make)(const json_t *object), char *why) {
    if (json_object_get(object, "d") != NULL)
        return refuse(
            why, TOW_ERROR_ARGUMENT, "this key is private: only its public members are wanted here");
    EVP_PKEY *public = make(object);
    if (public == NULL)
        return refuse(why, TOW_ERROR_ARGUMENT, "the members of this key make no key");
    return tow_key_take_public(key, public, why);
}

static int rsa_read(tow_key *key, const json_t *object, char *why) {
    return public_read(key, object, rsa_make, why);
}

static int curve_read(tow_key *key, const json_t *object, char *why) {
    if (strcmp(text_of(object, "crv"), "P-256") != 0)
        return refuse(why, TOW_ERROR_UNSUPPORTED, "of the curves only P-256 is known");
    return public_read(key, object, curve_make, why);
}

static int edwards_read(tow_key *key, const json_t *object, char *why) {
    if (strcmp(text_of(object, "crv"), "Ed25519") != 0)
        return refuse(why, TOW_ERROR_UNSUPPORTED, "of these keys only Ed25519 is known");
    return public_read(key, object, edwards_make, why);
}

static int secret_read(tow_key *key, const json_t *object, char *why) {
    uint8_t secret[NUMBER_MAX];
    size_t length;
    if (!bytes_of(object, "k", secret, &length))
        return refuse(why, TOW_ERROR_ARGUMENT, "its member k is missing, too long, or no base64url");
    int error = tow_key_read_secret(key, secret, length, why);
    OPENSSL_cleanse(secret, sizeof(secret));
    return error;
}

typedef int (*key_reader)(tow_key *key, const json_t *object, char *why);

static key_reader reader_of(const char *type) {
    static const struct {
        const char *type;
        key_reader read;
    } readers[] = {{"oct", secret_read}, {"RSA", rsa_read}, {"EC", curve_read}, {"OKP", edwards_read}};
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        if (strcmp(readers[i].type, type) == 0)
            return readers[i].read;
    return NULL;
}

/* Whether a member that may be there does not contradict (RFC 7517, sections 4.2 to 4.4). */
static bool is_for_verifying(const json_t *object) {
    const json_t *use = json_object_get(object, "use"), *operations = json_object_get(object, "key_ops");
    bool found = operations == NULL;
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const char *operation = json_string_value(json_array_get(operations, i));
        found |= operation != NULL && strcmp(operation, "verify") == 0;
    }
    return found && (use == NULL || strcmp(text_of(object, "use"), "sig") == 0);
}

static bool algorithm_agrees(const tow_key *key, const json_t *object) {
    return json_object_get(object, "alg") == NULL ||
           tow_key_algorithm_of(text_of(object, "alg")) == key->algorithm;
}

static int id_take(tow_key *key, const json_t *object, char *why) {
    const json_t *id = json_object_get(object, "kid");
    if (id == NULL)
        return 0;
    if (!json_is_string(id))
        return refuse(why, TOW_ERROR_ARGUMENT, "its kid is no text");
    key->id = strdup(json_string_value(id));
    return key->id != NULL ? 0 : refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
}

int tow_key_read_json(tow_key *key, const json_t *object, char why[TOW_KEY_TEXT_MAX]) {
    key_reader read = reader_of(text_of(object, "kty"));
    *key = (tow_key){0};
    if (read == NULL)
        return refuse(why, TOW_ERROR_UNSUPPORTED, "its kty is not oct, RSA, EC or OKP");
    if (!is_for_verifying(object))
        return refuse(why, TOW_ERROR_UNSUPPORTED, "it is not for the checking of signatures");
    int error = read(key, object, why);
    if (error == 0 && !algorithm_agrees(key, object))
        error = refuse(
            why, TOW_ERROR_UNSUPPORTED, "its alg is not HS256, RS256, ES256 or EdDSA, as fits its kty");
    if (error == 0)
        error = id_take(key, object, why);
    if (error == 0)
        return 0;
    tow_key_clear(key);
    ERR_clear_error();
    return error;
}
