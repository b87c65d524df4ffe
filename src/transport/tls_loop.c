#include "loop_shared.h"
#include "tls_context.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static void tls_loop_free(tow_loop_companion *companion) {
    tow_tls_loop *tls = (tow_tls_loop *)companion;
    for (size_t i = 0; i < TOW_TLS_CLIENT_CONTEXTS; i++)
        tow_tls_context_release(tls->clients[i].context);
    free(tls);
}

tow_tls_loop *tow_tls_of_loop(tow_loop *loop) {
    tow_tls_loop *tls = (tow_tls_loop *)loop->tls;
    if (tls != NULL || (tls = calloc(1, sizeof(*tls))) == NULL)
        return tls;
    tls->companion.free = tls_loop_free;
    tls->loop = loop;
    tls->waiting_end = &tls->waiting;
    loop->tls = &tls->companion;
    return tls;
}

static bool add_text(EVP_MD_CTX *digest, const char *text) {
    size_t length = text == NULL ? SIZE_MAX : strlen(text);
    return EVP_DigestUpdate(digest, &length, sizeof(length)) == 1 &&
           (text == NULL || EVP_DigestUpdate(digest, text, length) == 1);
}

static bool digest_settings(const tow_tls_settings *settings, uint8_t out[32]) {
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool done = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                add_text(digest, settings->certificate) && add_text(digest, settings->key) &&
                add_text(digest, settings->roots) && add_text(digest, settings->revoked) &&
                EVP_DigestUpdate(digest, &settings->verify, sizeof(settings->verify)) == 1 &&
                EVP_DigestFinal_ex(digest, out, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return done;
}

/* The one with these settings, or the one that was used least lately. */
static tow_tls_client *find(tow_tls_loop *tls, const uint8_t settings[32]) {
    tow_tls_client *oldest = &tls->clients[0];
    for (size_t i = 0; i < TOW_TLS_CLIENT_CONTEXTS; i++) {
        tow_tls_client *client = &tls->clients[i];
        if (client->context != NULL && memcmp(client->settings, settings, sizeof(client->settings)) == 0)
            return client;
        if (client->used < oldest->used)
            oldest = client;
    }
    tow_tls_context_release(oldest->context);
    oldest->context = NULL;
    return oldest;
}

int tow_tls_client_context(
    tow_loop *loop, const tow_tls_settings *settings, tow_tls_context **context, char why[TOW_TLS_TEXT_MAX]) {
    uint8_t digest[32];
    tow_tls_loop *tls = tow_tls_of_loop(loop);
    if (tls == NULL || !digest_settings(settings, digest)) {
        snprintf(why, TOW_TLS_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
        return TOW_ERROR_MEMORY;
    }
    tow_tls_client *client = find(tls, digest);
    if (client->context == NULL) {
        int error = tow_tls_context_new(&client->context, settings, why);
        if (error != 0)
            return error;
        memcpy(client->settings, digest, sizeof(digest));
    }
    client->used = ++tls->uses;
    *context = client->context;
    return 0;
}
