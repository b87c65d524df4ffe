#include "tls_failure.h"

#include "tls_text.h"

#include <string.h>
#include <towline/error.h>

void tow_tls_failure_note(tow_tls_stream *tls, const char *text) {
    if (tls->text == NULL)
        tls->text = strdup(text); /* without memory the code must do */
}

/* OpenSSL's errors are fetched at once: what callbacks do may add others. */
int tow_tls_failure(tow_tls_stream *tls) {
    bool about_certificate = tls->text != NULL;
    char text[TOW_TLS_TEXT_MAX];
    tow_tls_error_text(text, tls->state == TOW_TLS_HANDSHAKE);
    tow_tls_failure_note(tls, text);
    tls->layer.lingers = tls->context->server; /* with the alert that says why */
    return about_certificate ? TOW_ERROR_CERTIFICATE : TOW_ERROR_TLS;
}

int tow_tls_failure_of(tow_tls_stream *tls, int result) {
    return SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ ? 0 : tow_tls_failure(tls);
}

int tow_tls_on_verify(int holds, X509_STORE_CTX *store) {
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    tow_tls_stream *tls = tow_tls_stream_of_ssl(ssl);
    char text[TOW_TLS_TEXT_MAX];
    if (!holds && tls->text == NULL) {
        tow_tls_certificate_text(text, store, tls->name);
        tow_tls_failure_note(tls, text);
    }
    return holds;
}
