#include "../unit.h"

#include "token_maker.h"

#include "base/base64.h"
#include "base/buffer.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

void token_append(char out[TOKEN_MAX], const void *bytes, size_t length) {
    tow_buffer text = {0};
    char *at = out + strlen(out);
    assert_int_equal(tow_base64_append(&text, bytes, length), 0);
    assert_true(strlen(out) + text.length < TOKEN_MAX);
    for (size_t i = 0; i < text.length && text.data[i] != '='; i++)
        *at++ = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : (char)text.data[i];
    *at = '\0';
    tow_buffer_clear(&text);
}

void token_begin(char out[TOKEN_MAX], const char *header, const char *claims) {
    out[0] = '\0';
    token_append(out, header, strlen(header));
    strcat(out, ".");
    token_append(out, claims, strlen(claims));
}

void token_sign_secret(char out[TOKEN_MAX], const char *secret) {
    unsigned char made[EVP_MAX_MD_SIZE];
    unsigned length;
    assert_non_null(HMAC(
        EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)out, strlen(out), made, &length));
    strcat(out, ".");
    token_append(out, made, length);
}

/* Two numbers of 32 bytes instead of DER. */
static size_t curve_signature(unsigned char *signature, size_t length) {
    const unsigned char *from = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &from, (long)length);
    assert_non_null(pair);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32), 32);
    ECDSA_SIG_free(pair);
    return 64;
}

void token_sign(char out[TOKEN_MAX], EVP_PKEY *key) {
    unsigned char signature[1024];
    size_t length = sizeof(signature);
    int id = EVP_PKEY_get_base_id(key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(
        EVP_DigestSignInit(context, NULL, id == EVP_PKEY_ED25519 ? NULL : EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &length, (const unsigned char *)out, strlen(out)), 1);
    EVP_MD_CTX_free(context);
    if (id == EVP_PKEY_EC)
        length = curve_signature(signature, length);
    strcat(out, ".");
    token_append(out, signature, length);
}

EVP_PKEY *token_key_rsa(unsigned bits) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
}

EVP_PKEY *token_key_ec(const char *curve) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
}

EVP_PKEY *token_key_ed25519(void) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

char *token_key_pem(EVP_PKEY *key, bool is_private) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    assert_int_equal(is_private ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                                : PEM_write_bio_PUBKEY(bio, key),
        1);
    long length = BIO_get_mem_data(bio, &data);
    char *copy = strndup(data, (size_t)length);
    BIO_free(bio);
    return copy;
}
