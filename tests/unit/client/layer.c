#include "layer.h"

#include "../unit.h"

#include <openssl/err.h>
#include <openssl/pem.h>

static BIO *text_of(const char *pem) {
    BIO *bio = BIO_new_mem_buf(pem, -1);
    assert_non_null(bio);
    return bio;
}

SSL_CTX *layer_context(const test_identity *identity, const test_authority *clients) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *certificate_text = text_of(identity->certificate);
    BIO *key_text = text_of(identity->key);
    X509 *certificate = PEM_read_bio_X509(certificate_text, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    if (clients != NULL) {
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), clients->certificate), 1);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        assert_int_equal(SSL_CTX_set_session_id_context(context, (const unsigned char *)"test", 4), 1);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_text);
    BIO_free(key_text);
    return context;
}

void layer_begin(test_layer *layer, SSL_CTX *context) {
    *layer = (test_layer){SSL_new(context), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};
    SSL_set_bio(layer->ssl, layer->in, layer->out);
    SSL_set_accept_state(layer->ssl);
}

void layer_clear(test_layer *layer) {
    SSL_free(layer->ssl);
    *layer = (test_layer){0};
}

bool layer_hear(test_layer *layer, const void *records, size_t length, tow_buffer *plain) {
    char bytes[4096];
    size_t got;
    int result;
    assert_int_equal(BIO_write(layer->in, records, (int)length), (int)length);
    ERR_clear_error();
    while ((result = SSL_read_ex(layer->ssl, bytes, sizeof(bytes), &got)) == 1)
        assert_int_equal(tow_buffer_append(plain, bytes, got), 0);
    int error = SSL_get_error(layer->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN;
}

void layer_say(test_layer *layer, const void *plain, size_t length) {
    size_t written;
    assert_int_equal(SSL_write_ex(layer->ssl, plain, length, &written), 1);
    assert_int_equal(written, length);
}

void layer_take(test_layer *layer, tow_buffer *records) {
    char bytes[4096];
    int got;
    while ((got = BIO_read(layer->out, bytes, sizeof(bytes))) > 0)
        assert_int_equal(tow_buffer_append(records, bytes, (size_t)got), 0);
}
