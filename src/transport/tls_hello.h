/* tls_hello: what a server reads in a client's first message before OpenSSL does: the name that it asks for
 * (RFC 6066, section 3). */
#ifndef TOW_TRANSPORT_TLS_HELLO_H
#define TOW_TRANSPORT_TLS_HELLO_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum { TOW_TLS_HELLO_NAME_MAX = 256 };

/* The host's name in the body of the extension server_name, in lower case. False if there is none, or it is
 * not well-formed. */
bool tow_tls_hello_name(const unsigned char *extension, size_t length, char out[TOW_TLS_HELLO_NAME_MAX]);

/* For SSL_CTX_set_client_hello_cb: chooses the certificate. Sessions of one name are not resumed under
 * another, which may be somebody else's. */
int tow_tls_on_hello(SSL *ssl, int *alert, void *user);

#endif
