#include "trust.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* The texts of the files; NULL where none is named. */
typedef struct pem_texts {
    char *roots, *revoked, *certificate, *key;
} pem_texts;

static int text_read(const char *path, char **text, char *why) {
    return path == NULL ? 0 : tow_tls_read_file(path, text, why);
}

static int texts_read(pem_texts *texts, const tow_websocket_options *options, tow_trust trust, char *why) {
    int error = text_read(options->tls_roots, &texts->roots, why);
    if (error == 0)
        error = text_read(options->tls_revoked, &texts->revoked, why);
    if (error != 0 || trust == TOW_TRUST_PROXY || options->tls_certificate == NULL)
        return error;
    const char *key = options->tls_key != NULL ? options->tls_key : options->tls_certificate;
    error = text_read(options->tls_certificate, &texts->certificate, why);
    return error != 0 ? error : text_read(key, &texts->key, why);
}

/* A file with a certificate may have its key too. */
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
            .key = options->tls_key != NULL ? options->tls_key : options->tls_certificate,
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
