#include "tls_resumption.h"

#include "tls_tickets.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>

/* A server keeps no sessions: its tickets hold them. */
int tow_tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypting) {
    const tow_tls_stream *tls = tow_tls_stream_of_ssl(ssl);
    tow_tls_tickets *tickets = tls->context->tickets;
    int64_t now = tow_loop_wall_seconds(tls->layer.inner.loop);
    tow_ticket_key key;
    int found = 1;
    if (encrypting) {
        if (tow_tls_tickets_current(tickets, now, &key) != 0 || RAND_bytes(iv, 16) != 1)
            return -1;
        memcpy(name, key.name, sizeof(key.name));
    } else if ((found = tow_tls_tickets_find(tickets, now, name, &key)) == 0) {
        return 0;
    }
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string("key", key.mac, sizeof(key.mac)),
        OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()};
    bool good = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv, encrypting) == 1 &&
                EVP_MAC_CTX_set_params(mac, parameters) == 1;
    OPENSSL_cleanse(&key, sizeof(key));
    return good ? found : -1;
}

/* Sessions belong to a host and port. */
static bool session_key(const tow_tls_stream *tls, char out[300]) {
    tow_address address;
    if (tls->name == NULL || tow_stream_peer(&tls->layer.inner, &address) != 0)
        return false;
    int length = snprintf(out, 300, "%s:%u", tls->name, tow_address_port(&address));
    return length > 0 && length < 300;
}

int tow_tls_on_session(SSL *ssl, SSL_SESSION *session) {
    const tow_tls_stream *tls = tow_tls_stream_of_ssl(ssl);
    char key[300];
    return session_key(tls, key) && tow_tls_sessions_put(tls->context->sessions, key, session);
}

int tow_tls_resume(tow_tls_stream *tls) {
    char key[300];
    SSL_SESSION *session = session_key(tls, key) ? tow_tls_sessions_take(tls->context->sessions, key) : NULL;
    int set = session == NULL || SSL_set_session(tls->ssl, session) == 1;
    SSL_SESSION_free(session);
    return set ? 0 : TOW_ERROR_MEMORY;
}
