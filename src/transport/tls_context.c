#include "tls_context.h"

#include "tls_hello.h"
#include "tls_identity.h"
#include "tls_pem.h"
#include "tls_records.h"
#include "tls_resumption.h"
#include "tls_tickets.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <towline/error.h>

/* RFC 7301, section 3.1: a length and a name. */
static const unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

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
    int error = tow_tls_trust_digest(settings, context->trust);
    bool set = error == 0 && SSL_CTX_set_session_id_context(ssl, context->trust, TOW_TLS_TRUST_DIGEST) == 1;
    return set ? 0 : TOW_ERROR_MEMORY;
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
    context->server = settings->server;
    context->plain_too = settings->plain_too;
    context->checks_name = !settings->server && tow_tls_verify_of(settings) == TOW_TLS_VERIFY_REQUIRED;
    return settings->server ? prepare_server(context, settings) : prepare_client(context);
}

/* A client's own. */
static int use_own(tow_tls_context *context, const tow_tls_settings *settings, char *why) {
    const tow_tls_pem pem = {
        settings->certificate, settings->key, settings->files.certificate, settings->files.key};
    tow_tls_identity identity;
    if (pem.certificate == NULL)
        return 0;
    int error = tow_tls_identity_read(&identity, &pem, why);
    if (error != 0)
        return error;
    error = tow_tls_identity_use(&identity, context->ssl, &pem, why);
    tow_tls_identity_clear(&identity);
    return error;
}

/* A server's. With one there is nothing to choose. */
static int use_choice(tow_tls_context *context, const tow_tls_settings *settings, char *why) {
    if (settings->certificate == NULL)
        return tow_tls_refuse(why, TOW_ERROR_CERTIFICATE, "a server needs a certificate");
    if (settings->more_count == 0)
        return use_own(context, settings, why);
    SSL_CTX_set_client_hello_cb(context->ssl, tow_tls_on_hello, NULL);
    return tow_tls_choice_new(&context->choice, context->ssl, settings, why);
}

int tow_tls_context_new(tow_tls_context **out, const tow_tls_settings *settings, char why[TOW_TLS_TEXT_MAX]) {
    ERR_clear_error();
    tow_tls_context *context = calloc(1, sizeof(*context));
    if (context == NULL)
        return tow_tls_refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
    context->references = 1;
    int error = prepare(context, settings);
    if (error != 0)
        tow_tls_refuse(why, error, tow_strerror(error));
    else
        error = settings->server ? use_choice(context, settings, why) : use_own(context, settings, why);
    if (error == 0)
        error = tow_tls_trust_use(context->ssl, settings, why);
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
    tow_tls_choice_free(context->choice);
    free(context);
}
