#include "tls_hello.h"

#include "tls_choice.h"
#include "tls_stream.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

enum { LIST_LENGTH = 2, TYPE = 1, NAME_LENGTH = 2, HEAD = LIST_LENGTH + TYPE + NAME_LENGTH };

static size_t two_bytes(const unsigned char *bytes) {
    return (size_t)bytes[0] << 8 | bytes[1];
}

/* A list may have one name of each type, and there is but one type: 0, host_name. */
bool tow_tls_hello_name(const unsigned char *extension, size_t length, char out[TOW_TLS_HELLO_NAME_MAX]) {
    if (length <= HEAD || two_bytes(extension) != length - LIST_LENGTH || extension[LIST_LENGTH] != 0 ||
        two_bytes(extension + LIST_LENGTH + TYPE) != length - HEAD)
        return false;
    const unsigned char *name = extension + HEAD;
    size_t name_length = length - HEAD;
    if (name_length >= TOW_TLS_HELLO_NAME_MAX || memchr(name, '\0', name_length) != NULL)
        return false;
    for (size_t i = 0; i < name_length; i++)
        out[i] = (char)tolower(name[i]);
    out[name_length] = '\0';
    return true;
}

/* What a session belongs to: whom the server trusts, and the name. */
static bool set_session_context(SSL *ssl, const tow_tls_context *context, const char *name) {
    unsigned char whole[TOW_TLS_TRUST_DIGEST + TOW_TLS_HELLO_NAME_MAX];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    memcpy(whole, context->trust, TOW_TLS_TRUST_DIGEST);
    /* Bytes for a digest. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(whole + TOW_TLS_TRUST_DIGEST, name, strlen(name));
    return EVP_Digest(whole, TOW_TLS_TRUST_DIGEST + strlen(name), digest, &length, EVP_sha256(), NULL) == 1 &&
           SSL_set_session_id_context(ssl, digest, length) == 1;
}

int tow_tls_on_hello(SSL *ssl, int *alert, void *user) {
    (void)user;
    const tow_tls_context *context = tow_tls_stream_of_ssl(ssl)->context;
    const unsigned char *extension;
    size_t length;
    char name[TOW_TLS_HELLO_NAME_MAX];
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &length) != 1 ||
        !tow_tls_hello_name(extension, length, name))
        return SSL_CLIENT_HELLO_SUCCESS;
    int chosen = tow_tls_choice_apply(context->choice, ssl, name);
    if (chosen == 0 || (chosen > 0 && set_session_context(ssl, context, name)))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}
