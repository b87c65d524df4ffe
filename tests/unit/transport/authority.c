#include "authority.h"

#include "../unit.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char *take_text(BIO *bio) {
    char *data;
    long length = BIO_get_mem_data(bio, &data);
    assert_true(length > 0);
    char *text = strndup(data, (size_t)length);
    BIO_free(bio);
    return text;
}

static char *certificate_text(X509 *certificate) {
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    return take_text(bio);
}

static char *key_text(EVP_PKEY *key) {
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    return take_text(bio);
}

static void extend(X509 *certificate, X509 *issuer, int type, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, type, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *blank(EVP_PKEY *key, long serial, const char *name, const char *from, const char *until) {
    X509 *made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
    ASN1_TIME_set_string(X509_getm_notBefore(made), from == NULL ? "20200101000000Z" : from);
    ASN1_TIME_set_string(X509_getm_notAfter(made), until == NULL ? "20990101000000Z" : until);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(made), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(made, key);
    return made;
}

static void make(test_authority *authority, const char *name, X509 *issuer, EVP_PKEY *key) {
    authority->certificate = blank(authority->key, ++authority->serial, name, NULL, NULL);
    X509 *signer = issuer == NULL ? authority->certificate : issuer;
    X509_set_issuer_name(authority->certificate, X509_get_subject_name(signer));
    extend(authority->certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
    extend(authority->certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    assert_true(X509_sign(authority->certificate, key, EVP_sha256()) > 0);
    authority->pem = certificate_text(authority->certificate);
}

void authority_make(test_authority *authority, const char *name) {
    *authority = (test_authority){.key = EVP_EC_gen("P-256")};
    make(authority, name, NULL, authority->key);
}

void authority_make_below(test_authority *authority, const char *name, test_authority *issuer) {
    *authority = (test_authority){.key = EVP_EC_gen("P-256"), .serial = 100};
    make(authority, name, issuer->certificate, issuer->key);
}

void authority_clear(test_authority *authority) {
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
    free(authority->pem);
}

void authority_issue(test_authority *authority, const test_subject *subject, test_identity *identity) {
    EVP_PKEY *key = subject->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    identity->serial = ++authority->serial;
    const char *name = subject->name == NULL ? "example.test" : subject->name;
    X509 *made = blank(key, identity->serial, name, subject->from, subject->until);
    X509 *issuer = subject->self_signed ? made : authority->certificate;
    X509_set_issuer_name(made, X509_get_subject_name(issuer));
    extend(made, issuer, NID_basic_constraints, "critical,CA:FALSE");
    const char *names = subject->names == NULL ? "DNS:example.test" : subject->names;
    if (names[0] != '\0')
        extend(made, issuer, NID_subject_alt_name, names);
    if (subject->usage != NULL)
        extend(made, issuer, NID_ext_key_usage, subject->usage);
    assert_true(X509_sign(made, subject->self_signed ? key : authority->key, EVP_sha256()) > 0);
    identity->certificate = certificate_text(made);
    identity->key = key_text(key);
    X509_free(made);
    EVP_PKEY_free(key);
}

char *authority_revoke(test_authority *authority, const test_identity *identity) {
    X509_CRL *list = X509_CRL_new();
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->certificate));
    ASN1_TIME *time = ASN1_TIME_new();
    ASN1_TIME_set_string(time, "20200101000000Z");
    X509_CRL_set1_lastUpdate(list, time);
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, identity->serial);
    X509_REVOKED_set_serialNumber(entry, serial);
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(list, entry);
    ASN1_TIME_set_string(time, "20990101000000Z");
    X509_CRL_set1_nextUpdate(list, time);
    assert_true(X509_CRL_sign(list, authority->key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509_CRL(bio, list), 1);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(time);
    X509_CRL_free(list);
    return take_text(bio);
}

void identity_clear(test_identity *identity) {
    free(identity->certificate);
    free(identity->key);
}

tow_tls_context *context_make(const tow_tls_settings *settings) {
    char why[TOW_TLS_TEXT_MAX] = "";
    tow_tls_context *context;
    if (tow_tls_context_new(&context, settings, why) != 0)
        fail_msg("%s", why);
    return context;
}
