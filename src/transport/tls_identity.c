#include "tls_identity.h"

#include "base/text.h"
#include "tls_pem.h"

#include <towline/error.h>

static int chain_add(tow_tls_identity *identity, X509 *certificate) {
    if (identity->chain == NULL)
        identity->chain = sk_X509_new_null();
    if (identity->chain != NULL && sk_X509_push(identity->chain, certificate) > 0)
        return 0;
    X509_free(certificate);
    return TOW_ERROR_MEMORY;
}

static int read_certificates(void *out, BIO *text) {
    tow_tls_identity *identity = out;
    identity->certificate = PEM_read_bio_X509_AUX(text, NULL, tow_tls_no_passphrase, NULL);
    int error = identity->certificate == NULL ? TOW_ERROR_CERTIFICATE : 0;
    X509 *more;
    while (error == 0 && (more = PEM_read_bio_X509(text, NULL, tow_tls_no_passphrase, NULL)) != NULL)
        error = chain_add(identity, more);
    return error == 0 && !tow_tls_pem_is_over() ? TOW_ERROR_CERTIFICATE : error;
}

static int read_key(void *out, BIO *text) {
    tow_tls_identity *identity = out;
    identity->key = PEM_read_bio_PrivateKey(text, NULL, tow_tls_no_passphrase, NULL);
    return identity->key == NULL ? TOW_ERROR_CERTIFICATE : 0;
}

static int refuse_pair(const tow_tls_pem *pem, char *why) {
    char text[TOW_TLS_TEXT_MAX];
    const char *file = pem->certificate_file;
    tow_text_format(text, sizeof(text), "this is not the certificate's key%s%s%s",
        file != NULL ? " (the certificate is in " : "", file != NULL ? file : "", file != NULL ? ")" : "");
    return tow_tls_refuse_text(why, pem->key_file, text);
}

static int read_pair(tow_tls_identity *identity, const tow_tls_pem *pem, char *why) {
    if (tow_tls_pem_read(pem->certificate, read_certificates, identity) != 0)
        return tow_tls_refuse_text(why, pem->certificate_file, "this is not a certificate in PEM");
    if (pem->key == NULL)
        return tow_tls_refuse_text(why, pem->certificate_file, "a certificate needs its key");
    if (tow_tls_pem_read(pem->key, read_key, identity) != 0)
        return tow_tls_refuse_text(why, pem->key_file,
            "this is not the certificate's key in PEM, or it is encrypted with a passphrase");
    return X509_check_private_key(identity->certificate, identity->key) == 1 ? 0 : refuse_pair(pem, why);
}

int tow_tls_identity_read(tow_tls_identity *identity, const tow_tls_pem *pem, char why[TOW_TLS_TEXT_MAX]) {
    *identity = (tow_tls_identity){0};
    int error = read_pair(identity, pem, why);
    if (error != 0)
        tow_tls_identity_clear(identity);
    return error;
}

void tow_tls_identity_clear(tow_tls_identity *identity) {
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->chain, X509_free);
    *identity = (tow_tls_identity){0};
}

int tow_tls_identity_use(
    const tow_tls_identity *identity, SSL_CTX *ssl, const tow_tls_pem *pem, char why[TOW_TLS_TEXT_MAX]) {
    if (SSL_CTX_use_cert_and_key(ssl, identity->certificate, identity->key, identity->chain, 1) == 1)
        return 0;
    return tow_tls_refuse_text(why, pem->certificate_file, "this certificate can't be used");
}
