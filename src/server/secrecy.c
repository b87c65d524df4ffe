#include "secrecy.h"

#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static void texts_clear(tow_pem_texts *texts) {
    free(texts->certificate);
    free(texts->key);
    free(texts->roots);
    free(texts->revoked);
}

static bool is_wanted(const tow_settings *settings) {
    return settings->tls_certificate != NULL || settings->tls_self_signed;
}

static int complain(const tow_settings *settings, int error, const char *why) {
    tow_report(settings, TOW_LOG_ERROR, "TLS: %s", why);
    return error;
}

static int context_make(const tow_settings *settings, const tow_pem_texts *texts, tow_tls_tickets *tickets,
    tow_tls_context **context) {
    char why[TOW_TLS_TEXT_MAX];
    const tow_tls_settings wanted = {
        .server = true,
        .certificate = texts->certificate,
        .key = texts->key,
        .roots = texts->roots,
        .revoked = texts->revoked,
        .plain_too = settings->tls_redirect,
        .tickets = tickets,
        .files = {.certificate = settings->tls_certificate,
            .key = settings->tls_key != NULL ? settings->tls_key : settings->tls_certificate,
            .roots = settings->tls_client_ca,
            .revoked = settings->tls_client_crl},
    };
    int error = tow_tls_context_new(context, &wanted, why);
    return error != 0 ? complain(settings, error, why) : 0;
}

/* Whom to let in. */
static int trust_read(tow_pem_texts *read, const tow_settings *settings, char why[TOW_TLS_TEXT_MAX]) {
    int error = 0;
    if (settings->tls_client_ca != NULL)
        error = tow_tls_read_file(settings->tls_client_ca, &read->roots, why);
    if (error == 0 && settings->tls_client_crl != NULL)
        error = tow_tls_read_file(settings->tls_client_crl, &read->revoked, why);
    return error;
}

/* The key may stand in the certificate's file. */
static int texts_read(tow_pem_texts *read, const tow_settings *settings) {
    char why[TOW_TLS_TEXT_MAX];
    const char *key = settings->tls_key != NULL ? settings->tls_key : settings->tls_certificate;
    int error = tow_tls_read_file(settings->tls_certificate, &read->certificate, why);
    if (error == 0)
        error = tow_tls_read_file(key, &read->key, why);
    if (error == 0)
        error = trust_read(read, settings, why);
    return error != 0 ? complain(settings, error, why) : 0;
}

static int texts_make(tow_pem_texts *made, const tow_settings *settings) {
    char why[TOW_TLS_TEXT_MAX];
    char fingerprint[96];
    int error = tow_tls_self_signed(&made->certificate, &made->key, fingerprint);
    if (error != 0)
        return complain(settings, error, tow_strerror(error));
    error = trust_read(made, settings, why);
    if (error != 0)
        return complain(settings, error, why);
    tow_report(settings, TOW_LOG_NOTICE,
        "TLS with a certificate made for this run, for localhost only, that nobody trusts; its SHA-256 "
        "fingerprint is %s",
        fingerprint);
    return 0;
}

/* Nothing is changed before all of it is known to be good. */
static int load(tow_secrecy *secrecy, const tow_settings *settings) {
    tow_pem_texts fresh = {0};
    tow_tls_context *context;
    int error = settings->tls_self_signed ? texts_make(&fresh, settings) : texts_read(&fresh, settings);
    if (error == 0)
        error = context_make(settings, &fresh, secrecy->tickets, &context);
    if (error != 0) {
        texts_clear(&fresh);
        return error;
    }
    tow_tls_context_release(context);
    pthread_mutex_lock(&secrecy->mutex);
    tow_pem_texts old = secrecy->texts;
    secrecy->texts = fresh;
    pthread_mutex_unlock(&secrecy->mutex);
    texts_clear(&old);
    return 0;
}

int tow_secrecy_begin(tow_secrecy *secrecy, const tow_settings *settings) {
    if (!is_wanted(settings))
        return 0;
    int error = tow_tls_tickets_new(&secrecy->tickets);
    if (error != 0)
        return error;
    pthread_mutex_init(&secrecy->mutex, NULL);
    secrecy->redirects = settings->tls_redirect;
    return load(secrecy, settings);
}

void tow_secrecy_clear(tow_secrecy *secrecy) {
    if (!tow_secrecy_is_on(secrecy))
        return;
    texts_clear(&secrecy->texts);
    tow_tls_tickets_release(secrecy->tickets);
    pthread_mutex_destroy(&secrecy->mutex);
    *secrecy = (tow_secrecy){0};
}

/* A certificate that was made for this run goes on. */
int tow_secrecy_reload(tow_secrecy *secrecy, const tow_settings *settings) {
    return tow_secrecy_is_on(secrecy) && !settings->tls_self_signed ? load(secrecy, settings) : 0;
}

int tow_secrecy_context(tow_secrecy *secrecy, const tow_settings *settings, tow_tls_context **context) {
    pthread_mutex_lock(&secrecy->mutex);
    int error = context_make(settings, &secrecy->texts, secrecy->tickets, context);
    pthread_mutex_unlock(&secrecy->mutex);
    return error;
}
