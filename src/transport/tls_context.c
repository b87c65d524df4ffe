#include "tls_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#include "base/text.h"
#include "tls_failure.h"
#include "tls_records.h"
#include "tls_resumption.h"
#include "tls_tickets.h"

/* RFC 7301, section 3.1: a length and a name. */
static const unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

static int refuse(char why[TOW_TLS_TEXT_MAX], int error, const char *text) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    bool explained = reason != NULL && error == TOW_ERROR_CERTIFICATE;
    tow_text_format(why, TOW_TLS_TEXT_MAX, "%s%s%s", text, explained ? ": " : "", explained ? reason : "");
    ERR_clear_error();
    return error;
}

/* The same of a text that may have come from a file. */
static int refuse_text(char why[TOW_TLS_TEXT_MAX], const char *file, const char *text) {
    char whole[TOW_TLS_TEXT_MAX];
    tow_text_format(whole, sizeof(whole), "%s%s%s", file != NULL ? file : "", file != NULL ? ": " : "", text);
    return refuse(why, TOW_ERROR_CERTIFICATE, whole);
}

/* Reading PEM. A key with a passphrase is not asked for one. */

static int no_passphrase(char *out, int size, int writing, void *user) {
    (void)out, (void)size, (void)writing, (void)user;
    return -1;
}

/* The end of a PEM text is an error to OpenSSL. */
static bool is_end_of_text(void) {
    unsigned long error = ERR_peek_last_error();
    bool end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (end)
        ERR_clear_error();
    return end;
}

static int use_chain(SSL_CTX *ssl, BIO *text) {
    X509 *certificate = PEM_read_bio_X509_AUX(text, NULL, no_passphrase, NULL);
    bool good = certificate != NULL && SSL_CTX_use_certificate(ssl, certificate) == 1;
    X509_free(certificate);
    while (good && (certificate = PEM_read_bio_X509(text, NULL, no_passphrase, NULL)) != NULL) {
        good = SSL_CTX_add0_chain_cert(ssl, certificate) == 1;
        if (!good)
            X509_free(certificate);
    }
    return good && is_end_of_text() ? 0 : TOW_ERROR_CERTIFICATE;
}

static int use_key(SSL_CTX *ssl, BIO *text) {
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_passphrase, NULL);
    int error = key != NULL && SSL_CTX_use_PrivateKey(ssl, key) == 1 ? 0 : TOW_ERROR_CERTIFICATE;
    EVP_PKEY_free(key);
    return error;
}

/* Whoever stands in the text is trusted, also one between those that sign and a root: as curl does. */
static int use_roots(SSL_CTX *ssl, BIO *text) {
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    X509 *certificate;
    int count = 0;
    while ((certificate = PEM_read_bio_X509_AUX(text, NULL, no_passphrase, NULL)) != NULL) {
        bool added =
            X509_STORE_add_cert(store, certificate) == 1 && SSL_CTX_add_client_CA(ssl, certificate) == 1;
        X509_free(certificate);
        if (!added)
            return TOW_ERROR_CERTIFICATE;
        count++;
    }
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return is_end_of_text() && count > 0 ? 0 : TOW_ERROR_CERTIFICATE;
}

static int use_revoked(SSL_CTX *ssl, BIO *text) {
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    X509_CRL *list;
    int count = 0;
    while ((list = PEM_read_bio_X509_CRL(text, NULL, no_passphrase, NULL)) != NULL) {
        bool added = X509_STORE_add_crl(store, list) == 1;
        X509_CRL_free(list);
        if (!added)
            return TOW_ERROR_CERTIFICATE;
        count++;
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return is_end_of_text() && count > 0 ? 0 : TOW_ERROR_CERTIFICATE;
}

static int use_text(SSL_CTX *ssl, const char *text, int (*use)(SSL_CTX *ssl, BIO *text)) {
    BIO *bio = BIO_new_mem_buf(text, -1);
    if (bio == NULL)
        return TOW_ERROR_MEMORY;
    int error = use(ssl, bio);
    BIO_free(bio);
    return error;
}

static int use_identity(SSL_CTX *ssl, const tow_tls_settings *settings, char *why) {
    if (settings->certificate == NULL)
        return settings->server ? refuse(why, TOW_ERROR_CERTIFICATE, "a server needs a certificate") : 0;
    if (use_text(ssl, settings->certificate, use_chain) != 0)
        return refuse_text(why, settings->files.certificate, "this is not a certificate in PEM");
    if (settings->key == NULL)
        return refuse_text(why, settings->files.certificate, "a certificate needs its key");
    if (use_text(ssl, settings->key, use_key) != 0)
        return refuse_text(why, settings->files.key,
            "this is not the certificate's key in PEM, or it is encrypted with a passphrase");
    if (SSL_CTX_check_private_key(ssl) != 1)
        return refuse_text(why, settings->files.key, "the key does not belong to the certificate");
    return 0;
}

static int use_trust(SSL_CTX *ssl, const tow_tls_settings *settings, char *why) {
    if (settings->roots != NULL && use_text(ssl, settings->roots, use_roots) != 0)
        return refuse_text(why, settings->files.roots, "the authorities are not certificates in PEM");
    if (settings->roots == NULL && !settings->server && SSL_CTX_set_default_verify_paths(ssl) != 1)
        return refuse(why, TOW_ERROR_SYSTEM, "the system's authorities can't be read");
    if (settings->revoked != NULL && use_text(ssl, settings->revoked, use_revoked) != 0)
        return refuse_text(
            why, settings->files.revoked, "this is not a list of revoked certificates (CRL) in PEM");
    return 0;
}

/* Whom to believe */

static tow_tls_verify verify_of(const tow_tls_settings *settings) {
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

/* A client that proved who it is may resume only as long as the same authorities are asked. */
static int set_session_context(SSL_CTX *ssl, const tow_tls_settings *settings) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    const char *texts[] = {settings->roots, settings->revoked};
    bool good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < 2; i++)
        good = texts[i] == NULL || EVP_DigestUpdate(hash, texts[i], strlen(texts[i]) + 1) == 1;
    good = good && EVP_DigestFinal_ex(hash, digest, &length) == 1;
    EVP_MD_CTX_free(hash);
    return good && SSL_CTX_set_session_id_context(ssl, digest, length) == 1 ? 0 : TOW_ERROR_MEMORY;
}

/* RFC 7301, section 3.2. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length,
    const unsigned char *offered, unsigned length, void *user) {
    (void)ssl, (void)user;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_length, http11, sizeof(http11), offered, length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int prepare_server(tow_tls_context *context, const tow_tls_settings *settings) {
    SSL_CTX *ssl = context->ssl;
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ssl, TOW_TICKET_SECONDS);
    SSL_CTX_set_num_tickets(ssl, 1);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, tow_tls_on_ticket);
    SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
    if (SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        return TOW_ERROR_SYSTEM;
    if (settings->tickets != NULL)
        context->tickets = tow_tls_tickets_retain(settings->tickets);
    else if (tow_tls_tickets_new(&context->tickets) != 0)
        return TOW_ERROR_MEMORY;
    return set_session_context(ssl, settings);
}

static int prepare_client(tow_tls_context *context) {
    SSL_CTX *ssl = context->ssl;
    context->sessions = calloc(1, sizeof(*context->sessions));
    if (context->sessions == NULL || SSL_CTX_set_alpn_protos(ssl, http11, sizeof(http11)) != 0)
        return TOW_ERROR_MEMORY;
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, tow_tls_on_session);
    return 0;
}

static int prepare(tow_tls_context *context, const tow_tls_settings *settings) {
    context->method = tow_tls_method_new();
    context->ssl = SSL_CTX_new(settings->server ? TLS_server_method() : TLS_client_method());
    if (context->method == NULL || context->ssl == NULL)
        return TOW_ERROR_MEMORY;
    SSL_CTX *ssl = context->ssl;
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1)
        return TOW_ERROR_SYSTEM;
    SSL_CTX_set_mode(
        ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    set_verify(ssl, verify_of(settings));
    context->server = settings->server;
    context->plain_too = settings->plain_too;
    context->checks_name = !settings->server && verify_of(settings) == TOW_TLS_VERIFY_REQUIRED;
    return settings->server ? prepare_server(context, settings) : prepare_client(context);
}

int tow_tls_context_new(tow_tls_context **out, const tow_tls_settings *settings, char why[TOW_TLS_TEXT_MAX]) {
    ERR_clear_error();
    tow_tls_context *context = calloc(1, sizeof(*context));
    if (context == NULL)
        return refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
    context->references = 1;
    int error = prepare(context, settings);
    if (error != 0)
        refuse(why, error, tow_strerror(error));
    else
        error = use_identity(context->ssl, settings, why);
    if (error == 0)
        error = use_trust(context->ssl, settings, why);
    if (error != 0) {
        tow_tls_context_release(context);
        return error;
    }
    *out = context;
    return 0;
}

tow_tls_context *tow_tls_context_retain(tow_tls_context *context) {
    context->references++;
    return context;
}

void tow_tls_context_release(tow_tls_context *context) {
    if (context == NULL || --context->references > 0)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->method);
    tow_tls_tickets_release(context->tickets);
    if (context->sessions != NULL)
        tow_tls_sessions_clear(context->sessions);
    free(context->sessions);
    free(context);
}
