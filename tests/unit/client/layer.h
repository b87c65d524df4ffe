/* layer: the server's end of TLS by OpenSSL alone, over memory, so that a test decides about each byte: of it
 * and, with a layer inside of a layer, of TLS to a proxy. */
#ifndef TOW_TESTS_LAYER_H
#define TOW_TESTS_LAYER_H

#include "../transport/authority.h"

#include "base/buffer.h"

#include <openssl/ssl.h>

typedef struct test_layer {
    SSL *ssl;
    BIO *in;
    BIO *out;
} test_layer;

/* What a server needs: its identity and, unless NULL, who must have signed its clients. */
SSL_CTX *layer_context(const test_identity *identity, const test_authority *clients);

void layer_begin(test_layer *layer, SSL_CTX *context);
void layer_clear(test_layer *layer);

/* Records came: what was in them is appended to `plain`. False when the layer has failed. */
bool layer_hear(test_layer *layer, const void *records, size_t length, tow_buffer *plain);
/* Says something, once the handshake is done. */
void layer_say(test_layer *layer, const void *plain, size_t length);
/* Appends what the layer wants to send. */
void layer_take(test_layer *layer, tow_buffer *records);

#endif
