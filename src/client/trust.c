#include "trust.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* NULL where there is none. */
typedef struct pem_texts {
    char *roots, *revoked, *certificate, *key;
} pem_texts;

/* From a file or from memory. */
static int text_read(const char *path, const char *pem, char **text, char *why) {
    if (path != NULL)
        return tow_tls_read_file(path, text, why);
    if (pem == NULL || (*text = strdup(pem)) != NULL)
        return 0;
    snprintf(why, TOW_TLS_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    return TOW_ERROR_MEMORY;
}

/* The key may stand where the certificate does. */
static int own_read(pem_texts *texts, const tow_websocket_options *options, char *why) {
    bool apart = options->tls_key != NULL || options->tls_key_pem != NULL;
    int error = text_read(options->tls_certificate, options->tls_certificate_pem, &texts->certificate, why);
    if (error != 0)
        return error;
    return apart ? text_read(options->tls_key, options->tls_key_pem, &texts->key, why)
                 : text_read(options->tls_certificate, options->tls_certificate_pem, &texts->key, why);
}

static int texts_read(pem_texts *texts, const tow_websocket_options *options, tow_trust trust, char *why) {
    int error = text_read(options->tls_roots, options->tls_roots_pem, &texts->roots, why);
    if (error == 0)
        error = text_read(options->tls_revoked, options->tls_revoked_pem, &texts->revoked, why);
    return error != 0 || trust == TOW_TRUST_PROXY ? error : own_read(texts, options, why);
}

/* What has a certificate may have its key too. */
static void secret_free(char *text) {
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static void texts_clear(pem_texts *texts) {
    free(texts->roots);
    free(texts->revoked);
    secret_free(texts->certificate);
    secret_free(texts->key);
}

static const char *key_file(const tow_websocket_options *options) {
    return options->tls_key != NULL || options->tls_key_pem != NULL ? options->tls_key
                                                                    : options->tls_certificate;
}

int tow_trust_context(tow_loop *loop, const tow_websocket_options *options, tow_trust trust,
    tow_tls_context **context, char why[TOW_TLS_TEXT_MAX]) {
    pem_texts texts = {0};
    tow_tls_context *shared;
    int error = texts_read(&texts, options, trust, why);
    const tow_tls_settings settings = {
        .certificate = texts.certificate,
        .key = texts.key,
        .roots = texts.roots,
        .revoked = texts.revoked,
        .verify = options->tls_insecure ? TOW_TLS_VERIFY_NONE : TOW_TLS_VERIFY_DEFAULT,
        .files = {.certificate = options->tls_certificate,
            .key = key_file(options),
            .roots = options->tls_roots,
            .revoked = options->tls_revoked},
    };
    if (error == 0)
        error = tow_tls_client_context(loop, &settings, &shared, why);
    if (error == 0)
        *context = tow_tls_context_retain(shared);
    texts_clear(&texts);
    return error;
}
