#include "conform_tls.h"

#include <stdio.h>
#include <stdlib.h>

const char *tow_conform_tls_complaint(const tow_conform_settings *settings, const char *url) {
    const char *certificate = settings->certificate;
    if (url != NULL && (certificate != NULL || settings->key != NULL || settings->tls_self_signed))
        return "--certificate, --key and --tls-self-signed are for --listen and --client";
    if (url == NULL && (settings->insecure || settings->cacert != NULL))
        return "--insecure and --cacert are for the URL of a server, wss://HOST";
    if (settings->insecure && settings->cacert != NULL)
        return "--insecure checks no certificate: leave it or --cacert away";
    if (settings->tls_self_signed && certificate != NULL)
        return "--tls-self-signed: there is a certificate already: leave one of the two away";
    return settings->key != NULL && certificate == NULL
               ? "--key: name its certificate with --certificate FILE"
               : NULL;
}

int tow_conform_tls_client(
    tow_tls_context **context, const tow_conform_settings *settings, char why[TOW_TLS_TEXT_MAX]) {
    char *roots = NULL;
    int error = settings->cacert == NULL ? 0 : tow_tls_read_file(settings->cacert, &roots, why);
    tow_tls_settings tls = {.roots = roots,
        .verify = settings->insecure ? TOW_TLS_VERIFY_NONE : TOW_TLS_VERIFY_REQUIRED,
        .files.roots = settings->cacert};
    if (error == 0)
        error = tow_tls_context_new(context, &tls, why);
    free(roots);
    return error;
}

/* The key may be in the certificate's file. */
static int read_certificate(
    const tow_conform_settings *settings, char **certificate, char **key, char why[TOW_TLS_TEXT_MAX]) {
    const char *key_file = settings->key == NULL ? settings->certificate : settings->key;
    int error = tow_tls_read_file(settings->certificate, certificate, why);
    return error != 0 ? error : tow_tls_read_file(key_file, key, why);
}

static int make_certificate(char **certificate, char **key, char why[TOW_TLS_TEXT_MAX]) {
    char fingerprint[96];
    int error = tow_tls_self_signed(certificate, key, fingerprint);
    if (error == 0)
        fprintf(stderr, "a certificate for localhost was made; its SHA-256 fingerprint: %s\n", fingerprint);
    else
        snprintf(why, TOW_TLS_TEXT_MAX, "no certificate could be made");
    return error;
}

int tow_conform_tls_server(
    tow_tls_context **context, const tow_conform_settings *settings, char why[TOW_TLS_TEXT_MAX]) {
    char *certificate = NULL, *key = NULL;
    int error = 0;
    if (settings->certificate != NULL)
        error = read_certificate(settings, &certificate, &key, why);
    else if (settings->tls_self_signed)
        error = make_certificate(&certificate, &key, why);
    tow_tls_settings tls = {.server = true,
        .certificate = certificate,
        .key = key,
        .files = {.certificate = settings->certificate,
            .key = settings->key != NULL ? settings->key : settings->certificate}};
    if (error == 0 && certificate != NULL)
        error = tow_tls_context_new(context, &tls, why);
    free(certificate);
    free(key);
    return error;
}
