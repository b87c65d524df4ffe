#include "tls_trust.h"

#include "tls_failure.h"
#include "tls_pem.h"

#include <openssl/evp.h>
#include <string.h>
#include <towline/error.h>

/* Whoever stands in the text is trusted, also one between those that sign and a root: as curl does. */
static int use_roots(void *out, BIO *text) {
    SSL_CTX *ssl = out;
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    X509 *certificate;
    int count = 0;
    while ((certificate = PEM_read_bio_X509_AUX(text, NULL, tow_tls_no_passphrase, NULL)) != NULL) {
        bool added =
            X509_STORE_add_cert(store, certificate) == 1 && SSL_CTX_add_client_CA(ssl, certificate) == 1;
        X509_free(certificate);
        if (!added)
            return TOW_ERROR_CERTIFICATE;
        count++;
    }
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return tow_tls_pem_is_over() && count > 0 ? 0 : TOW_ERROR_CERTIFICATE;
}

static int use_revoked(void *out, BIO *text) {
    X509_STORE *store = SSL_CTX_get_cert_store(out);
    X509_CRL *list;
    int count = 0;
    while ((list = PEM_read_bio_X509_CRL(text, NULL, tow_tls_no_passphrase, NULL)) != NULL) {
        bool added = X509_STORE_add_crl(store, list) == 1;
        X509_CRL_free(list);
        if (!added)
            return TOW_ERROR_CERTIFICATE;
        count++;
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return tow_tls_pem_is_over() && count > 0 ? 0 : TOW_ERROR_CERTIFICATE;
}

tow_tls_verify tow_tls_verify_of(const tow_tls_settings *settings) {
    if (settings->verify != TOW_TLS_VERIFY_DEFAULT)
        return settings->verify;
    return settings->server && settings->roots == NULL ? TOW_TLS_VERIFY_NONE : TOW_TLS_VERIFY_REQUIRED;
}

static void set_verify(SSL_CTX *ssl, tow_tls_verify verify) {
    switch (verify) {
    case TOW_TLS_VERIFY_NONE:
        SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        return;
    case TOW_TLS_VERIFY_OPTIONAL:
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, tow_tls_on_verify);
        return;
    case TOW_TLS_VERIFY_DEFAULT:
    case TOW_TLS_VERIFY_REQUIRED:
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tow_tls_on_verify);
    }
}

int tow_tls_trust_use(SSL_CTX *ssl, const tow_tls_settings *settings, char why[TOW_TLS_TEXT_MAX]) {
    set_verify(ssl, tow_tls_verify_of(settings));
    if (settings->roots != NULL && tow_tls_pem_read(settings->roots, use_roots, ssl) != 0)
        return tow_tls_refuse_text(why, settings->files.roots, "the authorities are not certificates in PEM");
    if (settings->roots == NULL && !settings->server && SSL_CTX_set_default_verify_paths(ssl) != 1)
        return tow_tls_refuse(why, TOW_ERROR_SYSTEM, "the system's authorities can't be read");
    if (settings->revoked != NULL && tow_tls_pem_read(settings->revoked, use_revoked, ssl) != 0)
        return tow_tls_refuse_text(
            why, settings->files.revoked, "this is not a list of revoked certificates (CRL) in PEM");
    return 0;
}

int tow_tls_trust_digest(const tow_tls_settings *settings, uint8_t out[TOW_TLS_TRUST_DIGEST]) {
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    const char *texts[] = {settings->roots, settings->revoked};
    bool good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < 2; i++)
        good = texts[i] == NULL || EVP_DigestUpdate(hash, texts[i], strlen(texts[i]) + 1) == 1;
    good = good && EVP_DigestFinal_ex(hash, out, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return good ? 0 : TOW_ERROR_MEMORY;
}
